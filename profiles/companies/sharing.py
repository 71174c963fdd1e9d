"""Sharing: what a customer's events come to for each of their companies.

An event counts for the company that it names. One that names none counts for the only company that its customer
belonged to at its time. Since that may become known later than the event, the latest such events *wait* as they are,
and count by what is known of membership when somebody asks; what is older has been placed. So up to that bound a share
is a function of the set of events, like the profile that it is a part of, and merges like that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from math import isfinite
from typing import Any, cast
from zlib import crc32

import msgspec

from profiles.companies.affiliation import Spans, only_company, spans_of
from profiles.companies.days import is_use, join_days, note_day
from profiles.companies.team import Champions
from profiles.consent import ANALYTICS, PROFILING, Consent
from profiles.ledger.entries import KINDS, adds_up, entries_of, write_entries
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.timeline import latest_events, pack_entry
from profiles.types import NOWHERE, Affiliation, Company, Event, Ledger, Member, Part, Profile, Share

__all__ = ["CELLS", "ERASED_COMPANY", "MOST", "WAITING", "Companies", "told"]

MOST = 100
"""Companies of one customer; events of any further one count for none."""

WAITING = 24
"""Events that name no company and wait; at twice as many the earlier half is placed for good."""

CELLS = 64
"""Parts into which the document of a large company is divided by its members."""

ERASED_COMPANY = ""
"""Stands for every company of a customer that was erased: from when to when there was any is kept, so that no other
company gets what happened meanwhile; nothing else is, nor does anybody hear of it."""

_SHOWN = 8  # events of a member in a company's timeline
_COUNTED = frozenset({"track", "page", "screen", "group"})  # the other calls tell who somebody is

_encode = msgspec.msgpack.Encoder(order="sorted").encode
_copy = msgspec.msgpack.Decoder(Profile).decode
_decode_kept = msgspec.msgpack.Decoder(dict[str, list[str]]).decode
_decode = cast(Callable[[bytes], Event], msgspec.msgpack.Decoder(Event[msgspec.Raw]).decode)


class Companies:
    """Takes events of customers for their companies. Built once from a plan.

    Args:
        kind: what the plan calls companies.
        id_of: the id of a company's document.
        cell_id: the id of one of its cells.
        consent: who allows that more than what was bought and paid counts.
        limits: of what a share keeps; without companies of its own.
        currency: of the plan.
        whole: members up to whom a company is one document.
        most: members of a cell.
        room: bytes of their shares in a cell, which must fit into one record of a topic: a public source can name a
            company for any number of browsers.
        champions: who carries the product in a company.
        traits: of customers in which events name their company.
    """

    def __init__(
        self,
        kind: str,
        id_of: Callable[[str], str],
        cell_id: Callable[[str, int], str],
        consent: Consent,
        limits: Limits,
        currency: str,
        *,
        whole: int = 128,
        most: int = 1000,
        room: int = 4 * 1024 * 1024,
        champions: Champions = Champions(),  # noqa: B008  (it is frozen)
        traits: Collection[str] = (),
    ) -> None:
        self.kind = kind
        self._traits = traits
        self.champions = champions
        self.id_of = id_of
        self._parts_of = limits.narrowed
        narrowed = dict.fromkeys(limits.narrowed, _parts_kept)
        self.limits = replace(limits, days=None, narrowed=narrowed, tracing=None)
        self.whole = whole
        self._most, self._room = most, room
        self._cell_id = cell_id
        self._consent = consent
        self._currency = currency

    def cell_of(self, key: str, member: str) -> str:
        """The id of the cell that keeps a member's share, once a company is divided."""
        return self._cell_id(key, crc32(member.encode()) % CELLS)

    def cells(self, key: str) -> list[str]:
        """The ids of all cells of a company."""
        return [self._cell_id(key, number) for number in range(CELLS)]

    def has_room(self, cell: Company, share: Share) -> bool:
        """Whether a cell can keep a share; one that takes back always finds room."""
        if not share.state:
            return True
        known = share.member in cell.shares
        size = sum(map(len, cell.shares.values())) - len(cell.shares.get(share.member, b"")) + len(share.state)
        return size <= self._room and (known or len(cell.shares) < self._most)

    def take(self, profile: Profile, event: Event[Any], digest: bytes) -> None:
        """Take in what an event of a customer is for companies."""
        group = event.group
        if group is None:
            if event.type in _COUNTED and (event.claim is None or not event.claim.role):
                held = profile.affiliation = profile.affiliation or Affiliation()
                held.waiting.append((event.time, _encode(self._bare(event))))
                if len(held.waiting) > 2 * WAITING:
                    self._place(held)
            return
        held = profile.affiliation = profile.affiliation or Affiliation()
        member = held.members.get(group.company)
        if member is None:
            if len(held.members) >= MOST:
                held.unattributed += 1
                return
            member = held.members[group.company] = Member(event.time, event.time, Profile(""))
        member.first = min(member.first, event.time)
        member.last = max(member.last, event.time)
        if group.left:
            member.left = max(member.left, event.time)
        if group.company == ERASED_COMPANY:
            return
        if event.type in _COUNTED and (event.claim is None or not event.claim.role):
            own = self._bare(event)
            own.traits = group.traits
            apply(member.state, own, self._currency, self.limits, digest)
            if is_use(event):
                member.days = note_day(member.days, event.time)

    def merge(self, winner: Profile, loser: Profile) -> None:
        """Take the loser's companies into the winner's."""
        theirs = loser.affiliation
        if theirs is None:
            return
        ours = winner.affiliation = winner.affiliation or Affiliation()
        for company, member in theirs.members.items():
            held = ours.members.get(company)
            if company == ERASED_COMPANY:
                ours.members[company] = _joined_spans(held, member)
                continue
            if held is None:
                told = sorted({*member.instead, loser.id})
                ours.members[company] = msgspec.structs.replace(member, sent=b"", instead=told)
                continue
            held.instead = sorted({*held.instead, *member.instead, loser.id})
            held.first, held.last = min(held.first, member.first), max(held.last, member.last)
            held.left = max(held.left, member.left)
            held.days = join_days(held.days, member.days)
            merge(held.state, member.state, self.limits)
        if theirs.unplaced is not None:
            ours.unplaced = ours.unplaced or Profile("")
            merge(ours.unplaced, theirs.unplaced, self.limits)
            ours.unplaced_days = join_days(ours.unplaced_days, theirs.unplaced_days)
        ours.waiting += theirs.waiting
        ours.unattributed += theirs.unattributed
        if len(ours.waiting) > 2 * WAITING:
            self._place(ours)

    def forget(self, profile: Profile, key: str, until: float) -> bool:
        """Let nothing be known of a company that was erased but from when to when there was one.

        Args:
            profile: a customer.
            key: the company, as events name it.
            until: a membership that began later stays.

        Returns:
            Whether anything was known.
        """
        splitting = profile.splitting
        known = splitting is not None and key in splitting.told
        if splitting is not None and known:
            splitting.told = [company for company in splitting.told if company != key]
        held = profile.affiliation
        member = held.members.get(key) if held is not None else None
        if held is None or member is None or member.first > until:
            return known
        for name in self._traits:
            if name in profile.traits and str(profile.traits[name][0]).strip() == key:
                del profile.traits[name]
        del held.members[key]
        held.members[ERASED_COMPANY] = _joined_spans(held.members.get(ERASED_COMPANY), member)
        return True

    def parts(self, profile: Profile) -> Iterator[tuple[str, Part]]:
        """What a customer's events come to for each of their companies, by its name."""
        held = profile.affiliation
        if held is None or not held.members:
            return
        spans = spans_of(held.members)
        states = {company: _copy(_encode(held.members[company].state)) for company in sorted(held.members)}
        days = {company: member.days for company, member in held.members.items()}
        if held.unplaced is not None and (first := _first(spans)) is not None:
            merge(states[first], _copy(_encode(held.unplaced)), self.limits)
            days[first] = join_days(days[first], held.unplaced_days)
        for time, packed in sorted(held.waiting):
            if (company := only_company(spans, time)) is not None:
                event = _decode(packed)
                apply(states[company], event, self._currency, self.limits)
                if is_use(event):
                    days[company] = note_day(days[company], time)
        denied = self._consent.denied(profile)
        limited = PROFILING in denied or ANALYTICS in denied
        is_key = not limited and self._is_key(profile)
        states.pop(ERASED_COMPANY, None)
        for company, whole in states.items():
            state = _bought(whole) if limited else whole
            bought = state.purchases
            worth = max(bought.revenue_in(self._currency) - bought.refunds_in(self._currency), 0)
            _settle_order(state, profile.id, min(_SHOWN, self.limits.timeline))
            until = spans[company][1]
            yield (
                company,
                Part(
                    held.members[company].first, until if isfinite(until) else 0, state, limited,
                    days=b"" if limited else days[company], key=is_key, worth=worth,
                ),
            )  # fmt: skip

    def _is_key(self, profile: Profile) -> bool:
        trait = profile.traits.get(self.champions.trait) if self.champions.trait else None
        return trait is not None and type(trait[0]) in (str, int, bool) and trait[0] in self.champions.values

    def _bare(self, event: Event[Any]) -> Event[Any]:
        """An event without what a share does not look at; of what it carries, the parts of its role that it is of."""
        parts_of = self._parts_of.get(event.role)
        kept = {"parts": parts_of(event)} if parts_of is not None else {}
        return msgspec.structs.replace(
            event, profile="", received=0.0, identities=[], traits={}, violations=[], origin=NOWHERE, home="",
            position=0, claim=None, group=None, context={}, properties=kept,
        )  # fmt: skip

    def _place(self, held: Affiliation) -> None:
        """Count the earlier half of what waits for the company of its time, as far as that is known."""
        held.waiting.sort()
        spans = spans_of(held.members)
        for time, packed in held.waiting[:-WAITING]:
            company, event = only_company(spans, time), _decode(packed)
            if company == ERASED_COMPANY:
                continue
            if company is not None:
                member = held.members[company]
                state = member.state
                if is_use(event):
                    member.days = note_day(member.days, time)
            elif held.members:
                held.unattributed += 1
                continue
            else:
                state = held.unplaced = held.unplaced or Profile("")
                if is_use(event):
                    held.unplaced_days = note_day(held.unplaced_days, time)
            apply(state, event, self._currency, self.limits)
        held.waiting = held.waiting[-WAITING:]


