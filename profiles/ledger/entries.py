"""The ledger of a profile: what adds up counts once a subject, however often and by whomever it is told.

An order that web and server tell, a page that is loaded twice, two exports that overlap: one `Entry`. An entry is a
join of its reports (the earliest time, what the latest says of the amount…), so their order does not show. What the
profile has of these roles (`purchases`, their tallies) follows from the entries: a new subject is added to it, and when
a further report of a known one says something else, all is counted anew.

The ledger is bounded. When there are too many entries the oldest *settle*: what came of them stays as sums, and of
their subjects only a few bytes, so that they are known when they come again, but are not changed any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from profiles.ledger.counting import Occurrence, count_order, count_parts, count_refund, count_role
from profiles.ledger.refunds import join_tellers, refunds_told, teller_of
from profiles.types import Entry, Event, Ledger, Number, Profile, Purchases, Settled

if TYPE_CHECKING:
    from profiles.state import Limits

__all__ = [
    "KEYS", "KINDS", "ROLES", "TIMED", "accounts_of", "adds_up", "count_anew", "enter", "entries_of", "forget_parts",
    "has_settled", "join", "join_all", "mark_of", "marks_of", "occurrences_of", "refund_key", "settle", "subject_key",
    "write_entries",
]  # fmt: skip

ROLES = ("purchase", "refund", "payment", "subscription_start", "subscription_cancel")
"""The roles that add up. Entries name them by their place: append, never reorder."""

KINDS = {role: kind for kind, role in enumerate(ROLES)}
"""Role → its place."""

TIMED = "?@"
"""Stands in the name of a part of a role that depends on the time of day or week."""

_PURCHASE, _REFUND, _END = 0, 1, 4
_ABOUT = ("order", "order", "payment", "subscription", "subscription")
_LATEST = frozenset({3, 4})  # of a subscription the latest start and end count: it may be taken up again
_FAMILIES = len(set(_ABOUT))
_EXACT = 2.0**53
_KEPT = 1024  # settled entries that are known again
_MARK = 4  # bytes of each
KEYS = _KEPT * _MARK
"""Bytes of `Settled.keys` at most."""


_USUAL = msgspec.structs.astuple(Entry(-1, b"", -1.0))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode
_decode_settled = msgspec.msgpack.Decoder(Settled).decode


def subject_key(role: str, subject: str) -> bytes:
    """Eight bytes that stand for the subject of a role: an order's are the same for its refunds."""
    return blake2b(f"{_ABOUT[KINDS[role]]}\0{subject}".encode(), digest_size=8).digest()


def refund_key(subject: str, refund: str) -> bytes:
    """Eight bytes that stand for one of the refunds of an order."""
    return blake2b(f"refund\0{subject}\0{refund}".encode(), digest_size=8).digest()


def adds_up(part: str) -> bool:
    """Whether it is a part of one of `ROLES`: such a name begins with that of its role."""
    return part.partition("?")[0] in KINDS


def enter(profile: Profile, event: Event, currency: str, limits: Limits, digest: bytes) -> bool:
    """Take an event of one of `ROLES` into the ledger, and into what follows from it.

    Args:
        profile: changed in place.
        event: what happened.
        currency: of the plan.
        limits: the bounds, and whether a role counts every report.
        digest: `event_digest` of the event.

    Returns:
        Whether its subject is new; False if the event is a further report of what has been counted.
    """
    ledger = profile.ledger
    if ledger is None:
        ledger = profile.ledger = Ledger(settled=_so_far(profile))
    entry = _entry(event, currency, limits, digest)
    if _changes_no_other(profile, ledger, entry):  # as nearly always
        if has_settled(ledger, entry):
            return False
        ledger.entries += _packed(entry)
        ledger.count += 1
        for occurrence in occurrences_of([entry]):
            _count(profile.purchases, profile, occurrence, limits)
        settle(profile, limits)
        return True
    held = entries_of(ledger)
    for known in held:
        if _identity(known) == _identity(entry):
            joined = join(known, entry, limits.on_repeat.get(event.role, ""))
            if joined != known:
                ledger.entries = ledger.entries.replace(_packed(known), _packed(joined), 1)
                if msgspec.structs.replace(joined, said=known.said) != known:  # else it counts as before
                    count_anew(profile, limits)
            return False
    write_entries(ledger, [*held, entry])
    count_anew(profile, limits)
    settle(profile, limits)
    return not (entry.teller and _tells_of_known(held, entry))


