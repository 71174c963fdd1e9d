"""A load of history into one installation: its Kafka and the clock's store, opened for as long as it takes."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from plan import Plan
from profiles.clock import ClockState, ClockStore, Load
from profiles.stores import open_stores
from profiles.stores.trouble import answering
from streams.history.loading import send_history
from streams.history.outcome import Ends, Waiting, await_applied, ends_of, rejections_of
from streams.history.past import Past
from streams.history.registration import Registration
from streams.history.writer import HistoryRows
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.kafka.reader import Tell
from streams.kafka.topics import REJECTED, topic_name
from streams.settings import Settings

__all__ = ["HistoryLoad", "Prepare", "clock_store", "is_known", "where_the_clock_stands"]

Prepare = Callable[[Tell], Iterator[Past]]
"""Makes the sorted events; tells how many were put into order on the way."""


class _Stopped(Exception):
    """Nobody waits for the events any more."""


@asynccontextmanager
async def clock_store(settings: Settings, plan: Plan, *, retrying: bool = True) -> AsyncIterator[ClockStore]:
    """The clock's store of an installation.

    Raises:
        Misconfigured: Redis does not answer; said at once unless `retrying`.
    """
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions, retrying=retrying)
    try:
        with answering():
            yield stores.clock
    finally:
        await stores.close()


async def where_the_clock_stands(settings: Settings, plan: Plan) -> ClockState:
    """The clock of an installation.

    Raises:
        Misconfigured: Redis does not answer.
    """
    async with clock_store(settings, plan, retrying=False) as store:
        return await store.state()


async def is_known(settings: Settings, plan: Plan, load: str) -> bool:
    """Whether an installation knows a load.

    Raises:
        Misconfigured: Redis does not answer.
    """
    async with clock_store(settings, plan, retrying=False) as store:
        return load in await store.loads()


class HistoryLoad:
    """One load.

    Args:
        settings: where Kafka is.
        plan: the sources, and what identifies a sender.
        store: of the clock.
        load: as it is to be registered.
    """

    def __init__(self, settings: Settings, plan: Plan, store: ClockStore, load: Load) -> None:
        self._settings = settings
        self._plan = plan
        self._store = store
        self._load = load
        self._log = KafkaLog(settings)
        self._topics = sorted({topic_name(settings, source.topic) for source in plan.sources.values()})
        self._rejected = topic_name(settings, REJECTED)

    async def ends(self) -> Ends:
        """Where the sources' topics and `events.rejected` end now.

        Raises:
            NoTopic: Kafka has none of that name.
            Unavailable: Kafka does not answer.
        """
        return await ends_of(self._log, [*self._topics, self._rejected])

    async def late(self) -> int:
        """How many events have come late, of all sources, since there is this installation."""
        return sum(each.count for each in (await self._store.late()).values())

    async def send(self, prepare: Prepare, sorted_so_far: Tell, done: Callable[[int], object], after: int) -> int:
        """Send what has not been sent; answers how many events are in Kafka, with those of earlier runs.

        The load is registered all the while, also as its events are sorted.

        Args:
            prepare: makes the sorted events, in a thread of its own.
            sorted_so_far: hears what that thread tells.
            done: hears, after each portion, how many events are in Kafka.
            after: how many earlier runs have sent.

        Raises:
            Misconfigured: Kafka refuses an event for good, or there is no room to sort.
        """
        producer = BatchProducer(self._settings)
        await producer.start()
        try:
            async with Registration(self._store, self._load) as registration:
                events = await _in_thread(prepare, sorted_so_far)
                rows = HistoryRows(self._settings, self._plan, self._load.id)
                sent = await send_history(events, rows, producer, registration, done, after=after)
                await registration.finish(sent)
        finally:
            await producer.stop()
        return sent

    async def wait(self, began: Ends, ended: Ends, tell: Callable[[Waiting], object]) -> Waiting:
        """Wait until all of it has been applied and the installation is live; see `await_applied`."""
        sources = {topic: ends for topic, ends in ended.items() if topic != self._rejected}
        return await await_applied(self._store, began, sources, tell)

    async def rejections(self, began: Ends) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], str]]:
        """What was rejected of it so far; see `rejections_of`."""
        return await rejections_of(self._log, self._rejected, began.get(self._rejected, {}), self._load.id)


async def _in_thread(prepare: Prepare, tell: Tell) -> Iterator[Past]:
    """Prepare beside the loop; who is stopped meanwhile need not wait for the end of it."""
    stopped = threading.Event()

    def told(count: int) -> None:
        tell(count)
        if stopped.is_set():
            raise _Stopped

    try:
        return await asyncio.to_thread(prepare, told)
    finally:
        stopped.set()
