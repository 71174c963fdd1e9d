"""Experiments on a log: the same customers under other circumstances, so that a backtest can ask for more.

A log of customers who all came in one season never shows a model the ages it will be asked about. `retimed` draws when
each of them came anew, so that every age is present at once. `vanishing` makes repeat orders rarer from a week on: a
change of behaviour whose size is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import msgspec
import numpy as np

from models.backtest.playback import Log
from models.backtest.records import Repeatable
from models.durations import WEEK
from profiles.types import Event, Merge

__all__ = ["SPAN", "order_times", "people", "retimed", "sampled", "vanishing"]

SPAN = 104
"""Weeks over which `retimed` spreads the customers' first orders."""


def people(records: Iterable[Event | Merge]) -> dict[str, str]:
    """The profile that each profile of a log is part of in the end."""
    into: dict[str, str] = {}
    names: dict[str, None] = {}
    for record in records:
        names[record.profile] = None
        if isinstance(record, Merge):
            into[record.profile] = record.winner
    found = {}
    for name in names:
        last = name
        while last in into:
            last = into[last]
        found[name] = last
        found[last] = last
    return found


def order_times(records: Iterable[Event | Merge]) -> list[list[float]]:
    """The times of each customer's orders, ascending, seconds."""
    whose = people(records)
    found: dict[str, list[float]] = {}
    for record in records:
        if isinstance(record, Event) and record.role == "purchase":
            found.setdefault(whose[record.profile], []).append(record.time)
    return list(found.values())


def sampled(log: Log, inside: Callable[[str], bool]) -> Log:
    """The log of some customers only; a customer is taken or left as a whole.

    Args:
        log: of everybody; the result begins and ends with it.
        inside: whether a customer, by the id of the profile that they are in the end, is taken.
    """
    whose = people(log.records)
    taken = {person: inside(person) for person in set(whose.values())}
    records = Repeatable(lambda: (record for record in log.records if taken[whose[record.profile]]))
    return replace(log, records=records)


def retimed(
    log: Log,
    seed: int = 0,
    span: int = SPAN,
    by_time: Callable[[Iterable[Event | Merge]], Iterable[Event | Merge]] | None = None,
) -> Log:
    """The same trajectories, each customer's first event drawn uniformly over `span` weeks.

    A customer is observed for as long as in the log: what they did after its end is not known, wherever they now are.
    Draws are dealt in the order of the customers' names, numbers by their size, whatever the order of the log.

    Args:
        log: as it happened.
        seed: of the draws.
        span: weeks.
        by_time: sorts records by their time, stably; in memory unless given.
    """
    whose = people(log.records)
    first: dict[str, float] = {}
    names: dict[str, tuple[int, str]] = {}
    for record in log.records:
        person = whose[record.profile]
        first.setdefault(person, record.time)
        if isinstance(record, Event) and record.identities:
            name = record.identities[0][1]
            names.setdefault(person, (len(name), name))
    persons = sorted(first, key=lambda person: (names.get(person, (0, "")), person))
    begins = log.start + np.random.default_rng(seed).uniform(0, span, len(first)) * WEEK
    shift = {person: float(begin) - first[person] for person, begin in zip(persons, begins, strict=True)}
    moved = (msgspec.structs.replace(record, time=record.time + shift[whose[record.profile]]) for record in log.records)
    records = by_time(moved) if by_time else sorted(moved, key=lambda record: record.time)
    until = {profile: log.end + shift[person] for profile, person in whose.items()}
    return Log(records, log.start, max(until.values()), until, log.outside)


def vanishing(log: Log, week: float, keep: float, seed: int = 0) -> Log:
    """From a week on, each order that is not a customer's first happens with probability `keep` only."""
    whose = people(log.records)
    begins = log.start + week * WEEK

    def left() -> Iterator[Event | Merge]:
        rng = np.random.default_rng(seed)
        ordered: set[str] = set()
        for record in log.records:
            if isinstance(record, Event) and record.role == "purchase":
                person = whose[record.profile]
                if person in ordered and record.time >= begins and rng.random() > keep:
                    continue
                ordered.add(person)
            yield record

    return replace(log, records=Repeatable(left))
