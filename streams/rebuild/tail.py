"""The end of `profile.events` that is not in the archive yet, and what its records say about each partition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from analysis.archive.manifests import State
from profiles.errors import Misconfigured
from profiles.types import Erase, Event, Lift, Merge, Record, Split
from streams.archive.gather import links_of
from streams.kafka.reader import Extent, Log
from streams.rebuild.ownership import Ownership

__all__ = ["Tail", "read_tail", "unarchived"]

_decode = msgspec.msgpack.Decoder(Record).decode


@dataclass(slots=True)
class Tail:
    """What came behind the archive."""

    events: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))  # by home
    erased: set[str] = field(default_factory=set)  # homes of which nothing counts that the archive holds
    away: set[str] = field(default_factory=set)  # those of them that have not come back
    origins: dict[int, dict[str, int]] = field(default_factory=dict)  # partition → place → highest origin


def unarchived(state: State, extents: Sequence[Extent]) -> list[Extent]:
    """What of each partition is to be read behind the archive.

    Raises:
        Misconfigured: records between the two are gone, or they are not of the same log.
    """
    rest = []
    for extent in extents:
        read = state.read.get(extent.partition, extent.start)
        if read > extent.end > 0:
            raise Misconfigured(
                f"the archive has read {extent.topic}-{extent.partition} to offset {read}, which goes to {extent.end}: "
                "this is another Kafka, or one restored from a backup. Rebuild with an empty one, or with the old one"
            )
        if extent.start > read:
            raise Misconfigured(
                f"offsets {read} to {extent.start - 1} of {extent.topic}-{extent.partition} are gone from Kafka and "
                "not in the archive. `rapport archive --accept-gap --once` notes in it that they are missing; then "
                "this goes on without them"
            )
        rest.append(extent._replace(start=min(read, extent.end)))
    return rest


async def read_tail(log: Log, state: State, rest: Sequence[Extent], ownership: Ownership) -> Tail:
    """Read it; decisions go to `ownership`."""
    tail = Tail(origins={partition: dict(marks) for partition, marks in state.origins.items()})
    for extent in rest:
        marks = tail.origins.setdefault(extent.partition, {})
        async for batch in log.read([extent]):
            for at in batch.records:
                _take(tail, _decode(at.value), extent.partition, at.offset, marks, ownership)
    for home in tail.away:
        tail.events.pop(home, None)
    return tail


def _take(tail: Tail, record: Record, partition: int, offset: int, marks: dict[str, int], ownership: Ownership) -> None:
    source, number, place = record.origin
    if source:
        channel = f"{source}/{number}"
        if place <= marks.get(channel, -1):
            return  # a repeat
        marks[channel] = place
    if type(record) is Event:
        if not record.home:
            tail.events[record.profile].append(record)
    elif type(record) is Erase:
        tail.erased.add(record.profile)
        tail.away.add(record.profile)
        ownership.forget(record.profile)
    elif type(record) is Lift:
        tail.away.discard(record.profile)
        tail.events.pop(record.profile, None)
    elif type(record) is Merge or (type(record) is Split and record.phase == "reset"):
        ownership.take(links_of(record, partition, offset))
