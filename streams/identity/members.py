"""Which identities belong to which profile, as the requests of one batch change it; every change is drafted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from plan import Plan
from profiles.identity.linking import Decision, decide
from profiles.identity.links import Claim, Link, LinkRequest
from profiles.types import Identity
from streams.identity.draft import Draft

__all__ = ["Members"]


class Members:
    """The identities at hand.

    Args:
        plan: identity rules and namespace.
        draft: takes what changes.
        linked: the profile of each identity that is linked.
        held: the identities of each profile that holds linked ones.
        links: how the identities of those profiles came to join.
        apart: identities that must not be together.
        claims: who claims the identities of which several do.
    """

    def __init__(
        self,
        plan: Plan,
        draft: Draft,
        linked: dict[Identity, str],
        held: dict[str, list[Identity]],
        links: dict[Identity, list[Link]],
        apart: dict[Identity, list[Identity]],
        claims: dict[Identity, list[Claim]],
    ) -> None:
        self.home = plan.home
        self._ranks = {rule.type: rule.priority for rule in plan.identities}
        self._limits = {rule.type: rule.limit for rule in plan.identities}
        self.most = plan.most_identities
        self._trust = plan.trust
        self._draft = draft
        self._linked = linked
        self._held = held
        self._links = links
        self._aliased = {rule.type for rule in plan.identities if rule.alias == "join"}
        self._apart = apart
        self._claims = claims

    def profile_of(self, identity: Identity) -> str:
        """The profile that an identity belongs to: its home, unless it is linked."""
        return self._linked.get(identity) or self.home(identity)

    def held_by(self, profile: str) -> list[Identity]:
        """The linked identities of a profile."""
        return self._held.get(profile, [])

    def links_of(self, identities: Iterable[Identity]) -> list[Link]:
        """The links that these came to join by, each once, in the order in which they were made."""
        every = [link for identity in identities for link in self._links.get(identity, ())]
        # An alias may join, and then link; several links may have waited for one split.
        links = {(link.offset, not link.by, link.time, link.event, tuple(link.identities)): link for link in every}
        return [links[place] for place in sorted(links)]

    def strongest(self, identities: Iterable[Identity]) -> Identity:
        """The one of highest priority in the plan."""
        last = len(self._ranks) + 1
        return min(identities, key=lambda identity: (self._ranks.get(identity[0], last), identity[1]))

    def decide(self, identities: Sequence[Identity], source: str = "", *, joined: bool = False) -> Decision:
        """Decide which of these become one, by the plan's limits and what is kept apart; changes nothing.

        Args:
            identities: that met in one event.
            source: of the event; "" for a link that was made once.
            joined: a person said so; then limits of types do not count.
        """
        public = self._trust.public
        return decide(
            identities,
            self.profile_of,
            self.held_by,
            dict.fromkeys(self._ranks, self.most) if joined else self._limits,
            most=self.most,
            partners=lambda identity: self._apart.get(identity, ()),
            persons=self._trust.persons if source and public else (),
            names=self.names if source not in public else lambda profile, identities: False,
        )

    def names(self, profile: str, identities: Sequence[Identity]) -> bool:
        """Whether these are of a person, or tied to one of the profile's by what was believed."""
        reached = set(identities)
        ties = [link.identities for link in self.links_of(self.held_by(profile)) if self.is_believed(link)]
        while near := [tied for tied in ties if not reached.isdisjoint(tied)]:
            reached.update(*near)
            ties = [tied for tied in ties if reached.isdisjoint(tied)]
        return any(kind in self._trust.persons for kind, _ in reached)

    def is_believed(self, link: Link | LinkRequest) -> bool:
        """Whether who says so is no public source, or its user has signed."""
        return link.signed or link.source not in self._trust.public

    def hold(self, profile: str, identities: list[Identity] | None) -> None:
        """Let a profile hold these identities; None: it holds none any more."""
        if identities is None:
            self._held.pop(profile, None)
        else:
            self._held[profile] = identities
        self._draft.changes.graph[profile] = identities

    def move(self, identities: Iterable[Identity], profile: str) -> None:
        """Let identities belong to a profile, before it is said for good (`map`)."""
        self._linked.update(dict.fromkeys(identities, profile))

    def map(self, identity: Identity, profile: str | None, time: float) -> None:
        """Say for good which profile an identity belongs to; None: its home."""
        if profile is None:
            self._linked.pop(identity, None)
        else:
            self._linked[identity] = profile
        self._draft.changes.mapping[identity] = profile
        self._draft.tell(_name(identity), profile and {"identity": identity, "profile": profile, "at": time})

    def note_link(self, identity: Identity, link: Link) -> None:
        """Note by which link an identity came to join."""
        self._links[identity] = self._draft.changes.links[identity] = [*self._links.get(identity, ()), link]
        self._draft.tell(f"@links:{_name(identity)}", {"identity": identity, "links": self._links[identity]})

    def forget(self, profile: str) -> None:
        """Make each identity of a profile its own again, and forget what linked them."""
        identities = self.held_by(profile)
        self.hold(profile, None)
        for identity in identities:
            self._linked.pop(identity, None)
            if self._links.pop(identity, None):
                self._draft.changes.links[identity] = None
                self._draft.tell(f"@links:{_name(identity)}", None)

    def keep_apart(self, identity: Identity, others: Iterable[Identity]) -> None:
        """Never let an identity be together with these again."""
        held = self._apart.get(identity, [])
        self._put_apart(identity, [*held, *(other for other in others if other not in held)])

    def let_together(self, some: set[Identity], others: set[Identity]) -> None:
        """Forget that any of these were kept apart from any of the others."""
        for one, rest in ((some, others), (others, some)):
            for identity in one:
                held = self._apart.get(identity, [])
                kept = [other for other in held if other not in rest]
                if kept != held:
                    self._put_apart(identity, kept)

    def forget_apart(self, homes: Collection[str]) -> None:
        """Forget what the identities of these homes were kept apart from, in both directions."""
        for identity, others in list(self._apart.items()):
            left = [] if self.home(identity) in homes else [one for one in others if self.home(one) not in homes]
            if left != others:
                self._put_apart(identity, left)

    def aliased(self, identities: Sequence[Identity]) -> Decision | None:
        """What an alias makes of the accounts that it names, where the plan lets it; None if it names no two."""
        accounts = [identity for identity in identities if identity[0] in self._aliased]
        return self.decide(accounts, joined=True) if len({self.profile_of(one) for one in accounts}) > 1 else None

    def claims_of(self, identity: Identity) -> list[Claim]:
        """Who claims an identity, but for those from whom it is kept apart."""
        apart = self._apart.get(identity, ())
        return [claim for claim in self._claims.get(identity, ()) if claim.anchor not in apart]

    def note_claims(self, identity: Identity, claims: list[Claim]) -> None:
        """Keep who claims an identity; nobody: forget it."""
        if claims != self._claims.get(identity, []):
            self._claims[identity] = claims
            self._draft.changes.claims[identity] = claims or None
            told = {"identity": identity, "claims": claims} if claims else None
            self._draft.tell(f"@claims:{_name(identity)}", told)

    def forget_claims(self, homes: Collection[str]) -> None:
        """Forget who claims the identities of these homes, and what these claim of others'."""
        for identity, claims in list(self._claims.items()):
            left = [] if self.home(identity) in homes else claims
            self.note_claims(identity, [claim for claim in left if self.home(claim.anchor) not in homes])

    def are_two(self, one: Identity, other: Identity) -> bool:
        """Whether two identities are of customers who cannot be one."""
        profiles = self.profile_of(one), self.profile_of(other)
        if profiles[0] == profiles[1]:
            return False
        return bool(self.decide([one, other]).refused)

    def rivals(self, identity: Identity, holder: str, winner: str, anchor: Identity) -> list[Identity]:
        """What the holder of an identity has that the winner, of `anchor`, cannot have beside its own.

        All of it is stronger than the identity. Empty if something else keeps the winner from holding the identity.
        """
        rank, limits = self._ranks.get(identity[0], 0), self._limits
        theirs, ours = self.held_by(holder), {anchor, *self.held_by(winner)}
        counts = Counter(kind for kind, _ in {*theirs, *ours})
        over = {kind for kind, count in counts.items() if count > limits.get(kind, 1)}
        room = sum(kind == identity[0] for kind, _ in ours) < limits.get(identity[0], 1) and len(ours) < self.most
        apart = self._apart.get(identity, ())
        if not room or any(one in apart for one in ours):
            return []
        return [one for one in theirs if one[0] in over and self._ranks.get(one[0], 0) < rank]

    @contextmanager
    def parted(self, identities: Iterable[Identity], others: Collection[Identity]) -> Iterator[None]:
        """Decide for a while as if these were kept apart from others."""
        held, self._apart = self._apart, {one: list(apart) for one, apart in self._apart.items()}
        for identity in identities:
            self._apart.setdefault(identity, []).extend(others)
            for other in others:
                self._apart.setdefault(other, []).append(identity)
        try:
            yield
        finally:
            self._apart = held

    def finish(self) -> None:
        """Draft the links of every identity whose profile holds others than before: the store keeps them together."""
        for identities in self._draft.changes.graph.values():
            for identity in identities or ():
                self._draft.changes.links.setdefault(identity, self._links.get(identity))

    def _put_apart(self, identity: Identity, others: list[Identity]) -> None:
        self._apart[identity] = others
        self._draft.changes.apart[identity] = others or None
        self._draft.tell(f"@apart:{_name(identity)}", {"identity": identity, "apart": others} if others else None)


def _name(identity: Identity) -> str:
    return f"{identity[0]}:{identity[1]}"
