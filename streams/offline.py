"""A file of events as the profiles would have met it: the ingest steps and the linker's decisions, without servers.

The same steps as in `streams/pipeline.py` make each row neutral, or reject it; then the records are put into the order
of event time, and identities that meet in an event are linked by the linker's own graph, in that order.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.types import Event, Identity, Merge, event_digest, profile_id
from streams.identity.graph import Graph
from streams.judge import Judge
from streams.records.links import LinkRequest

__all__ = ["Reading", "Row", "read_log"]

_BATCH = 1000
_TOPIC = "file"

Row = tuple[str, bytes, int]
"""(source, the event as JSON, line of the file)."""


@dataclass(slots=True)
class Reading:
    """What a file came to."""

    records: list[Event | Merge]  # by event time
    rejected: Counter[str] = field(default_factory=Counter)  # by reason
    examples: dict[str, str] = field(default_factory=dict)  # reason → line and message of the first
    repeats: int = 0
    merges: int = 0


def read_log(rows: Iterable[Row], plan: Plan, now: float, advance: Callable[[int], object] = lambda _: None) -> Reading:
    """Take every row of a file through ingest, and link whom the events say are one.

    Args:
        rows: in any order.
        plan: what is accepted, and what it means.
        now: no event can be later; seconds.
        advance: told how many rows have been read since the last call.
    """
    return asyncio.run(_read(rows, plan, now, advance))


async def _read(rows: Iterable[Row], plan: Plan, now: float, advance: Callable[[int], object]) -> Reading:
    judge = Judge(plan, now)
    reading = Reading([])
    events: list[Event] = []
    seen: set[bytes] = set()
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        for source, part in _by_source(batch):
            intake = await judge.intake(source, [_record(event, line, now) for _, event, line in part])
            for rejection in intake.rejected:
                reading.rejected[rejection.reason] += 1
                reading.examples.setdefault(rejection.reason, f"line {rejection.offset}: {rejection.message}")
            for item in intake.items:
                assert item.event is not None
                digest = event_digest(source, item.event.id)
                if digest in seen:
                    reading.repeats += 1
                else:
                    seen.add(digest)
                    events.append(item.event)
        advance(len(batch))
    events.sort(key=lambda event: event.time)
    reading.records = list(_linked(events, plan, now))
    reading.merges = len(reading.records) - len(events)
    return reading


def _by_source(batch: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for source in dict.fromkeys(row[0] for row in batch):
        yield source, [row for row in batch if row[0] == source]


def _record(event: bytes, line: int, now: float) -> ConsumerRecord:
    return ConsumerRecord(_TOPIC, 0, line, int(now * 1000), 0, None, event, None, 0, len(event), ())


def _linked(events: Iterable[Event], plan: Plan, now: float) -> Iterator[Event | Merge]:
    """The events, each followed by the merges that it brings about."""
    linked: dict[Identity, str] = {}
    graph = Graph(
        plan, _TOPIC, 1, now, linked=linked, held={}, links={}, apart={}, pending={}, erased={}, refusals={}, claims={}
    )  # fmt: skip
    asked: set[tuple[str, tuple[Identity, ...]]] = set()
    for offset, event in enumerate(events):
        yield event
        together = tuple(event.identities)
        if len(together) < 2 or (event.source, together) in asked:
            continue
        asked.add((event.source, together))
        if len({linked.get(identity) or profile_id(plan.namespace, identity) for identity in together}) < 2:
            continue
        decision = graph.link(offset, LinkRequest(list(together), event.time, event.source, event.id))
        for loser, moved in (decision.losers if decision else {}).items():
            yield Merge(loser, decision.winner, event.time, moved)  # type: ignore[union-attr]
