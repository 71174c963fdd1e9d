"""Reading a log: the one bounded read, and the port behind which Kafka or a log in memory is read.

A bounded read takes partitions from where it is told to the ends they had when it was begun. Records that are gone, or
an end that never comes, are errors: who computes from a history must not take half of it for the whole. A partition is
read when the *position* is at its end, whatever records there were: compaction and the markers of transactions leave
offsets without records.
"""

from __future__ import annotations

import asyncio
import copy
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, Self

from aiokafka.structs import ConsumerRecord, TopicPartition

from profiles.errors import Misconfigured

__all__ = ["Batch", "Bounds", "Cursor", "Extent", "Log", "Missing", "NoTopic", "OutOfRange", "Tell", "nobody"]

PATIENCE = 30.0
"""Seconds without anything from a broker that has more, after which a bounded read gives up."""

_PAUSE = 0.2  # seconds between attempts to read what is out of range

Tell = Callable[[int], object]
"""Hears how many offsets have been read since it was last told."""


def nobody(_: int) -> None:
    """Hears nothing."""


class Extent(NamedTuple):
    """The offsets [start, end) of one partition."""

    topic: str  # real name
    partition: int
    start: int
    end: int

    @property
    def records(self) -> int:
        """Records, if none have been compacted away."""
        return max(self.end - self.start, 0)


class Bounds(NamedTuple):
    """What Kafka has of one partition."""

    first: int  # the oldest offset
    end: int  # the offset that comes next


class Batch(NamedTuple):
    """What one fetch brought of one partition."""

    topic: str
    partition: int
    records: Sequence[ConsumerRecord]  # may be empty: there are offsets without records
    position: int  # the offset to read next
    end: int  # of the partition, as Kafka said with it


class NoTopic(Misconfigured):
    """Kafka has no such topic."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} is missing; `rapport work` and `rapport up` create it")


class Missing(Misconfigured):
    """Kafka does not have all the records that were asked for.

    Args:
        lost: what was asked for and is gone, by partition.
    """

    def __init__(self, lost: Sequence[Extent]) -> None:
        told = "; ".join(f"{gap.topic}-{gap.partition} offsets {gap.start} to {gap.end - 1}" for gap in lost)
        super().__init__(
            f"Kafka no longer has what is to be read: {told}. It deletes what is older than the topic's retention.ms; "
            "raise that for the next time"
        )
        self.lost = lost


class OutOfRange(Exception):
    """A cursor stands before the beginning of a partition, or behind its end."""


class Cursor(Protocol):
    """Reads on and on from where it was opened."""

    async def fetch(self) -> list[Batch]:
        """What has come of each partition whose position has moved; empty if nothing comes for a quarter of a second.

        Raises:
            OutOfRange: Kafka does not have what comes next.
            Misconfigured: Kafka refuses to be read.
        """
        ...

    async def bounds(self) -> dict[TopicPartition, Bounds]:
        """What Kafka has of the partitions.

        Raises:
            Unavailable: Kafka does not answer.
        """
        ...

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Go on elsewhere."""
        ...

    def drop(self, tp: TopicPartition) -> None:
        """Read a partition no further."""
        ...


