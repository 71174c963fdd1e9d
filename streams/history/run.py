"""A load of history into one installation: its Kafka and the clock's store, opened for as long as it takes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager

from plan import Plan
from profiles.clock import ClockState, ClockStore, Load, turns_back
from profiles.stores import open_stores
from profiles.stores.trouble import answering
from streams.clock import WALL
from streams.history.loading import send_history
from streams.history.outcome import Ends, Waiting, await_applied, ends_of, rejections_of
from streams.history.past import Past
from streams.history.registration import Registration
from streams.history.writer import HistoryRows
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.kafka.reader import Tell
from streams.kafka.topics import REJECTED, topic_name
from streams.retry import retrying
from streams.settings import Settings
from streams.worker.clock.follower import OUTAGE

__all__ = ["HistoryLoad", "Prepare", "clock_store", "in_its_own_time", "where_the_clock_stands"]

Prepare = Callable[[Tell], Iterator[Past]]
"""Makes the sorted events; tells how many were put into order on the way."""


_AT_ONCE = 5.0  # seconds
_PAUSE = 0.2


class _Stopped(Exception):
    """Nobody waits for the events any more."""


@asynccontextmanager
async def clock_store(settings: Settings, plan: Plan, *, again: bool = True) -> AsyncIterator[ClockStore]:
    """The clock's store of an installation.

    Raises:
        Misconfigured: Redis does not answer; said at once unless it is to be tried `again`.
    """
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions, retrying=again)
    try:
        with answering():
            yield stores.clock
    finally:
        await stores.close()


async def where_the_clock_stands(settings: Settings, plan: Plan) -> tuple[ClockState, dict[str, Load]]:
    """The clock of an installation, and the loads that it knows.

    Raises:
        Misconfigured: Redis does not answer.
    """
    async with clock_store(settings, plan, again=False) as store:
        return await store.state(), await store.loads()


def in_its_own_time(state: ClockState, since: float, loads: Iterable[Load], now: float) -> bool:
    """Whether an installation lives through a load in order, or finds that its events come late.

    Args:
        state: of its clock.
        since: time of the load's first event.
        loads: all that it knows.
        now: wall clock.
    """
    if state.phase in ("new", "live"):
        return turns_back(state, loads, now) or since >= state.watermark - OUTAGE
    return since >= state.watermark


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

    async def send(
        self,
        prepare: Prepare,
        sorted_so_far: Tell,
        done: Callable[[int], object],
        after: int,
        waits: Callable[[], object] = lambda: None,
    ) -> int:
        """Send what has not been sent; answers how many events are in Kafka, with those of earlier runs.

        The load is registered all the while, also as its events are sorted.

        Args:
            prepare: makes the sorted events, in a thread of its own.
            sorted_so_far: hears what that thread tells.
            done: hears, after each portion, how many events are in Kafka.
            after: how many earlier runs have sent.
            waits: called once if a live installation has to turn its clock back first, and has not done so at once.

        Raises:
            Misconfigured: Kafka refuses an event for good, or there is no room to sort.
        """
        producer = BatchProducer(self._settings)
        await producer.start()
        try:
            async with Registration(self._store, self._load) as registration:
                events = await _in_thread(prepare, sorted_so_far)
                await self._turned_back(waits)
                rows = HistoryRows(self._settings, self._plan, self._load.id)
                sent = await send_history(events, rows, producer, registration, done, after=after)
                await registration.finish(sent)
        finally:
            await producer.stop()
        return sent

    async def _turned_back(self, waits: Callable[[], object]) -> None:
        """Wait until an installation that may turn back for this load has done so: what is sent before comes late."""
        look, loads, began = retrying(self._store.state), retrying(self._store.loads), time.monotonic()
        told = False
        while in_its_own_time(state := await look(), self._load.since, (await loads()).values(), WALL.now()):
            if not state.live_since or state.phase not in ("new", "live"):
                return
            if self._load.since >= state.watermark - OUTAGE:
                return
            if not told and time.monotonic() - began > _AT_ONCE:
                told = True
                waits()
            await asyncio.sleep(_PAUSE)

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
