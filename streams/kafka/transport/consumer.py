"""Faust by batches and rounds: an element is what one fetch returned for one partition, or for all of them.

Faust spends about 100 µs on each message between the consumer and the agent. Handing an agent the whole fetched
batch as one message makes that cost vanish; agents stay ordinary Faust agents, over elements of `Batch`. The topics
that carry events do not go through a stream at all: readers of their own hand over rounds (`rounds.py`),
and what remains here is their place in the group: assignment, positions, commits. Set it on the app (`use_batches`);
nothing of Faust is patched. The consumer also mends what an exactly-once reader cannot live with:

* An acked batch moves the committed offset past its *last* record, and one that is not acked never does.
* Every batch continues where the one before it ended. A gap (Faust has been seen to skip offsets after a rebalance)
  is read again; only a gap that the broker confirms by answering the same twice is passed on.
* On assignment, partitions of the topics that `positions` speaks for start where it says (the store's `applied`
  offset), not at the group's committed offset; those of which nothing was ever committed, at their beginning.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

import faust
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.tuples import ConsumerMessage

from streams.kafka.transport.batch import Batch
from streams.kafka.transport.membership import Membership
from streams.kafka.transport.rounds import Rounds

__all__ = ["BatchSchema", "Positions", "use_batches"]

log = logging.getLogger(__name__)

_ANSWER = 3.0  # seconds within which Kafka confirms offsets, or is asked again

Positions = Callable[[Iterable[TP]], Awaitable[Mapping[TP, int]]]
"""Answers the offset to start at for those of the given partitions whose position is not the group's to know."""


class BatchSchema(faust.Schema):
    """Hands keys and values through as they are: agents decode, so that what cannot be decoded is not lost."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> None:
        """A batch has no key of its own."""

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The batch itself."""
        return message.value


def _die_of(task: asyncio.Task[None]) -> None:
    """End the process, as if it had been killed, when what it knows of its group or of Kafka can never change again."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("the consumer has lost Kafka for good; stopping", exc_info=task.exception())
        logging.shutdown()
        os._exit(1)


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the broker, and shows the group that we live."""

    membership: Membership | None = None
    _alive: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Connect, and wait until Kafka has named a broker.

        One that is starting answers before it has registered itself. A consumer that joins its group then never does:
        the task of aiokafka that would ends with an error, nobody asks for it, and the worker stands still for ever.
        """
        await super().on_start()
        consumer = self._ensure_consumer()
        consumer._coordinator._coordination_task.add_done_callback(_die_of)
        consumer._fetcher._fetch_task.add_done_callback(_die_of)
        consumer._client._sync_task.add_done_callback(_die_of)
        while not consumer._client.cluster.brokers() and not self.should_stop:
            await consumer._client.force_metadata_update()
            await asyncio.sleep(0.1)
        if self.membership is not None:
            self._alive = asyncio.create_task(self.membership.run(lambda: consumer._coordinator.member_id))

    async def on_thread_stop(self) -> None:
        """Leave the group, and only then show no sign of life any more."""
        await super().on_thread_stop()
        if self._alive is not None:
            self._alive.cancel()
            await asyncio.wait([self._alive], timeout=_ANSWER)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False if the group has moved on, which is no error: whoever has the partitions now reads them again.

        Faust means the same, but tells it from a crash by words that aiokafka's message does not contain. And a broker
        that hangs would be waited for until the request times out, a minute and a half, in which neither a rebalance
        nor a shutdown gets on.
        """
        assigned = self.assignment()
        mine = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned}
        if not mine:
            return False
        while True:
            try:
                async with asyncio.timeout(_ANSWER):
                    await self._ensure_consumer().commit(mine)
            except TimeoutError:
                if self.app.should_stop:
                    return False
                log.warning("offsets not confirmed within %g s; trying again", _ANSWER, extra={"away": "Kafka"})
            except (CommitFailedError, IllegalStateError) as error:
                log.info("offsets not committed, the group has moved on: %s", str(error).split("\n", 1)[0])
                return False
            else:
                return True

    async def seek_here(self, tp: TP, offset: int) -> None:
        """Seek, in this thread."""
        self.seek(tp, offset)

    async def leave_alone(self, tps: list[TP]) -> None:
        """Fetch nothing of these, in this thread: somebody else reads them."""
        if mine := [TopicPartition(*tp) for tp in tps if tp in self.assignment()]:
            self._ensure_consumer().pause(*mine)