class Log(ABC):
    """Topics, as who reads them sees them. Nothing that is read is marked as read, in no group.

    Args:
        tell: hears of the progress of bounded reads.
        patience: seconds for which a bounded read waits for what must come.
    """

    def __init__(self, tell: Tell = nobody, patience: float = PATIENCE) -> None:
        self._tell = tell
        self._patience = patience

    def telling(self, tell: Tell) -> Self:
        """The same log, whose reads tell somebody else."""
        other = copy.copy(self)
        other._tell = tell
        return other

    @abstractmethod
    async def extents(self, topic: str, since: float | None = None) -> list[Extent]:
        """Every partition of a topic as it is now, by number.

        Args:
            topic: its real name.
            since: leave out what comes before the first record of this time or later, seconds by Kafka's timestamps.
                They need not rise: who wants a period looks at each record, too.

        Raises:
            NoTopic: there is none.
            Unavailable: Kafka does not answer.
        """

    @abstractmethod
    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """The offset at which a group goes on in each partition where it has begun.

        Raises:
            Unavailable: Kafka does not answer.
        """

    @abstractmethod
    def open(self, starts: Mapping[TopicPartition, int]) -> AbstractAsyncContextManager[Cursor]:
        """A cursor at these offsets.

        Raises:
            Unavailable: Kafka does not answer.
        """

    async def read(self, extents: Iterable[Extent], *, accept_gaps: bool = False) -> AsyncIterator[Batch]:
        """The records of some partitions up to the ends that are named, in the order of each partition.

        A broker that is away is waited for. Positions move up to the ends, whatever records there are.

        Args:
            extents: at most one of a partition.
            accept_gaps: pass over what Kafka has deleted instead of refusing.

        Raises:
            Missing: records are gone, before the read or while it went on.
            Misconfigured: the log ends before the named end and stays like that, or is not handed out.
            Unavailable: Kafka does not answer.
        """
        left = {TopicPartition(each.topic, each.partition): each for each in extents if each.records}
        if not left:
            return
        async with self.open({tp: extent.start for tp, extent in left.items()}) as cursor:
            await self._pass_gaps(cursor, left, accept=accept_gaps)
            heard = time.monotonic()
            while left:
                try:
                    batches = await cursor.fetch()
                except OutOfRange:
                    batches = []
                    await asyncio.sleep(_PAUSE)
                    if await self._pass_gaps(cursor, left, accept=accept_gaps):
                        heard = time.monotonic()
                for batch in batches:
                    if (tp := TopicPartition(batch.topic, batch.partition)) in left:
                        end = left[tp].end
                        self._move(cursor, left, tp, batch.position)
                        yield batch if batch.position <= end else _cut(batch, end)
                if batches:
                    heard = time.monotonic()  # after the yields: who takes long has not waited for Kafka
                elif time.monotonic() - heard > self._patience:
                    raise await self._stalled(cursor, left)

    def _move(self, cursor: Cursor, left: dict[TopicPartition, Extent], tp: TopicPartition, position: int) -> None:
        """Note that a partition has been read up to a position."""
        extent = left[tp]
        reached = min(position, extent.end)
        self._tell(reached - extent.start)
        left[tp] = extent._replace(start=reached)
        if reached == extent.end:
            del left[tp]
            cursor.drop(tp)

    async def _pass_gaps(self, cursor: Cursor, left: dict[TopicPartition, Extent], *, accept: bool) -> bool:
        """See that what is left to read is there; whether there was a gap, and it was passed over."""
        bounds = await cursor.bounds()
        lost = [
            extent._replace(end=min(bounds[tp].first, extent.end))
            for tp, extent in left.items()
            if bounds[tp].first > extent.start
        ]
        if lost and not accept:
            raise Missing(lost)
        for gap in lost:
            tp = TopicPartition(gap.topic, gap.partition)
            cursor.seek(tp, gap.end)
            self._move(cursor, left, tp, gap.end)
        return bool(lost)

    async def _stalled(self, cursor: Cursor, left: Mapping[TopicPartition, Extent]) -> Misconfigured:
        tp, extent = next(iter(left.items()))
        bounds = (await cursor.bounds())[tp]
        name = f"{extent.topic}-{extent.partition}"
        if bounds.end < extent.end:
            return Misconfigured(
                f"{name} ends at offset {bounds.end}, and went to {extent.end} before: Kafka has lost records, or the "
                "topic was made anew. See whether all of its brokers are up, and run this again"
            )
        return Misconfigured(
            f"Kafka does not hand out {name} from offset {extent.start}, though it goes to {extent.end}; see whether "
            "all of its brokers are up"
        )


def _cut(batch: Batch, end: int) -> Batch:
    return batch._replace(records=[record for record in batch.records if record.offset < end], position=end)
