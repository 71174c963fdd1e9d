"""How far a sender is believed: what a public source, whose key anybody can read, may say about people.

Behaviour counts from anywhere. What the business knows counts only from sources that are not public. What only a
person can say of themselves (an opinion, a consent, their traits) counts from a public source if their user id is
signed. And a public source's event speaks of one person: it never makes two people one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from plan.model import Role, SourceSpec, Verify
from profiles.errors import Unacceptable, WrongUse
from profiles.identity.extract import IdentityRule, Spell
from profiles.identity.signatures import verifier
from profiles.identity.spelling import as_text
from profiles.types import Identity

__all__ = ["BUSINESS", "PERSONAL", "SIGNATURE", "Standing", "Trust", "persons_of"]

SIGNATURE = "userIdSignature"
"""Where in `context` the signature of `userId` is."""

BUSINESS: frozenset[Role] = frozenset(
    {
        "purchase", "refund", "payment", "payment_failed", "subscription_start", "subscription_cancel",
        "ticket_opened", "ticket_solved", "ticket_reopened", "contact_made", "order_cancelled", "delivered",
        "delivery_late", "undelivered", "subscription_renew", "subscription_pause", "subscription_change",
        "subscription_grow", "subscription_shrink", "ticket_replied", "invoice",
    }
)  # fmt: skip
"""Roles of what happened in the business, whoever says so."""

PERSONAL: frozenset[Role] = frozenset(
    {"complaint", "inquiry", "csat", "nps", "ces", "review", "unsubscribe", "consent", "return"}
)
"""Roles of what a person says, for themselves alone."""

_ALL: frozenset[str] = BUSINESS | PERSONAL


class Standing(NamedTuple):
    """How far an event of a public source is believed."""

    named: bool  # whether it names a person at all
    signed: bool = False  # whether that person has spoken
    claimed: frozenset[str] = _ALL  # roles that do not count
    unlinked: Sequence[Identity] = ()  # of people whom it names besides, or instead
    remark: str = ""  # what is wrong with it


_VISITOR, _UNSIGNED, _SIGNED = Standing(False), Standing(True), Standing(True, True, BUSINESS)


class Trust:
    """Weighs events of public sources. Built once from a plan.

    Args:
        sources: of the plan.
        rules: its identities.
        spellings: of their values.
        verify: what becomes of a user id that is not signed, or not rightly.
        key: of the signatures; without one none is right.
    """

    def __init__(
        self,
        sources: Mapping[str, SourceSpec],
        rules: Sequence[IdentityRule],
        spellings: Mapping[str, Spell],
        verify: Verify,
        key: bytes | None,
    ) -> None:
        self.public = frozenset(name for name, spec in sources.items() if spec.public)
        self.persons = persons_of(rules)
        self.undecided = [name for name, spec in sources.items() if spec.public is None]
        self.lacks_key = verify != "off" and key is None
        self._verify = verify
        self._is_valid = verifier(key) if key else _never
        self._of_user = [(rule.type, spellings[rule.type]) for rule in rules if "userId" in rule.fields]

    def require_key(self) -> None:
        """Raises WrongUse if user ids are verified, and there is no key to do it with."""
        if self.lacks_key:
            raise WrongUse(
                f"RAPPORT_USER_ID_KEY is not set, and the plan says `verify_user_ids: {self._verify}`: set it to the "
                "key that your servers sign with; `openssl rand -hex 32` makes one"
            )

    def weigh(self, raw: Mapping[str, Any], identities: list[Identity]) -> tuple[list[Identity], Standing]:
        """How far an event of a public source is believed; and the identities that it may speak of.

        Args:
            raw: the event.
            identities: that it carries, the strongest first.

        Raises:
            Unacceptable: it names people only, and none of them can be believed.
        """
        persons = self.persons
        people = [identity for identity in identities if identity[0] in persons]
        if not people:
            return identities, _VISITOR
        if self._verify == "off":
            believed, standing = people[:1], _UNSIGNED
        else:
            believed, standing = self._verified(raw, people)
        if len(believed) == len(people):
            return identities, standing
        unlinked = [identity for identity in people if identity not in believed]
        left = [identity for identity in identities if identity not in unlinked]
        if not left:
            raise Unacceptable("unverified_user", f"{standing.remark}, and nothing else is named")
        return left, standing._replace(unlinked=unlinked)

    def _verified(self, raw: Mapping[str, Any], people: list[Identity]) -> tuple[list[Identity], Standing]:
        user, context = as_text(raw.get("userId")), raw.get("context")
        signature = context.get(SIGNATURE) if type(context) is dict else None
        remark = f"context.{SIGNATURE}: is not the signature of this userId"
        if user is not None and signature is not None and self._is_valid(user, signature):
            mine = {(kind, spell(user)) for kind, spell in self._of_user}
            if believed := [identity for identity in people if identity in mine]:
                return believed, _SIGNED
            signature = None  # of a user id that identifies nobody
        if signature is None:
            if self._verify == "optional":
                return people[:1], _UNSIGNED
            remark = f"userId: is not signed; a public source needs context.{SIGNATURE}"
        return [], _UNSIGNED._replace(remark=remark)


def persons_of(rules: Sequence[IdentityRule]) -> frozenset[str]:
    """The types of identities that say who somebody is; the others are of browsers and devices."""
    return frozenset(rule.type for rule in rules if rule.names_a_person)


def _never(user: str, signature: object) -> bool:
    return False
