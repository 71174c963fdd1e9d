"""A file of events as the profiles would have met it: the ingest steps and the linker's decisions, without servers.

The same steps as in `streams/pipeline.py` make each row neutral, or reject it; then the records are put into the order
of event time, and identities that meet in an event are linked by the linker's own graph, in that order. Events lie on
disk: memory grows with the customers, not with what they did.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.types import Event, Identity, Merge, event_digest, profile_id
from streams.external_sort import ExternalSort
from streams.history.on_disk import OnDisk
from streams.identity.graph import Graph
from streams.judge import Judge
from streams.records.links import LinkRequest

__all__ = ["Reading", "Row", "by_time", "read_log"]

_BATCH = 1000
_TOPIC = "file"
_RUN = 32 * 1024 * 1024  # bytes of events that are sorted in memory at a time
_OBJECTS = 250  # bytes that the objects of one take beside them, about
_REMEDY = "name a folder of a larger disk in TMPDIR"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event | Merge).decode
_decode_event = msgspec.msgpack.Decoder(Event).decode

Row = tuple[str, bytes, int]
"""(source, the event as JSON, line of the file)."""


@dataclass(slots=True)
class Reading:
    """What a file came to."""

    records: OnDisk[Event | Merge]  # by event time
    rejected: Counter[str] = field(default_factory=Counter)  # by reason
    examples: dict[str, str] = field(default_factory=dict)  # reason → line and message of the first
    repeats: int = 0
    merges: int = 0


def read_log(
    rows: Iterable[Row], plan: Plan, now: float, advance: Callable[[int], object] = lambda _: None, run: int = _RUN
) -> Reading:
    """Take every row of a file through ingest, and link whom the events say are one.

    Args:
        rows: in any order.
        plan: what is accepted, and what it means.
        now: no event can be later; seconds.
        advance: told how many rows have been read since the last call.
        run: bytes of events that are sorted in memory at a time.

    Raises:
        Misconfigured: there is no room on the disk.
    """
    return asyncio.run(_read(rows, plan, now, advance, run))


class _Read(NamedTuple):
    """An event of the file. Compares by what names it; of those that are one event, the first in the file is least."""

    digest: bytes
    place: int  # in the file
    time: float
    event: bytes  # msgpack


class _Placed(NamedTuple):
    """A record in the order of time; of those of one time, in the order in which they came."""

    time: float
    place: int
    record: bytes  # msgpack


async def _read(rows: Iterable[Row], plan: Plan, now: float, advance: Callable[[int], object], run: int) -> Reading:
    judge = Judge(plan, now)
    reading = Reading(OnDisk(Event | Merge))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory(prefix="rapport-sort-") as folder:
        found = ExternalSort(_Read, Path(folder), lambda read: len(read.event) + _OBJECTS, run, _REMEDY)
        waiting = iter(rows)
        while batch := list(islice(waiting, _BATCH)):
            for source, part in _by_source(batch):
                intake = await judge.intake(source, [_record(event, line, now) for _, event, line in part])
                for rejection in intake.rejected:
                    reading.rejected[rejection.reason] += 1
                    reading.examples.setdefault(rejection.reason, f"line {rejection.offset}: {rejection.message}")
                for item in intake.items:
                    assert item.event is not None
                    event = item.event
                    found.add(_Read(event_digest(source, event.id), found.count, event.time, _encode(event)))
            advance(len(batch))
        ordered, last = _in_time(folder, run), b""
        for read in found.in_order():
            if read.digest != last:
                ordered.add(_Placed(read.time, read.place, read.event))
            last = read.digest
        reading.repeats = found.count - ordered.count
        events = (_decode_event(placed.record) for placed in ordered.in_order())
        reading.records.extend(_linked(events, plan, now))
    reading.merges = len(reading.records) - ordered.count
    return reading


def by_time(records: Iterable[Event | Merge], run: int = _RUN) -> OnDisk[Event | Merge]:
    """Records in the order of time, as `sorted` would put them, on disk."""
    found: OnDisk[Event | Merge] = OnDisk(Event | Merge)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory(prefix="rapport-sort-") as folder:
        ordered = _in_time(folder, run)
        for record in records:
            ordered.add(_Placed(record.time, ordered.count, _encode(record)))
        found.extend(_decode(placed.record) for placed in ordered.in_order())
    return found


def _in_time(folder: str, run: int) -> ExternalSort[_Placed]:
    return ExternalSort(_Placed, Path(folder), lambda placed: len(placed.record) + _OBJECTS, run, _REMEDY)


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
