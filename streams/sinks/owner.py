"""Who runs which sink: a consumer group a sink on the one partition of `deliveries`.

Who is assigned it owns the sink: reads its records from the beginning to the end, and runs it until the partition is
taken away. Everything of the sink stops then at once. Two owners for a moment can at most send one message twice, under
one id. The group commits nothing: what a sink has read is in its records.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from plan import Plan
from profiles.errors import Misconfigured
from profiles.store import Reader
from streams.clock import WALL, Clock
from streams.kafka.admission import admit
from streams.kafka.client import async_consumer
from streams.kafka.reader import Log, NoTopic
from streams.kafka.topics import DELIVERIES, topic_name
from streams.records.deliveries import Delivery, decode_delivery
from streams.settings import Settings
from streams.sinks.crew import Crew, end, finish
from streams.sinks.deciding.ledger import Ledger
from streams.sinks.environment import Outlet
from streams.sinks.gauges import DeliveryMetrics
from streams.sinks.http import Caller
from streams.sinks.running import Advise, SinkRunner
from streams.sinks.whole import Whole, is_taken_for_whole
from streams.sinks.writing import BY, DeliveryWriter

__all__ = ["Deliverer"]

log = logging.getLogger(__name__)

_SESSION_MS = 6000  # of a process that was killed, until another one takes over
_POLL_MS = 500
_PAUSE = 1.0  # seconds until what is away is asked again
_LEAVES = 5.0  # seconds for it to be left in order; else Kafka notices within `_SESSION_MS`
_ANEW = 5.0  # seconds until a sink begins anew that stopped of itself


class Deliverer:
    """Tells all sinks of a plan, of which this process may own some.

    Args:
        outlets: the sinks, by name.
        plan: with routes and rules.
        kafka: from which topics are read.
        reader: of profiles.
        writer: of deliveries.
        settings: where Kafka is.
        metrics: what is counted.
        clock: by which things are due.
        whole: says whether the store has all customers.
        advise: says what would lower a customer's risk.
    """

    def __init__(
        self,
        outlets: Mapping[str, Outlet],
        plan: Plan,
        kafka: Log,
        reader: Reader,
        writer: DeliveryWriter,
        settings: Settings,
        metrics: DeliveryMetrics,
        clock: Clock = WALL,
        whole: Whole = is_taken_for_whole,
        advise: Advise | None = None,
    ) -> None:
        self._outlets = outlets
        self._plan = plan
        self._kafka = kafka
        self._reader = reader
        self._writer = writer
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._whole = whole
        self._advise = advise
        self.owned: set[str] = set()

    async def run(self) -> None:
        """Tell them until cancelled; one that stops of itself begins anew, and ends no other."""
        async with Crew() as crew:
            for outlet in self._outlets.values():
                crew.create_task(self._own(outlet))
            await crew.failed()

    async def _own(self, outlet: Outlet) -> None:
        """Be a member of a sink's group for ever."""
        said = ""
        while True:
            try:
                await admit(self._settings)
                await self._belong(outlet)
            except (Misconfigured, KafkaError, OSError) as error:
                if str(error) != said:
                    said = str(error)
                    log.warning("%s waits: %s", outlet.name, error)
                await asyncio.sleep(_PAUSE)
            except Exception:  # whatever is wrong with one sink must not end the others
                log.exception("sink %s stopped; it goes on from what is written in %.0f s", outlet.name, _ANEW)
                await asyncio.sleep(_ANEW)

    async def _belong(self, outlet: Outlet) -> None:
        topic = topic_name(self._settings, DELIVERIES)
        consumer = async_consumer(
            self._settings,
            reset="earliest",
            group_id=f"{self._settings.group}.deliver.{outlet.name}",
            session_timeout_ms=_SESSION_MS,
            heartbeat_interval_ms=_SESSION_MS // 6,
            max_poll_interval_ms=300_000,
        )
        watch = _Watch()
        held: asyncio.Task[None] | None = None
        runner: SinkRunner | None = None
        await consumer.start()
        try:
            if topic not in await consumer.topics():
                raise NoTopic(topic)
            consumer.subscribe([topic], listener=watch)
            while True:
                if held is None and watch.assigned:
                    runner = await self._take_over(outlet, consumer, TopicPartition(topic, 0), watch)
                    if runner is None:
                        continue
                    held = watch.running = asyncio.create_task(self._hold(outlet, runner))
                batches = await consumer.getmany(timeout_ms=_POLL_MS)
                if held is not None and held.done():
                    ended, held = held, None
                    if not ended.cancelled():  # which it is when the partition went away, and may have come back since
                        ended.result()  # raises what ended it
                    continue
                if held is not None and runner is not None and watch.assigned:
                    for records in batches.values():
                        for record in self._of_others(records, outlet.name):
                            runner.hear(record)
        finally:
            await finish(_leave(watch, consumer), _LEAVES)

    async def _take_over(
        self, outlet: Outlet, consumer: AIOKafkaConsumer, tp: TopicPartition, watch: _Watch
    ) -> SinkRunner | None:
        """Read what is known of a sink; None if it was taken away meanwhile."""
        began = time.monotonic()
        generation = watch.generation
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        ledger = Ledger(outlet.name)
        prefix = f"{outlet.name}/".encode()
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(tp, timeout_ms=_POLL_MS)).values():
                for record in records:
                    if record.key is not None and record.key.startswith(prefix) and record.value is not None:
                        found = _read(record)
                        if found is not None:
                            ledger.apply(found)
            if watch.generation != generation:
                return None
        log.info(
            "sink %s is ours: %d messages to be sent, %d alerts wait (read in %.1f s)",
            outlet.name, len(ledger.letters), len(ledger.waiting), time.monotonic() - began,
        )  # fmt: skip
        return SinkRunner(
            outlet, self._plan, ledger, self._kafka, self._reader, self._writer, self._settings, self._clock,
            self._metrics, Caller(outlet.allowed), self._whole, self._advise,
        )  # fmt: skip

    async def _hold(self, outlet: Outlet, runner: SinkRunner) -> None:
        self.owned.add(outlet.name)
        try:
            async with runner.caller:
                await runner.run()
        finally:
            self.owned.discard(outlet.name)

    def _of_others(self, records: Sequence[ConsumerRecord], name: str) -> list[Delivery]:
        """What others have written of this sink, or of how another one is."""
        prefix = f"{name}/".encode()
        found = []
        for record in records:
            key = record.key or b""
            ours = any(header == BY and value == self._writer.nonce for header, value in record.headers)
            if record.value is None or not (
                (key.startswith(prefix) and not ours) or (key.endswith(b"/@state") and not key.startswith(prefix))
            ):
                continue
            if (told := _read(record)) is not None:
                found.append(told)
        return found


class _Watch(ConsumerRebalanceListener):  # type: ignore[misc]  # the driver has no types
    """Whether the partition is ours."""

    def __init__(self) -> None:
        self.assigned = False
        self.generation = 0
        self.running: asyncio.Task[None] | None = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self.stop()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assigned = bool(assigned)
        self.generation += 1

    async def stop(self) -> None:
        """End what runs, and wait for it."""
        self.assigned = False
        self.generation += 1
        task, self.running = self.running, None
        if task is not None:
            await end([task])


async def _leave(watch: _Watch, consumer: AIOKafkaConsumer) -> None:
    """End what runs, and let the group know that we are gone, so that another one takes over at once."""
    await watch.stop()
    await consumer.stop()


def _read(record: ConsumerRecord) -> Delivery | None:
    try:
        return decode_delivery(record.value)
    except msgspec.DecodeError as error:
        log.warning("%s offset %d is left out: %s", record.topic, record.offset, error)
        return None
