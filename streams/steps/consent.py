"""Consent: what an event says about what its customer allows, as traits of ours.

It is said by a trait of an identify call, by the context of any event (`categoryPreferences` of Segment's consent
wrappers, the lists of consent ids of RudderStack's, a TC string, Global Privacy Control), and by an event of the role
`consent` (its properties `purpose` and `granted`). Which belongs to which purpose is in the plan. If one event says
both yes and no to a purpose, it is a no; so is an answer that is neither, and it is remarked.

A withdrawal counts even if its event is rejected: whoever takes back a consent need not know our plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from plan import EventRule, Plan
from profiles.consent import INTERNAL, is_consent, trait_of
from profiles.consent_words import answer, says_nothing, tcf_purposes
from profiles.errors import Unacceptable
from profiles.types import Event, Identity
from streams.collector.json_text import loads_exactly
from streams.records.position import position_of, recorded_at
from streams.records.unforeseen import unreadable
from streams.records.withdrawal import WITHDRAWAL, type_of
from streams.steps.claim import set_apart
from streams.steps.identify import Erased
from streams.steps.intake import FORGOTTEN, Each, Intake, Item

__all__ = ["Listener", "consent", "withdraw"]

_TOLD = 20  # forged traits of one event that are told of
_ID = 100  # characters of a messageId
_LARGEST = 64 * 1024  # bytes of a rejected event that is listened to
_MARKS = (b"onsent", b"gpc", b'"granted"')  # beside the plan's traits: without one of them nothing is said
_encode = msgspec.msgpack.Encoder().encode


class Words(NamedTuple):
    """What an event says: by purpose whether it is granted, and what of it was not understood."""

    said: dict[str, bool]
    remarks: list[str]


class Listener:
    """Finds in a raw event what it says about the purposes of a plan. Pure."""

    def __init__(self, plan: Plan) -> None:
        purposes = plan.file.consent
        self._event = plan.event
        self._traits = [(spec.trait, purpose) for purpose, spec in purposes.items() if spec.trait]
        self._categories = [(name, purpose) for purpose, spec in purposes.items() for name in spec.every_category]
        self._frameworks = [(frozenset(spec.tcf), purpose) for purpose, spec in purposes.items() if spec.tcf]
        self._signals = [purpose for purpose, spec in purposes.items() if spec.gpc]
        self._spoken = {purpose: [purpose] for purpose in purposes}
        for category, purpose in self._categories:
            self._spoken[category] = [*self._spoken.get(category, ()), purpose]
        self.marks = [*_MARKS, *(trait.encode() for trait, _ in self._traits)] if purposes else []

    def hear(self, raw: dict[str, Any], kind: str, rule: EventRule | None) -> Words:
        """What an event says.

        Args:
            raw: as it was sent.
            kind: its type.
            rule: of the plan for it; None if it is not planned.
        """
        words = Words({}, [])
        for purpose, place, value in self._statements(raw, kind, rule):
            if says_nothing(value):
                continue
            if (word := answer(value)) is None:
                words.remarks.append(f"{place}: is neither yes nor no, and counts as no")
            words.said[purpose] = bool(word) and words.said.get(purpose, True)
        return words

    def withdrawn(self, raw: dict[str, Any], source: str) -> dict[str, Any]:
        """The traits that say what a rejected event of a source takes back."""
        kind = type_of(raw)
        name = raw.get("event" if kind == "track" else "name")
        rule = self._event(source, kind, name if type(name) is str else "")
        return {trait_of(purpose): False for purpose, word in self.hear(raw, kind, rule).said.items() if not word}

    def _statements(self, raw: dict[str, Any], kind: str, rule: EventRule | None) -> Iterator[tuple[str, str, Any]]:
        """(purpose, where it was said, what was said)."""
        if kind == "identify":
            told = self._told(raw)
            for trait, purpose in self._traits:
                yield purpose, f"traits.{trait}", told.get(trait)
        if type(context := raw.get("context")) is dict:
            yield from self._of_context(context)
        if rule is not None and rule.role == "consent" and type(properties := rule.payload(raw)) is dict:
            named = properties.get("purpose")
            for purpose in self._spoken.get(named, ()) if isinstance(named, str) else ():
                yield purpose, "properties.granted", properties.get("granted")

    def _told(self, raw: dict[str, Any]) -> dict[str, Any]:
        """The traits of an identify call; some SDKs have them in the context only."""
        context = raw.get("context")
        told = [raw.get("traits"), context.get("traits") if type(context) is dict else None]
        own, shared = (held if type(held) is dict else {} for held in told)
        return {**shared, **own}

    def _of_context(self, context: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
        stated = context.get("consent")
        if type(stated) is dict:
            if type(preferences := stated.get("categoryPreferences")) is dict:
                for category, purpose in self._categories:
                    yield purpose, f"context.consent.categoryPreferences.{category}", preferences.get(category)
            if self._frameworks and (text := stated.get("tcString")):
                yield from self._of_framework(text)
        if type(managed := context.get("consentManagement")) is dict:
            denied, allowed = (_listed(managed.get(name)) for name in ("deniedConsentIds", "allowedConsentIds"))
            for category, purpose in self._categories:
                if category in denied or category in allowed:
                    yield purpose, "context.consentManagement", category not in denied
        if self._signals and answer(context.get("gpc", stated.get("gpc") if type(stated) is dict else None)):
            for purpose in self._signals:
                yield purpose, "context.gpc", False

    def _of_framework(self, text: object) -> Iterator[tuple[str, str, Any]]:
        try:
            consented: frozenset[int] | None = tcf_purposes(text)
        except ValueError:
            consented = None
        for needed, purpose in self._frameworks:
            yield purpose, "context.consent.tcString", "?" if consented is None else needed <= consented


def consent(plan: Plan) -> Each:
    """The step that writes consent as traits, and marks the house's own people, of whose data nothing may be made.

    Traits that bear our names are taken out of what was sent: nobody else writes them.
    """
    listener = Listener(plan)

    ignored = plan.ignored

    def note(batch: Intake, item: Item) -> None:
        event = item.event
        if event is None:
            return
        if not _says_nothing(event, item):
            take_words(event, item)
        if ignored.knows_people and ignored.is_of_ours(item.raw):
            event.traits = {**event.traits, INTERNAL: True}

    def take_words(event: Event, item: Item) -> None:
        traits = event.traits
        if forged := [name for name in traits if is_consent(name)]:
            traits = {name: value for name, value in traits.items() if not is_consent(name)}
            event.violations = [*event.violations, *(f"traits.{name}: is not for senders" for name in forged[:_TOLD])]
        words = listener.hear(item.raw, event.type, item.rule)
        if words.remarks:
            event.violations = [*event.violations, *words.remarks]
        if words.said or forged:
            event.traits = {**traits, **{trait_of(purpose): word for purpose, word in words.said.items()}}

    return Each("consent", note)


def _says_nothing(event: Event, item: Item) -> bool:
    """Whether there is no place in an event that could say anything: so nearly all of them."""
    if event.type == "identify" or event.traits or (item.rule is not None and item.rule.role == "consent"):
        return False
    context = item.raw.get("context")
    return type(context) is not dict or not ("consent" in context or "consentManagement" in context or "gpc" in context)


def _listed(value: object) -> list[object]:
    return value if type(value) is list else []


def withdraw(plan: Plan, erased: Erased) -> Each:
    """The step that lets count what rejected events withdraw; nothing else of them does, and nobody is linked by them.

    Args:
        plan: says where consent is withdrawn, and what identifies somebody.
        erased: which customers were.
    """
    return _Withdrawals(plan, erased)


class _Withdrawals(Each):
    """Looks at the items that other steps have rejected."""

    def __init__(self, plan: Plan, erased: Erased) -> None:
        super().__init__("withdraw", _nothing)
        self._plan = plan
        self._erased = erased
        self._listener = Listener(plan)

    def over(self, batch: Intake, items: list[Item]) -> list[Item]:
        """The step for the items that were rejected meanwhile; those that go on are left as they are."""
        refused, batch.refused = batch.refused, []
        for item, error in refused:
            why = Unacceptable("unknown_type", "`type` is ours, and nothing is withdrawn")
            try:
                withdrawn = error.reason != FORGOTTEN and self._withdraw(batch, item, error)
            except Unacceptable as refusal:
                withdrawn, why = False, refusal
            except ValueError:
                withdrawn = False
            except Exception as unforeseen:
                withdrawn, why = False, unreadable(self.__name__, unforeseen)
            if withdrawn:
                batch.withdrawn.append(item)
            elif error.reason == WITHDRAWAL:
                batch.reject(item, self.__name__, why)
                batch.refused.clear()
        return items

    def _withdraw(self, batch: Intake, item: Item, error: Unacceptable) -> bool:
        """Make an event of nothing but the withdrawal; False if there is none.

        Raises:
            ValueError: it cannot be read.
            Unacceptable: it speaks of people whom its source cannot speak of, or of an erased customer.
        """
        value = item.record.value or b""
        if len(value) > _LARGEST or not any(mark in value for mark in self._listener.marks):
            return False
        raw = loads_exactly(value)
        ignored = self._plan.ignored
        if type(raw) is not dict or (ignored and ignored.why(batch.source, raw)):
            return False
        said = self._listener.withdrawn(raw, batch.source)
        identities = self._plan.extract(raw) if said else []
        if not identities:
            return False
        trust = self._plan.trust
        if batch.source in trust.public:
            identities, item.standing = trust.weigh(raw, identities)
        item.home = self._plan.home(identities[0])
        if not item.received:
            item.time = item.received = min(recorded_at(item.record), batch.now)
        if self._erased and self._erased.drops(item.home, item.time):
            raise Unacceptable(FORGOTTEN, "the customer was erased; nothing of the event is kept")
        item.event = _withdrawal(batch, item, raw, identities[:1], said, error)
        if batch.source in trust.public:
            set_apart(batch, item)
        item.packed = _encode(item.event)
        return True


def _withdrawal(
    batch: Intake,
    item: Item,
    raw: dict[str, Any],
    identities: list[Identity],
    said: dict[str, Any],
    error: Unacceptable,
) -> Event:
    """The event. Its id is not the rejected one's: that may be put back, and must not be taken for a repeat then."""
    record, message = item.record, raw.get("messageId")
    known = type(message) is str and 0 < len(message) <= _ID
    return Event(
        item.home,
        f"withdrawal in {message if known else position_of(record)}",
        batch.source,
        "identify",
        "identify",
        "",
        item.time,
        item.received,
        identities,
        traits=said,
        violations=[*item.violations, f"the event is rejected: {error.reason}; only what it withdraws counts"],
        origin=(record.topic, record.partition, record.offset),
    )


def _nothing(batch: Intake, item: Item) -> None:
    """Done to items that go on."""