def told(part: Part) -> tuple[bytes, bytes]:
    """A part as a company is told it, and its digest: equal for equal parts."""
    packed = _encode(part)
    return packed, blake2b(packed, digest_size=8).digest()


def _joined_spans(one: Member | None, other: Member) -> Member:
    """From when to when two of a customer's companies were known, and nothing else of them."""
    if one is None:
        return Member(other.first, other.last, Profile(""), other.left)
    left = max(one.left, other.left)
    return Member(min(one.first, other.first), max(one.last, other.last), Profile(""), left)


def _first(spans: Spans) -> str | None:
    found = [company for company, (since, _) in spans.items() if not isfinite(since)]
    return found[0] if len(found) == 1 else None


def _parts_kept(event: Event[Any]) -> Sequence[str]:
    """The parts of its role that an event is of, as they were found when it came; none if no plan asked then."""
    kept = event.properties if type(event.properties) is dict else _decode_kept(event.properties)
    return kept.get("parts", ())


def _bought(whole: Profile) -> Profile:
    """Of a share what was bought and paid: the company's, whatever its members allow with what is their own."""
    roles = {role: tally for role, tally in whole.roles.items() if role in KINDS}
    return Profile(
        "",
        created=min((tally.first for tally in roles.values()), default=None),
        updated=max((tally.last for tally in roles.values()), default=0.0),
        traits=whole.traits,
        roles=roles,
        purchases=whole.purchases,
        ledger=whole.ledger,
        subscriptions=whole.subscriptions,
        narrowed={part: tally for part, tally in whole.narrowed.items() if adds_up(part)},
    )


def _settle_order(state: Profile, who: str, shown: int) -> None:
    """Put what is kept in no order into one, and say whose events they are. No more are shown than are surely kept."""
    if state.ledger is not None:
        held = sorted(entries_of(state.ledger), key=lambda entry: (entry.time, entry.kind, entry.key, entry.part))
        state.ledger = Ledger(count=state.ledger.count, settled=state.ledger.settled)
        write_entries(state.ledger, held)
    packed = [pack_entry(msgspec.structs.replace(entry, who=who)) for entry in latest_events(state, shown)]
    state.timeline = b"".join(len(entry).to_bytes(2, "big") + entry for entry in packed)
    state.timeline_count = len(packed)
