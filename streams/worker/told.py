"""What other systems were told of a partition's customers, and how a store that was set back is brought up to it.

A Redis that loses its last second, or a replica that is promoted, comes back older than what `segment.changes`,
`alerts` and `cases` say. The events are in Kafka and are applied again; but what followed from them followed at a time
of the wall clock that does not come back, so it would be told once more under other ids, or never be taken back. What
was told is therefore a fact like an event: each commit notes up to where Kafka has what its partition told
(`Changes.told`), and whoever begins to write a partition reads on from there. A customer who was told to be in a
segment is in it again, and has the alert and the case that were told, under their ids; whether that still holds, the
next look finds out and tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiokafka.structs import ConsumerRecord
from faust.types import TP
from tenacity import retry, retry_if_exception_type, wait_exponential

from streams.kafka.client import Unavailable
from streams.kafka.ends import Ends
from streams.kafka.reader import Batch, Extent, Log
from streams.kafka.topics import ALERTS, CASES, PROFILE_EVENTS, TOLD, topic_name
from streams.records.position import header_of
from streams.records.told import MODEL_NEWS, ToldOf, read_alert, read_case, read_segment_change
from streams.settings import Settings

__all__ = ["ReadTold", "Told", "ToldReader", "nothing_told"]


_REMEMBERED = 100_000  # ids of messages: of what is told again, the first is not further back
_BEFORE = 1_000  # messages of a partition and topic before what is read, whose ids are known


@dataclass(frozen=True, slots=True)
class Told:
    """What a partition told since a position."""

    of: Mapping[str, ToldOf]  # by profile
    version: int  # the highest of a commit that told anything
    ends: Mapping[str, int]  # by topic, without prefix: where to read on
    events: int  # the end of the partition of `profile.events`: what was lost is before it
    at: float = 0.0  # the latest time as of which anything was told
    more: bool = False  # there is more behind `ends`


class ReadTold(Protocol):
    """Reads on, in some partitions, from where each stands by topic; None: from the present end. Of much, only a part.

    Messages whose ids are `known` are passed over; those that were read are known from then on. So are, with `known`,
    those shortly before: a worker that was paused may tell them once more, behind all that was told since.
    """

    async def __call__(
        self, starts: Mapping[int, Mapping[str, int] | None], known: dict[str, None] | None = None
    ) -> dict[int, Told]: ...


async def nothing_told(starts: Mapping[int, object], known: dict[str, None] | None = None) -> dict[int, Told]:
    """Reads nothing: where nobody is told anything."""
    return {number: Told({}, 0, {}, 0) for number in starts}


class ToldReader:
    """Reads what partitions told.

    Args:
        log: to read.
        ends: of partitions.
        settings: the names of topics.
        at_once: messages of a partition and topic read at one time, at most: all may be more than memory takes.
    """

    def __init__(self, log: Log, ends: Ends, settings: Settings, at_once: int = 10_000) -> None:
        self._at_once = at_once
        self._log = log
        self._ends = ends
        self._bases = {topic_name(settings, base): base for base in TOLD}
        self._events = topic_name(settings, PROFILE_EVENTS)

    @retry(retry=retry_if_exception_type(Unavailable), wait=wait_exponential(multiplier=0.1, max=5))
    async def __call__(
        self, starts: Mapping[int, Mapping[str, int] | None], known: dict[str, None] | None = None
    ) -> dict[int, Told]:
        """What each partition told since where it stands. A Kafka that is away is waited for.

        Raises:
            Misconfigured: the topics cannot be read.
        """
        ends = await self._ends([TP(topic, number) for number in starts for topic in [*self._bases, self._events]])
        begins: dict[tuple[str, int], int] = {}
        extents = []
        for number, start in starts.items():
            for topic, base in self._bases.items():
                end = ends[TP(topic, number)]
                begin = start.get(base, 0) if start is not None else end
                begins[topic, number] = begin
                first = max(begin - _BEFORE, 0) if known is not None and begin < end else begin
                extents.append(Extent(topic, number, first, max(min(begin + self._at_once, end), begin)))
        read = {(each.topic, each.partition): each.end for each in extents}
        found: dict[int, dict[str, ToldOf]] = {number: {} for number in starts}
        versions = dict.fromkeys(starts, 0)
        seen = dict(known or {})  # nothing is known of what is read again because Kafka went away in the middle
        async for batch in self._log.read(extents, accept_gaps=True):  # what is deleted is older than what can be lost
            of = found[batch.partition]
            batch = _behind(batch, begins[batch.topic, batch.partition], seen)  # noqa: PLW2901
            if self._bases[batch.topic] == ALERTS:
                _take_alerts(of, batch, seen)
            elif self._bases[batch.topic] == CASES:
                _take_cases(of, batch, seen)
            else:
                _take_changes(of, batch, seen)
            versions[batch.partition] = max([versions[batch.partition], *(_version(one) for one in batch.records)])
            while len(seen) > _REMEMBERED:
                del seen[next(iter(seen))]
        if known is not None:
            known.clear()
            known |= seen
        return {
            number: Told(
                found[number],
                versions[number],
                {base: read[topic, number] for topic, base in self._bases.items()},
                ends[TP(self._events, number)],
                max((one.at() for one in found[number].values()), default=0.0),
                any(read[topic, number] < ends[TP(topic, number)] for topic in self._bases),
            )
            for number in starts
        }


def _behind(batch: Batch, begin: int, seen: dict[str, None]) -> Batch:
    """What begins at an offset; of what is before, only the ids are noted."""
    before = (header_of(one.headers, "id") for one in batch.records if one.offset < begin)
    seen |= {id_: None for id_ in before if id_}
    return batch._replace(records=[one for one in batch.records if one.offset >= begin])


def _take_changes(of: dict[str, ToldOf], batch: Batch, seen: dict[str, None]) -> None:
    for record in batch.records:
        change = read_segment_change(record.value)
        if change.id not in seen:  # else: a worker that was paused has put it behind its successor's news
            seen[change.id] = None
            of.setdefault(change.profile, ToldOf()).segments[change.segment] = (change.at, change.entered)


def _take_alerts(of: dict[str, ToldOf], batch: Batch, seen: dict[str, None]) -> None:
    for record in batch.records:
        if record.key != MODEL_NEWS and _is_new(record, seen):
            profile, alert = read_alert(record.value)
            of.setdefault(profile, ToldOf()).hear_alert(alert)


def _take_cases(of: dict[str, ToldOf], batch: Batch, seen: dict[str, None]) -> None:
    for record in batch.records:
        if _is_new(record, seen):
            profile, case = read_case(record.value)
            of.setdefault(profile, ToldOf()).hear_case(case)


def _is_new(record: ConsumerRecord, seen: dict[str, None]) -> bool:
    if (id_ := header_of(record.headers, "id")) in seen:
        return False
    seen |= {id_: None} if id_ else {}
    return True


def _version(record: ConsumerRecord) -> int:
    return int(header_of(record.headers, "version") or 0)