def _tells_of_known(held: Iterable[Entry], entry: Entry) -> bool:
    """Whether a new report is of a refund that another sender tells of."""
    told = [each for each in held if each.kind == _REFUND and each.key == entry.key]
    return bool(told) and len(refunds_told([*told, entry])) == len(refunds_told(told))


def _changes_no_other(profile: Profile, ledger: Ledger, entry: Entry) -> bool:
    """Whether nothing of the subject is held, or only what counts for itself: lines of an order never paid back."""
    if entry.key not in ledger.entries:
        return True
    is_line = entry.kind == _PURCHASE and entry.part
    return bool(is_line) and entry.part not in ledger.entries and "refund" not in profile.roles


def accounts_of(profile: Profile) -> Ledger | None:
    """The ledger of a profile, also of one that has counted before there were ledgers."""
    if profile.ledger is None and (settled := _so_far(profile)) is not None:
        return Ledger(settled=settled)
    return profile.ledger


def entries_of(ledger: Ledger) -> list[Entry]:
    """All entries, in the order in which they came."""
    return _decode(b"\xdd" + ledger.count.to_bytes(4, "big") + ledger.entries)  # the head of a msgpack array


def _packed(entry: Entry) -> bytes:
    """An entry without the fields at its end that are as usual: most have few."""
    values = msgspec.structs.astuple(entry)
    end = len(values)
    while values[end - 1] == _USUAL[end - 1]:
        end -= 1
    return _encode(values[:end])


def write_entries(ledger: Ledger, entries: Sequence[Entry]) -> None:
    """Let a ledger have these entries."""
    ledger.entries, ledger.count = b"".join(map(_packed, entries)), len(entries)


def join(one: Entry, other: Entry, on_repeat: str) -> Entry:
    """What two reports of one subject say together. It commutes, associates, and says nothing new of the same again.

    Each of amount, quantity and category is what the latest report says that says it; with `first`, the earliest. It is
    of the parts of its role that any report is of: one knows the device, another the products. Of those that depend on
    time, it is of the ones that the report of its own time is of.
    """
    sign = -1.0 if on_repeat == "first" else 1.0
    time = max(one.time, other.time) if one.kind in _LATEST else min(one.time, other.time)
    ours, theirs = one.said or (one.time,) * 3, other.said or (other.time,) * 3
    money = max(
        (each.currency != "", sign * at[0], each.amount, each.currency, each.worth is not None, each.worth or 0)
        for each, at in ((one, ours), (other, theirs))
    )
    items = max((each.quantity != 0, sign * at[1], each.quantity) for each, at in ((one, ours), (other, theirs)))
    category = max((each.category != "", sign * at[2], each.category) for each, at in ((one, ours), (other, theirs)))
    said = tuple(sign * at if says else time for says, at, *_ in (money, items, category))
    return Entry(
        one.kind,
        one.key,
        time,
        money[2],
        money[3],
        items[2],
        category[2],
        one.part,
        money[5] if money[4] else None,
        None if said == (time,) * 3 else said,  # type: ignore[arg-type]
        one.parts if one.parts == other.parts else _parts(one, other, time),
        join_tellers(one.teller, other.teller),
    )


def _parts(one: Entry, other: Entry, time: float) -> list[str]:
    return sorted({part for each in (one, other) for part in each.parts if each.time == time or TIMED not in part})


def forget_parts(profile: Profile, parts: frozenset[str]) -> None:
    """Forget of a profile's roles what is none of these parts, which no condition asks for any more.

    If one asks again, it is counted from then on: what came between is not known.
    """
    profile.narrowed = {part: tally for part, tally in profile.narrowed.items() if part in parts}
    if (ledger := profile.ledger) is None:
        return
    if ledger.settled is not None:
        ledger.settled.narrowed = {part: tally for part, tally in ledger.settled.narrowed.items() if part in parts}
    entries = entries_of(ledger)
    for entry in entries:
        entry.parts = [part for part in entry.parts if part in parts]
    write_entries(ledger, entries)


