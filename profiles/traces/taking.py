"""What an event leaves in the traces of a profile, and the traces of two profiles that become one.

Everything here is a sum, a set, or the latest few of a set, so neither order nor splits show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from profiles.calendar.local_time import LocalTime
from profiles.traces.begun import EARLIEST, LATEST, join_begun, key_of, note_begun
from profiles.traces.counts import HOURS, add_hours, join_months, note_hour, note_month
from profiles.traces.looked import join_looked, note_looked
from profiles.traces.mementos import SHORT, Memento, add_memento, join_mementos, short
from profiles.types import Event, Number, Profile, Traces

__all__ = ["BEGINS", "BY_DAY", "COMES", "LOOKED", "OTHER", "Left", "Tracing", "join_traces", "note_traces"]

COMES = frozenset(
    {
        "visit", "login", "signup", "feature_use", "purchase", "ticket_opened", "ticket_reopened", "complaint",
        "inquiry", "csat", "nps", "ces", "review", "contact_clicked",
    }
)  # fmt: skip
"""Roles that tell when somebody comes. What they look at while they are there only tells how long they stay."""

BEGINS = frozenset({"visit", "login", "signup", "feature_use", "search", "contact_clicked"})
"""Roles of which the first of a day tells how the customer came."""

BY_DAY = frozenset({"search", "missing", "bought", "coupon"})
"""Kinds of mementos of which several of one day are one."""

LOOKED = "looked"
"""The kind of a product that was looked at: no memento, as there are many."""

_NONE = bytes(HOURS)

OTHER = "other"
"""Stands for every channel of contacts that has no name of its own."""

Left = Sequence[tuple[str, str, str]]
"""The mementos that an event leaves: (kind, what, more)."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """What is noted, beside when customers come."""

    local: LocalTime = field(default_factory=LocalTime)  # tells times by the plan's zone
    left: Mapping[str, Callable[[Event], Left]] = field(default_factory=dict)  # by role
    channels: frozenset[str] = frozenset()  # of contacts, that are counted by themselves
    begun: Callable[[Event], bytes] | None = None  # how an event began a day (`profiles.traces.begun.code_of`)


def note_traces(profile: Profile, event: Event, tracing: Tracing, digest: bytes) -> int | None:
    """Take in what an event leaves. What is only claimed has no role, and leaves nothing.

    Returns:
        The local day of the event, where it was worked out.
    """
    role, time = event.role, event.time
    comes, read = role in COMES, tracing.left.get(role)
    if not comes and read is None:
        return None
    if role == "view" and read is not None:
        return _note_view(profile, read(event), tracing, time)
    traces = profile.traces
    if traces is None:
        traces = profile.traces = Traces()
    hour, weekday, month, day = tracing.local(time)
    if comes:
        counts = traces.when
        if not counts:
            counts.extend(_NONE)
        note_hour(counts, hour, weekday)
        if traces.months[-2:] != month:
            traces.months = note_month(traces.months, month)
    if role in BEGINS and tracing.begun is not None and EARLIEST < time < LATEST:
        key, last = key_of(day, time), traces.begun[-8:-2]
        if last >= key or last[:2] != key[:2]:  # else they have come earlier on the latest day, as mostly
            traces.begun = note_begun(traces.begun, key, tracing.begun, event)
    if read is None:
        return day if time > 0 else None
    kept = traces.kept
    for kind, what, more in read(event):
        if kind in BY_DAY:
            kept[kind] = add_memento(kept.get(kind, b""), kind, Memento(day, what, more))
            continue
        memento = Memento(max(int(time), 0), what, more, _whole(event.rating), digest[:4])
        kept[kind] = add_memento(kept.get(kind, b""), kind, memento)
        if kind == "contact":
            channel = more if more in tracing.channels else OTHER
            traces.contacts[channel] = traces.contacts.get(channel, 0) + 1
    return day if time > 0 else None


def _note_view(profile: Profile, left: Left, tracing: Tracing, time: float) -> int | None:
    """The same of what somebody looks at, which is much of all that happens: it leaves a product, or nothing."""
    if not left:
        return None
    traces = profile.traces
    if traces is None:
        traces = profile.traces = Traces()
    day = tracing.local.of(time)
    for kind, what, more in left:
        if kind == LOOKED:
            traces.looked = note_looked(traces.looked, day, what if len(what) < SHORT else short(what))
        else:
            traces.kept[kind] = add_memento(traces.kept.get(kind, b""), kind, Memento(day, what, more))
    return day


def _whole(rating: float | None) -> Number:
    """A rating, as an integer if it is one: that takes a byte, where a float takes nine."""
    return 0 if rating is None else int(rating) if rating == int(rating) else rating


def join_traces(ours: Traces | None, theirs: Traces | None) -> Traces | None:
    """The traces of both."""
    if ours is None or theirs is None:
        return ours or theirs
    contacts, kept = dict(ours.contacts), dict(ours.kept)
    for channel, count in theirs.contacts.items():
        contacts[channel] = contacts.get(channel, 0) + count
    for kind, held in theirs.kept.items():
        kept[kind] = join_mementos(kept.get(kind, b""), held, kind)
    return Traces(
        add_hours(ours.when, theirs.when), join_months(ours.months, theirs.months), kept, contacts,
        join_begun(ours.begun, theirs.begun), join_looked(ours.looked, theirs.looked),
    )  # fmt: skip