class BatchConsumer(driver.Consumer):
    """The aiokafka consumer of Faust, delivering batches."""

    positions: Positions
    rounds: tuple[Rounds, ...] = ()
    membership: Membership | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._expected: dict[TP, int] = {}  # the offset the next batch must start at
        self._refused: dict[TP, int] = {}  # where the batch that did not start, when it was refused
        self._epochs: defaultdict[TP, int] = defaultdict(int)  # rewinds so far
        self._delivered: defaultdict[TP, deque[Batch]] = defaultdict(deque)  # in order, until committed
        self._held: dict[TP, int] = {}  # where the partitions that are paused continue
        self.mine: frozenset[TP] = frozenset()  # assigned and sought; Faust's `assignment` makes a set at each call
        self._seeking = asyncio.Lock()
        self._seeks: set[asyncio.Task[None]] = set()
        self._revocations = 0
        self._by_topic = {topic: rounds for rounds in self.rounds for topic in rounds.topics}
        self._reading: list[asyncio.Task[None]] = []

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield one message per partition: its value a Batch, its offset the first record's.

        Should the worker die before the ack, the batch is read again from its first record.
        """
        fetched, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            try:
                await self.perform_seek()
            except (IllegalStateError, KafkaError) as error:  # the next assignment seeks again
                log.warning("could not seek while a rebalance is under way: %s", error)
            except Exception:
                if not (self.should_stop or self.app.should_stop):
                    raise  # else: what it needs is being closed
            return
        for aio_tp, records in fetched.items():
            tp = TP(aio_tp.topic, aio_tp.partition)
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return  # a rebalance began: what was fetched is read again from the new positions
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            batch = await self._in_sequence(tp, records)
            if batch is not None:
                yield tp, self._as_message(batch)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:
        """Fetch in Faust's thread what no reader of rounds fetches."""
        if active_partitions and self._by_topic:
            active_partitions = {tp for tp in active_partitions if tp.topic not in self._by_topic}
            if not active_partitions:
                await asyncio.sleep(timeout)
                return {}
        return await super()._getmany(active_partitions, timeout)

    async def _accept(self, tp: TP, records: list[ConsumerRecord]) -> Batch | None:
        """The batch of what a reader of rounds has fetched, if it is ours and comes next."""
        if not self.flow_active or tp in self._held or tp not in self.mine:
            if tp in self._expected and tp not in self._held:  # else it would look as if nothing had been there
                self._by_topic[tp.topic].seek(tp, self._expected[tp])
            return None
        batch = await self._in_sequence(tp, records)
        if batch is not None:
            self._delivered[tp].append(batch)
            self._read_offset[tp] = batch.first
        return batch

    def _skip(self, tp: TP, offset: int) -> None:
        """Note that nothing is left before this offset that could be delivered."""
        if tp in self._expected and tp not in self._held:
            self._expected[tp] = max(self._expected[tp], offset)

    def _start_reading(self) -> None:
        """Begin to fetch for the rounds. What goes wrong there ends the process, as if it had been killed."""
        for rounds in self.rounds:
            task = asyncio.create_task(rounds.read(self._accept, self._skip, lambda: self.should_stop))
            task.add_done_callback(_die_of)
            self._reading.append(task)

    async def _halt_rounds(self) -> None:
        """Finish what is under way, so that its offsets are committed before others go on there."""
        for rounds in self.rounds:
            with contextlib.suppress(TimeoutError):  # nobody waits for us for ever; what comes too late is fenced
                await asyncio.wait_for(rounds.halt(), _ANSWER)

    async def on_stop(self) -> None:
        """Stop reading."""
        await self._halt_rounds()
        for task in (*self._reading, *self._seeks):
            task.cancel()
        for rounds in self.rounds:
            await rounds.stop()
        await super().on_stop()

    def highwater(self, tp: TP) -> int:
        """The end of a partition, as far as its last fetch told."""
        rounds = self._by_topic.get(tp.topic)
        return super().highwater(tp) if rounds is None else rounds.end(tp)

    async def _in_sequence(self, tp: TP, records: list[ConsumerRecord]) -> Batch | None:
        first = records[0].offset
        expected = self._expected.setdefault(tp, first)
        if first < expected:  # already delivered
            records = [record for record in records if record.offset >= expected]
            if not records:
                return None
            first = records[0].offset
        if first > expected and self._refused.get(tp) != first:
            log.warning("%s: expected offset %d, got %d; reading again", tp, expected, first)
            self._refused[tp] = first
            await self._seek(tp, expected)
            return None
        if first > expected:
            log.warning("%s: the broker no longer has offsets %d to %d", tp, expected, first - 1)
        self._refused.pop(tp, None)
        self._expected[tp] = records[-1].offset + 1
        return Batch(tp, records, expected, self._epochs[tp])

    def _as_message(self, batch: Batch) -> ConsumerMessage:
        first = batch.records[0]
        message = ConsumerMessage(
            batch.tp.topic, batch.tp.partition, first.offset, first.timestamp / 1000.0, first.timestamp_type, (),
            None, batch, None, tp=batch.tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip
        batch.message = message
        self._delivered[batch.tp].append(batch)
        return message

    def behind(self, tp: TP) -> int:
        """Records of a partition that are not done: in the broker, as far as the last fetch told, or under way."""
        end: int | None = self.highwater(tp)
        reached = self.reached(tp)
        return max(int(end) - reached, 0) if end and reached is not None else 0

    def reached(self, tp: TP) -> int | None:
        """The offset up to which all of a partition is done; None if nothing is known of it."""
        under_way = (batch.first for batch in self._delivered.get(tp, ()) if not batch.done)
        return next(under_way, self._expected.get(tp))

    def done_up_to(self, tp: TP) -> int | None:
        """The offset at which a partition continues; None while anything of it is under way, or nothing is known."""
        if any(not batch.done for batch in self._delivered.get(tp, ())):
            return None
        return self._expected.get(tp)

    def is_current(self, batch: Batch) -> bool:
        """Whether a batch was delivered after the last rewind of its partition."""
        return batch.epoch == self._epochs[batch.tp]

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek in the consumer's thread. Faust does it in ours, under the eyes of aiokafka's fetcher, which may die."""
        if (rounds := self._by_topic.get(partition.topic)) is not None:
            rounds.seek(partition, offset)
            return
        await self._thread.call_thread(self._thread.seek_here, partition, offset)

    async def rewind(self, tp: TP, offset: int) -> None:
        """Read a partition again from `offset`. Batches delivered earlier may still arrive: see `is_current`."""
        self._take_back(tp, offset)
        await self.seek(tp, offset)

    def hold(self, batches: Iterable[Batch]) -> None:
        """Put batches back, in order: nothing more of their partitions is delivered until `release`.

        Nothing of them stays behind here, so neither a rebalance nor a shutdown waits for them.
        """
        for batch in batches:
            tp, first = batch.tp, batch.first
            if not self.is_current(batch):
                continue  # behind one that was put back
            self._take_back(tp, first)
            self._held[tp] = first
            if (rounds := self._by_topic.get(tp.topic)) is not None:
                rounds.pause(tp)
        self.pause_partitions(self._held)

    def _take_back(self, tp: TP, offset: int) -> None:
        """Expect a partition from `offset` on. What was delivered of it is void: else it is under way for ever."""
        self._epochs[tp] += 1
        self._expected[tp] = offset
        self._refused.pop(tp, None)
        delivered = self._delivered[tp]
        while delivered and delivered[-1].first >= offset:
            if (message := delivered.pop().message) is not None:
                self._unacked_messages.discard(message)

    async def release(self, topic: str) -> None:
        """Go on with what was paused of a topic."""
        held = {tp: offset for tp, offset in self._held.items() if tp.topic == topic}
        for tp in held:
            del self._held[tp]
        mine = [tp for tp in held if tp in self.assignment()]
        for tp in mine:
            await self.rewind(tp, held[tp])
            if (rounds := self._by_topic.get(tp.topic)) is not None:
                rounds.resume(tp)
        self.resume_partitions(mine)

    async def perform_seek(self) -> None:
        """Start every assigned partition where its owner says, else where the group committed, else at its beginning.

        Faust seeks to committed offsets alone. Where there is none, what was fetched and then dropped, because a
        rebalance had begun, would never be fetched again.

        It waits for the store as long as that is away. Faust does for a minute and a half, and then goes on as if all
        were sought; so what it has begun is finished all the same.
        """
        seek = asyncio.create_task(self._seek_in_turn())
        self._seeks.add(seek)
        seek.add_done_callback(self._seeks.discard)
        try:
            await asyncio.shield(seek)
        except asyncio.CancelledError:
            seek.add_done_callback(self._note_seek)
            raise

    def _note_seek(self, seek: asyncio.Task[None]) -> None:
        """Take note of an error that nobody waits for any more; the next assignment seeks again."""
        if not seek.cancelled() and (error := seek.exception()) is not None and not self.should_stop:
            log.warning("could not seek: %s", error)

    async def _seek_in_turn(self) -> None:
        async with self._seeking:
            await self._seek_assigned()

    async def _seek_assigned(self) -> None:
        """One seek. Faust begins one after each rebalance, and another where it was fetching until then.

        Were both under way together, the later one would take for the beginning of a partition what had been fetched
        of it since the end of the earlier one; and what is before that would never be read.
        """
        revocations = self._revocations
        # A reader that is still where it was before must not be believed to have skipped what is up to there…
        for rounds in self.rounds:
            rounds.forget()
        self.mine = frozenset()  # …and nothing that it fetches is anybody's before all places are known.
        # What was paused comes again from the committed offsets, and whoever takes it holds it back again.
        self.resume_partitions([tp for tp in self._held if tp in self.assignment()])
        self._held.clear()
        await super().perform_seek()
        self._delivered.clear()
        assigned = self.assignment()
        self._expected = {
            tp: offset for tp in assigned if (offset := self._committed_offset.get(tp)) is not None and offset >= 0
        }
        self._refused.clear()
        starts = dict(await self.positions(assigned))
        unknown = [tp for tp in assigned if tp not in starts and tp not in self._expected]
        if unknown:
            starts |= await self.earliest_offsets(*unknown)
        for tp, offset in starts.items():
            await self.rewind(tp, offset)
        if self._revocations != revocations:
            return  # none of them is ours any more; the next assignment seeks
        self.mine = frozenset(assigned)
        await self._assign_rounds(self._expected)

    async def _assign_rounds(self, positions: Mapping[TP, int]) -> None:
        """Give the readers of rounds their partitions. What they have read before counts no more."""
        for tp in positions:
            if tp.topic in self._by_topic:
                self._epochs[tp] += 1
        await self._thread.call_thread(self._thread.leave_alone, [tp for tp in positions if tp.topic in self._by_topic])
        for rounds in self.rounds:
            await rounds.assign(positions)
        if not self._reading:
            self._start_reading()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: a batch spans many offsets, so what Faust takes for gaps are its records."""

    async def wait_first(self, *coros: Any, timeout: Any = None) -> Any:
        """Hand a batch to its stream at once where nothing can block.

        For every message Faust starts two tasks here, delivery and the end of the flow, and waits for the first: that
        is four milliseconds a batch in a busy loop, and with a batch for each partition a delay of a hundred.
        """
        deliver, *others = coros
        if not self.flow_active or any(topic.queue.full() for topic in self.app.topics):
            return await super().wait_first(*coros, timeout=timeout)
        for other in others:
            other.close()
        await deliver
        return None

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust looks for stalled streams by single messages, and would cry wolf in every long batch."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        return [
            tp
            for tp, delivered in self._delivered.items()
            if delivered and delivered[0].done and (topics is None or tp in topics or tp.topic in topics)
        ]

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: after the last record of the batches that are done, from the oldest on without a gap.

        Only the mark on the message itself counts. Faust's compiled streams never call `ack`; they write into tables
        of the consumer, which know a batch by its first offset, and a batch that is read again may end elsewhere.
        """
        offset = None
        delivered = self._delivered[tp]
        while delivered and delivered[0].done:
            offset = delivered.popleft().next
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)
        return offset

    def _new_consumer_thread(self) -> BatchConsumerThread:
        thread = BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)
        thread.membership = self.membership
        return thread

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish the rounds under way, and forget the places of partitions that another worker will read."""
        self.mine = frozenset()
        self._revocations += 1
        await self._halt_rounds()
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._expected.pop(tp, None)
            self._refused.pop(tp, None)
            self._delivered.pop(tp, None)
            self._held.pop(tp, None)


def use_batches(
    app: faust.App, positions: Positions, rounds: tuple[Rounds, ...] = (), membership: Membership | None = None
) -> None:
    """Make an app read by batches, and some topics in rounds. To be called before the app starts.

    Args:
        app: that reads.
        positions: where it starts.
        rounds: how it reads what no agent does.
        membership: watches over the members of its group.
    """

    class Consumer(BatchConsumer):
        pass

    Consumer.positions = staticmethod(positions)
    Consumer.rounds = rounds
    Consumer.membership = membership
    for each in rounds:  # part of the subscription, though no agent reads them
        for topic in each.topics:
            app.topics.add(app.topic(topic, schema=BatchSchema()))

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    app.transport = Transport(app.conf.broker_consumer, app)