def join_all(entries: Iterable[Entry], on_repeat: Mapping[str, str]) -> list[Entry]:
    """Entries of several ledgers, one for each subject."""
    found: dict[tuple[int, bytes, bytes], Entry] = {}
    for entry in entries:
        held = found.get(_identity(entry))
        found[_identity(entry)] = entry if held is None else join(held, entry, on_repeat.get(ROLES[entry.kind], ""))
    return list(found.values())


def count_anew(profile: Profile, limits: Limits) -> None:
    """Work out what follows from the ledger."""
    ledger = profile.ledger
    if ledger is None:
        return
    settled = _copy(ledger.settled) if ledger.settled else Settled()
    profile.purchases = settled.purchases
    for role in ROLES:
        profile.roles.pop(role, None)
    profile.roles |= settled.roles
    profile.narrowed = {part: tally for part, tally in profile.narrowed.items() if not adds_up(part)}
    profile.narrowed |= {part: tally for part, tally in settled.narrowed.items() if part in limits.parts}
    for occurrence in sorted(occurrences_of(entries_of(ledger)), key=lambda each: each.time):
        _count(profile.purchases, profile, occurrence, limits)


def settle(profile: Profile, limits: Limits) -> None:
    """Let the oldest entries settle if there are too many: of orders, payments and subscriptions the latest stay."""
    ledger = profile.ledger
    if ledger is None or ledger.count <= (_FAMILIES + 1) * limits.ledger:
        return
    subjects: defaultdict[bytes, list[Entry]] = defaultdict(list)
    for entry in entries_of(ledger):
        subjects[entry.key].append(entry)
    kept: list[Entry] = []
    room = dict.fromkeys(_ABOUT, limits.ledger)
    base = ledger.settled = ledger.settled or Settled()
    holder = Profile("", roles=base.roles, purchases=base.purchases, narrowed=base.narrowed)
    for _, entries in sorted(subjects.items(), key=lambda item: (-max(e.time for e in item[1]), item[0])):
        about = _ABOUT[entries[0].kind]
        room[about] -= len(entries)
        if room[about] >= 0:
            kept += entries
            continue
        for occurrence in occurrences_of(entries):
            _count(base.purchases, holder, occurrence, limits)
        base.keys = (base.keys + b"".join(map(mark_of, entries)))[-KEYS:]
    write_entries(ledger, kept)


def _so_far(profile: Profile) -> Settled | None:
    """What was counted before there was a ledger; None for nothing."""
    roles = {role: tally for role, tally in profile.roles.items() if role in KINDS}
    if not roles and not profile.purchases.orders and not profile.purchases.refund_count:
        return None
    return _copy(Settled(profile.purchases, roles))


def _copy(settled: Settled) -> Settled:
    return _decode_settled(_encode(settled))


def has_settled(ledger: Ledger, entry: Entry) -> bool:
    """Whether an entry is in the sums of a ledger, as far as that still knows."""
    settled = ledger.settled
    if settled is None:
        return False
    mark = mark_of(entry)
    at = settled.keys.find(mark)
    while at >= 0 and at % _MARK:  # across two others
        at = settled.keys.find(mark, at + 1)
    return at >= 0


def marks_of(ledger: Ledger) -> set[bytes]:
    """The marks of what has settled in a ledger, as far as that still knows."""
    keys = ledger.settled.keys if ledger.settled is not None else b""
    return {keys[at : at + _MARK] for at in range(0, len(keys), _MARK)}


def mark_of(entry: Entry) -> bytes:
    """Tells a settled entry from others of the same subject: a refund from its order, an end from its start."""
    return entry.part[:_MARK] or (entry.key[_MARK:] if entry.kind == _END else entry.key[:_MARK])


