"""What an event says of its day, kept with the profile: a function of the set of events, like the profile.

Only what nothing else in a profile tells: orders, refunds and tickets are counted by what it has of them, each once.
"""

from __future__ import annotations

from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import ANSWERS, COMPLAINTS, EVENTS, KEPT, answer_fields
from profiles.doings import NOT_OF_THEIR_OWN
from profiles.types import Days, Event, Profile

__all__ = ["BAD", "GOOD", "THOUSANDTHS", "add_mark", "merge_days", "note_day"]

GOOD = {"csat": 4, "nps": 9, "ces": 5, "review": 4}
"""The least mark of who is satisfied, by kind of answer."""

BAD = {"csat": 2, "nps": 6, "ces": 3, "review": 2}
"""The highest of who is not."""

THOUSANDTHS = 1000

_NOT_OWN = frozenset(NOT_OF_THEIR_OWN)
_SPECIAL = frozenset({*ANSWERS, "complaint"})
_PLACES = {kind: answer_fields(kind) for kind in ANSWERS}


def note_day(profile: Profile, event: Event, days: LocalTime, day: int | None = None) -> None:
    """Take in what an event says of its day: `day`, where it is known already."""
    role, held = event.role, profile.days
    if role in _NOT_OWN:
        return
    if held is None:
        held = profile.days = Days()
    if day is None:
        day = days.of(event.time)
    counts = held.counts.get(day)
    if counts is None:
        latest = max(held.counts, default=day)
        if day <= latest - KEPT:
            return
        counts = held.counts[day] = {EVENTS: 1}
        if day > latest:
            _forget(held, day)
    else:
        counts[EVENTS] += 1
    if role not in _SPECIAL:
        return
    if role == "complaint":
        counts[COMPLAINTS] = counts.get(COMPLAINTS, 0) + 1
    elif event.rating is not None:
        if role == "nps":
            _note_newest(held, day, (float(event.time), float(event.rating)))
        else:
            add_mark(counts, role, event.rating)


def add_mark(counts: dict[int, int], kind: str, mark: float) -> None:
    """Count one answer."""
    place = _PLACES[kind]
    counts[place] = counts.get(place, 0) + 1
    counts[place + 1] = counts.get(place + 1, 0) + round(mark * THOUSANDTHS)
    if mark >= GOOD[kind]:
        counts[place + 2] = counts.get(place + 2, 0) + 1
    elif mark <= BAD[kind]:
        counts[place + 3] = counts.get(place + 3, 0) + 1


def merge_days(winner: Profile, loser: Profile) -> None:
    """Take what is known of the loser's days into the winner's."""
    theirs = loser.days
    if theirs is None:
        return
    ours = winner.days = winner.days or Days()
    for day, counts in theirs.counts.items():
        held = ours.counts.setdefault(day, {})
        for field, number in counts.items():
            held[field] = held.get(field, 0) + number
    for day, newest in (theirs.newest or {}).items():
        _note_newest(ours, day, newest)
    _forget(ours, max(ours.counts, default=0))


def _note_newest(held: Days, day: int, answer: tuple[float, float]) -> None:
    newest = held.newest = held.newest or {}
    newest[day] = max(answer, newest.get(day, answer))


def _forget(held: Days, latest: int) -> None:
    """Keep no more than the latest days."""
    for day in [day for day in held.counts if day <= latest - KEPT]:
        del held.counts[day]
        if held.newest is not None:
            held.newest.pop(day, None)
