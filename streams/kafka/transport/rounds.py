"""Rounds: what is at hand of all partitions of some topics is worked on together.

Most of an event's way is waiting for a turn: a thread hop, a task and a round trip for the batch of each partition. So
a reader in the worker's own loop takes whatever has come of all its partitions, hands it over as one round, and reads
on meanwhile: the busier the worker is, the larger its rounds. Faust keeps the group: it says which partitions are ours,
and commits what is done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Mapping

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.types import TP

from streams.kafka.client import async_consumer
from streams.kafka.transport.batch import Batch
from streams.settings import Settings

__all__ = ["Accept", "Rounds", "Skipped"]

_FETCH = 4 * 1024 * 1024  # bytes of one fetch: what is fetched ahead takes memory
_FETCH_OF_PARTITION = 256 * 1024  # …and of it of one partition: what comes to others must not wait behind it
_LONGEST_FETCH_MS = 100  # a partition that is read again waits for the fetch under way
_IDLE = 0.2  # seconds after which the reader looks whether anything was asked of it
_NOT_YET = 0.01  # seconds until it looks again whether partitions are assigned

Accept = Callable[[TP, list[ConsumerRecord]], Awaitable[Batch | None]]
"""Makes what was fetched a batch that continues the one before; None if it does not, or is not ours now."""

Skipped = Callable[[TP, int], None]
"""Hears that a partition goes on at this offset although no record came: its end is a mark of a transaction."""


class Rounds:
    """Reads topics, and hands over what is at hand of them.

    Args:
        topics: real names.
        handle: takes the batches of a round, in order within a partition; says itself which of them are done. Called
            with none after `wake`. Must not raise.
        most: records of a round, about; asked each time.
        settings: where Kafka is.
    """

    def __init__(
        self,
        topics: Collection[str],
        handle: Callable[[list[Batch]], Awaitable[None]],
        most: Callable[[], int],
        settings: Settings,
    ) -> None:
        self.topics = frozenset(topics)
        self._handle = handle
        self._most = most
        self._settings = settings
        self._waiting: deque[Batch] = deque()
        self._records = 0  # in them
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._woken = False
        self._halted = False  # until partitions are assigned again
        self._reader: AIOKafkaConsumer | None = None
        self._mine: frozenset[TP] = frozenset()  # that it reads; asking it would copy them each time
        self._paused: set[TP] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    async def assign(self, positions: Mapping[TP, int]) -> None:
        """Read these partitions from now on, each from its offset; all others no more."""
        mine = {TopicPartition(*tp): offset for tp, offset in positions.items() if tp.topic in self.topics}
        self._drop()
        self._halted = False
        self._mine = frozenset(tp for tp in positions if tp.topic in self.topics)
        self._paused.clear()
        if self._reader is None:
            if not mine:
                return
            self._reader = async_consumer(
                self._settings, reset="earliest", fetch_max_wait_ms=_LONGEST_FETCH_MS, fetch_max_bytes=_FETCH,
                max_partition_fetch_bytes=_FETCH_OF_PARTITION,
            )  # fmt: skip
            await self._reader.start()
        self._reader.assign(list(mine))
        for tp, offset in mine.items():
            self._reader.seek(tp, offset)

    async def read(self, accept: Accept, skipped: Skipped, is_over: Callable[[], bool]) -> None:
        """Fetch for ever, and put what comes where `run` finds it.

        Raises:
            KafkaError: what is fetched cannot be read, and waiting does not help.
        """
        while not is_over():
            reader = self._reader
            if reader is None or not self._mine:
                await asyncio.sleep(_NOT_YET)
                continue
            await self._room.wait()
            try:
                fetched = await reader.getmany(timeout_ms=int(_IDLE * 1000))
            except ConsumerStoppedError:
                return
            if self._halted:
                continue  # its partitions are about to be assigned and sought anew; nothing of it counts
            for aio_tp, records in fetched.items():
                batch = await accept(TP(aio_tp.topic, aio_tp.partition), records)
                if batch is not None and not self._halted:
                    self.put(batch)
            if self._records >= 2 * self._most():
                self._room.clear()
            if self._waiting:
                self._something.set()
            elif not self._halted:
                self._say_what_was_skipped(reader, skipped)

    def put(self, batch: Batch) -> None:
        """Add what comes next of a partition to what waits."""
        self._waiting.append(batch)
        self._records += len(batch.records)

    @property
    def waits(self) -> bool:
        """Whether anything is at hand."""
        return bool(self._waiting)

    def _say_what_was_skipped(self, reader: AIOKafkaConsumer, skipped: Skipped) -> None:
        for tp in reader.assignment():
            position = reader._subscription.subscription.assignment.state_value(tp)
            if position is not None and position.has_valid_position:
                skipped(TP(tp.topic, tp.partition), position.position)

    async def run(self, is_over: Callable[[], bool]) -> None:
        """Hand over rounds for ever, one after the other."""
        while not is_over():
            if self._halted or not (self._waiting or self._woken):
                self._something.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._something.wait(), _IDLE)
                continue
            self._woken = False
            self._idle.clear()
            try:
                await self._handle(self._take())
            finally:
                self._idle.set()

    def wake(self) -> None:
        """Call `handle` though nothing has come: what it holds back may go on."""
        self._woken = True
        self._something.set()

    async def halt(self) -> None:
        """Finish the round under way, and begin no other before partitions are assigned again."""
        self.forget()
        await self._idle.wait()

    def forget(self) -> None:
        """Begin no round, and believe nothing of what the reader says, before partitions are assigned again."""
        self._halted = True
        self._drop()

    def _drop(self) -> None:
        self._waiting.clear()
        self._records = 0
        self._room.set()

    def _take(self) -> list[Batch]:
        """What the next round is of: what waits longest, then what waits of partitions of which the least does.

        So a flood of one partition never stands in the way of another one, and never starves.
        """
        most = self._most()
        if self._records <= most:
            batches, self._waiting = list(self._waiting), deque()
            self._records = 0
            self._room.set()
            return batches
        oldest = self._waiting[0].tp
        waiting: defaultdict[TP, int] = defaultdict(int)
        for batch in self._waiting:
            waiting[batch.tp] += len(batch.records)
        left = most
        taken: list[Batch] = []
        full: set[TP] = set()  # of which the next batch has to wait
        for batch in sorted(self._waiting, key=lambda batch: (batch.tp != oldest, waiting[batch.tp])):  # stable
            if batch.tp in full or (taken and len(batch.records) > left):
                full.add(batch.tp)
            else:
                taken.append(batch)
                left -= len(batch.records)
        gone = set(map(id, taken))
        self._waiting = deque(batch for batch in self._waiting if id(batch) not in gone)
        self._records = sum(len(batch.records) for batch in self._waiting)
        if self._records < most:
            self._room.set()
        return taken

    def seek(self, tp: TP, offset: int) -> None:
        """Go on at another offset."""
        if self._has(tp):
            self._reader.seek(TopicPartition(*tp), offset)  # type: ignore[union-attr]

    def pause(self, tp: TP) -> None:
        """Fetch nothing more of a partition."""
        if self._has(tp) and tp not in self._paused:
            self._paused.add(tp)
            self._reader.pause(TopicPartition(*tp))  # type: ignore[union-attr]

    def resume(self, tp: TP) -> None:
        """Fetch it again."""
        if self._has(tp) and tp in self._paused:
            self._paused.discard(tp)
            self._reader.resume(TopicPartition(*tp))  # type: ignore[union-attr]

    def end(self, tp: TP) -> int:
        """The end of a partition as far as its last fetch told; 0 if it told nothing yet."""
        if not self._has(tp):
            return 0
        return self._reader.highwater(TopicPartition(*tp)) or 0  # type: ignore[union-attr]

    def _has(self, tp: TP) -> bool:
        return self._reader is not None and tp in self._mine

    async def stop(self) -> None:
        """Disconnect."""
        if self._reader is not None:
            await self._reader.stop()