def _entry(event: Event, currency: str, limits: Limits, digest: bytes) -> Entry:
    """What one event says. Without a subject the message itself is one, so that it is known when it comes again.

    So is the message of a refund the refund, of which an order may have several, unless it says which of them it is.
    """
    kind = KINDS[event.role]
    once = limits.on_repeat.get(event.role) != "each"
    of_order = kind in (_PURCHASE, _REFUND)  # what belongs to an order is measured by it, also where each report counts
    key = subject_key(event.role, event.subject) if event.subject and (once or of_order) else digest
    entry = Entry(kind, key, float(event.time))
    if kind == _REFUND:
        entry.part = refund_key(event.subject, event.refund) if once and event.refund else digest
        if once and not event.subject:
            entry.key = entry.part
        elif once:
            entry.teller = teller_of(event.source, named=bool(event.refund))
    elif of_order and event.subject and not once:
        entry.part = digest
    if of_order:
        entry.amount, entry.currency, entry.category = event.amount, event.currency, event.category
        items = event.quantity
        entry.quantity = int(items) if abs(items) < _EXACT and items == int(items) else items  # takes a byte, not nine
        if event.currency not in ("", currency):
            entry.worth = 0 if limits.rates is None else limits.rates.worth(event.amount, event.currency, entry.time)
    if limits.narrowed and (parts_of := limits.narrowed.get(event.role)) is not None:
        entry.parts = sorted(parts_of(event))
    return entry


def _identity(entry: Entry) -> tuple[int, bytes, bytes]:
    return entry.kind, entry.key, entry.part


def occurrences_of(entries: Iterable[Entry]) -> Iterator[Occurrence]:
    """What counts of these entries, which have all of the subjects that they have anything of."""
    orders: defaultdict[bytes, list[Entry]] = defaultdict(list)
    refunds: defaultdict[bytes, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.kind == _REFUND:
            refunds[entry.key].append(entry)
            continue
        if entry.kind == _PURCHASE:
            orders[entry.key].append(entry)
        yield _occurrence(entry, entry.amount, entry.currency, _worth(entry))
    for key, parts in refunds.items():
        yield from _paid_back(_whole(orders[key]), parts)


def _whole(reports: list[Entry]) -> Entry | None:
    """What an order came to of which each report counts: their sum, as far as they are in the currency of the first."""
    if len(reports) < 2:
        return reports[0] if reports else None
    told = sorted((one for one in reports if one.currency), key=lambda one: (one.time, one.part)) or reports
    same = [one for one in told if one.currency == told[0].currency]
    amount, worth = sum(one.amount for one in same), sum(map(_worth, same))
    return msgspec.structs.replace(told[0], amount=amount, worth=worth)


def _paid_back(order: Entry | None, parts: list[Entry]) -> Iterator[Occurrence]:
    """The refunds of one order: never more than it came to; one that says no amount is of what is left."""
    refunds = [_in_one(reports) for reports in refunds_told(parts)]
    if order is None or not order.currency:
        for part in refunds:
            yield _occurrence(part, part.amount, part.currency, _worth(part))
        return
    left = order.amount
    for part in refunds:
        if part.currency not in ("", order.currency):
            yield _occurrence(part, part.amount, part.currency, _worth(part))
        elif left > 0 or order.amount <= 0:
            amount = min(part.amount, left) if part.currency else left
            left -= amount
            worth = _worth(part) if amount == part.amount else round(_worth(order) * amount / (order.amount or 1))
            yield _occurrence(part, amount, order.currency, worth)


def _in_one(reports: list[Entry]) -> Entry:
    """A refund of which there are these reports: as the first has it, of the parts of its role that any is of."""
    refund = reports[0]
    for other in reports[1:]:
        refund = msgspec.structs.replace(refund, parts=_parts(refund, other, refund.time))
    return refund


def _occurrence(entry: Entry, amount: int, currency: str, worth: int) -> Occurrence:
    quantity: Number = entry.quantity
    converted = entry.worth is not None
    return Occurrence(
        ROLES[entry.kind],
        entry.time,
        amount,
        currency,
        worth,
        converted,
        quantity,
        entry.category,
        entry.parts,
    )


def _worth(entry: Entry) -> int:
    return entry.amount if entry.worth is None else entry.worth


def _count(bought: Purchases, profile: Profile, occurrence: Occurrence, limits: Limits) -> None:
    role = occurrence.role
    count_role(profile.roles, role, occurrence.time, limits.windows.get(role, 0) if limits.windows else 0)
    if occurrence.parts:
        count_parts(profile.narrowed, occurrence.parts, occurrence.time, limits)
    if role == "purchase":
        count_order(bought, occurrence, limits.recent, limits.categories)
    elif role == "refund":
        count_refund(bought, occurrence)
