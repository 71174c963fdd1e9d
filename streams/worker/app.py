"""The stream worker: one Faust app whose agents are thin; what they do is in the runners.

An agent never lets an exception out: Faust would acknowledge the batch. What a runner does not know how to handle
stops the process at once, with nothing acknowledged, exactly as if it had been killed; that is a case the design is
built for, and the only one that must be right.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from models.segments.membership import compile_segments
from plan import Plan
from profiles.errors import Misconfigured
from profiles.stores.census import CensusStore
from profiles.stores.health import require_healthy
from profiles.stores.learner import LearnerStore
from profiles.stores.links import LinkStore
from profiles.stores.redis import RedisStore, connect
from profiles.stores.setup import beat, check_setup
from profiles.stores.sources import SourceStore
from profiles.types import Profile
from streams.clock import WALL, Clock, ClockWatch, WallClock
from streams.kafka.client import faust_broker
from streams.kafka.continuity import check_kafka
from streams.kafka.lanes import Handle, Lanes
from streams.kafka.outbox import Outbox
from streams.kafka.output import BatchProducer
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.kafka.transport import Batch, BatchSchema, joined, use_batches
from streams.metrics import WorkerMetrics
from streams.pipeline import ingest_pipeline, profile_pipeline, review_pipeline
from streams.retry import retrying
from streams.settings import Settings
from streams.steps.schedule import is_due
from streams.worker.census import CensusMerger, CensusTaker, Review, subject_of
from streams.worker.champion import champion_of
from streams.worker.circuit_breaker import CircuitBreaker
from streams.worker.ingest import Ingest
from streams.worker.learner import LearnerRunner
from streams.worker.linker import Linker
from streams.worker.population import population_of
from streams.worker.profiles import Behind, ProfileRunner
from streams.worker.suppressed import Suppressed
from streams.worker.ticks import whole_grains

__all__ = ["WorkerApp", "create_worker"]

log = logging.getLogger(__name__)

_IDLE = 2.0  # seconds without a batch after which a partition follows the event time of the others
_LAG_EVERY = 5.0
_SETTLING = 5.0  # seconds after an assignment until the first fetches have told how far behind we are


class WorkerApp(faust.App):
    """A Faust app that starts and stops what its agents need."""

    rapport: Worker

    async def on_start(self) -> None:
        """Check the installation before any partition is taken; what is wrong with it needs no stack trace."""
        try:
            await self.rapport.start()
        except Misconfigured as error:
            log.critical("not started: %s", error)
            raise SystemExit(2) from None
        await super().on_start()

    async def on_stop(self) -> None:
        """Finish what is being delivered."""
        await super().on_stop()
        await self.rapport.stop()


class Worker:
    """Everything that one worker process runs."""

    def __init__(self, app: WorkerApp, settings: Settings, plan: Plan, metrics: WorkerMetrics, clock: Clock) -> None:
        self.app = app
        self._settings = settings
        self._plan = plan
        self._metrics = metrics
        self._clock = clock
        self._clock_watch = ClockWatch()
        self._event_time = settings.clock == "event"
        self._redis = connect(settings.redis.get_secret_value())
        self._producer = BatchProducer(settings)
        # A producer has one request under way at a time: events must not wait behind documents on their way out.
        self._outputs = BatchProducer(settings)
        self._store = RedisStore(self._redis)
        self._links = LinkStore(self._redis)
        self._learner_store = LearnerStore(self._redis)
        outbox = Outbox(self._outputs, settings)
        self.champion = champion_of(self._learner_store, plan.churn)
        census = CensusStore(self._redis)
        self.population = population_of(census, metrics)
        self.suppressed = Suppressed(self._links, plan.pii_key)
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self.breaker = CircuitBreaker(plan, SourceStore(self._redis), metrics, self._name)
        self.ingest = Ingest(
            ingest_pipeline(plan, self._links, self.suppressed), self._producer, settings, metrics, clock, self.breaker
        )
        self.profiles = ProfileRunner(
            profile_pipeline(plan, settings, self.champion, self.population),
            self._store,
            settings.partitions,
            outbox,
            metrics,
            clock,
            event_time=self._event_time,
            review=review_pipeline(plan, self.population),
        )
        self.linker = Linker(self._links, outbox, plan, settings, metrics, clock)
        self.learner = LearnerRunner(self._learner_store, outbox, plan.churn, metrics, self._now)
        self._segments = compile_segments(plan.segments, plan.currency, plan.consent, self.population)
        self.census = CensusTaker(
            census,
            subject_of(plan),
            lambda: self.profiles.partitions,
            self._now,
            self._busy,
            metrics,
            Review(self._belongs, self.profiles.review, self._up_to_date),
        )
        self.merger = CensusMerger(
            census,
            settings.partitions,
            settings.census_every,
            [rule.name for rule in plan.segments],
            plan.currency,
            outbox.recover,
        )
        self._profile_events = topic_name(settings, PROFILE_EVENTS)
        self._identity_links = topic_name(settings, IDENTITY_LINKS)
        self._training_examples = topic_name(settings, TRAINING_EXAMPLES)
        self._settled = math.inf
        self._event_topics = {self._profile_events} | {
            topic_name(settings, source.topic) for source in plan.sources.values()
        }

    async def start(self) -> None:
        """Connect, and check that the store is the one this plan and these settings wrote.

        Raises:
            Misconfigured: it is not.
        """
        await require_healthy(self._redis, require_aof=self._settings.require_aof)
        await check_setup(
            self._redis,
            partitions=self._settings.partitions,
            namespace=self._plan.namespace,
            pii_key=self._plan.pii_key,
            segments=[rule.name for rule in self._plan.segments],
        )
        await check_kafka(self._redis, self._settings, self._plan)
        await self._producer.start()
        await self._outputs.start()
        await self.champion.refresh()
        await self.population.refresh()
        await self.suppressed.refresh()
        await self.breaker.refresh()

    async def stop(self) -> None:
        """Finish and disconnect."""
        await self.profiles.close()
        await self._producer.stop()
        await self._outputs.stop()
        await self._redis.aclose()

    def register(self) -> None:
        """Put the agents and tasks on the app."""
        for source in self._plan.sources.values():
            topic = topic_name(self._settings, source.topic)
            self._agent(f"ingest-{source.name}", topic, self._ingest_from(source.name), lambda batch: batch.tp.topic)
        self._agent("profile", self._profile_events, self._apply, lambda batch: batch.tp.partition)
        self._agent("linker", self._identity_links, self._link, lambda batch: batch.tp.partition)
        self._agent("learner", self._training_examples, self._learn, lambda batch: batch.tp.partition)
        self.app.task(self._every(1.0, self._fire_timers))
        self.app.task(self._every(1.0, self._refresh))
        self.app.task(self._every(1.0, self._count_customers))
        self.app.task(self._every(1.0, self._conclude_census))
        self.app.task(self._every(1.0, self.learner.tick))
        self.app.task(self._every(_LAG_EVERY, self._measure_lag))
        self.app.task(self._every(_LAG_EVERY, self._follow_store))
        self.app.on_partitions_revoked.connect(self._revoked, weak=False)

    @retrying
    async def positions(self, assigned: Iterable[TP]) -> Mapping[TP, int]:
        """Where the store says that each of these partitions continues; see `streams.kafka.transport.Positions`."""
        mine = [tp for tp in assigned if tp.topic == self._profile_events]
        self.profiles.assigned([tp.partition for tp in mine])
        self.learner.assigned(mine=TP(self._training_examples, 0) in assigned)
        answer = await self._continues(assigned)
        self._settled = time.monotonic() + _SETTLING
        log.info("reading %d partitions, %d of them profiles'", len(set(assigned)), len(mine))
        if assigned:
            await beat(self._redis, self._name)
        return answer

    async def _continues(self, assigned: Iterable[TP]) -> dict[TP, int]:
        """The offset at which the store says that each of these partitions continues, where it has a say."""
        answer: dict[TP, int] = {}
        mine = [tp for tp in assigned if tp.topic == self._profile_events]
        applied = await self._store.applied([tp.partition for tp in mine])
        for tp in mine:
            answer[tp] = applied[tp.partition] + 1
        for tp in assigned:
            if tp.topic == self._identity_links:
                answer[tp] = (await self._links.state()).applied + 1
            elif tp.topic == self._training_examples:
                answer[tp] = (await self._learner_store.position())[1] + 1
        return answer

    @retrying
    async def _follow_store(self) -> None:
        """Read again what a restored store no longer has, though no new record may come to tell of it (`Behind`)."""
        consumer = self.app.consumer
        done = {tp: offset for tp in consumer.assignment() if (offset := consumer.done_up_to(tp)) is not None}
        for tp, offset in (await self._continues(done)).items():
            if offset < done[tp] and tp in consumer.assignment():
                log.warning("%s: the store was set back to offset %d; reading again", tp, offset)
                await consumer.rewind(tp, offset)

    def _revoked(self, *_: Any, **__: Any) -> None:
        self.profiles.assigned(())

    def _agent(self, name: str, topic: str, handle: Handle, lane: Callable[[Batch], Hashable]) -> None:
        async def safely(batches: list[Batch]) -> None:
            first = batches[0]
            try:
                await handle(batches)
            except Exception:
                self._die(f"cannot handle {first.tp} from offset {first.records[0].offset}")

        async def agent(stream: Any) -> None:
            lanes = Lanes(safely, lane, self._settings.batch, self._behind)
            async for event in stream.noack().events():
                await lanes.put(event)

        self.app.agent(self.app.topic(topic, schema=BatchSchema()), name=name)(agent)

    def _die(self, what: str) -> None:
        log.critical("%s; stopping without acknowledging it", what, exc_info=True)
        logging.shutdown()
        os._exit(1)

    async def _each(self, batches: list[Batch], handle: Callable[[Batch], Awaitable[None]]) -> None:
        """Handle a partition's batches; one that the store is not ready for is read again from where it is."""
        for batch in joined(batches):
            try:
                await handle(batch)
            except Behind as behind:
                if self.app.consumer.is_current(batch):  # else: it was on its way before the rewind that is under way
                    log.warning("%s: the store continues at offset %d; reading again", batch.tp, behind.offset)
                    await self.app.consumer.rewind(batch.tp, behind.offset)

    def _ingest_from(self, source: str) -> Handle:
        async def handle(batches: list[Batch]) -> None:
            consumer = self.app.consumer
            current = [batch for batch in batches if consumer.is_current(batch)]  # the others were paused
            records = [record for batch in current for record in batch.records]
            if records and not await self.ingest.handle(source, records):
                consumer.hold(current)

        return handle

    async def _apply(self, batches: list[Batch]) -> None:
        await self._each(batches, lambda batch: self.profiles.handle(batch.tp.partition, batch.records, batch.follows))

    async def _link(self, batches: list[Batch]) -> None:
        await self._each(batches, lambda batch: self.linker.handle(batch.records, batch.follows))

    async def _learn(self, batches: list[Batch]) -> None:
        await self._each(batches, lambda batch: self.learner.handle(batch.records, batch.follows))

    def _every(self, seconds: float, function: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def task() -> None:
            while not self.app.should_stop:
                await asyncio.sleep(seconds)
                try:
                    await function()
                except Exception:
                    if self.app.should_stop:
                        return  # what it needs is being closed
                    self._die(f"{function.__name__} failed")

        task.__name__ = function.__name__.strip("_")
        return task

    async def _fire_timers(self) -> None:
        if not self._event_time and not self._up_to_date():
            return
        await asyncio.gather(*(self._fire(partition) for partition in self.profiles.partitions))

    async def _fire(self, partition: int) -> None:
        if self._event_time:
            until = self.profiles.watermark
            if not until or self.profiles.idle(partition) < _IDLE or self._waiting():
                return
        else:
            until = self._clock.now()
        while await self.profiles.fire(partition, until):
            pass

    def _catching_up(self) -> bool:
        """Whether events that may break a silence still wait, as after an outage: silence proves nothing then."""
        if time.monotonic() < self._settled:
            return True
        return self._busy()

    def _busy(self) -> bool:
        """Whether more than a batch of events waits somewhere."""
        return self._waiting() > self._settings.batch

    def _behind(self) -> bool:
        """Whether so many events wait somewhere that they cost less one partition at a time."""
        return self._waiting() > self._settings.batch / 4

    def _up_to_date(self) -> bool:
        """Whether silence proves something now."""
        if self._event_time:
            return not self._waiting()
        return not self._catching_up() and self._clock_watch.trusts(self._clock.now())

    def _belongs(self, profile: Profile, now: float) -> set[str]:
        """The segments that a customer belongs to; on event time as of the last border at which timers fired."""
        if self._event_time:
            now = whole_grains(now)
            if profile.updated > now:
                return set(profile.segments)
        if is_due(profile, now):
            return set(profile.segments)
        return self._segments.evaluate(profile, now)

    def _now(self) -> float:
        """The time on the clock that timers run on."""
        return self.profiles.watermark if self._event_time else self._clock.now()

    def _waiting(self) -> int:
        """The most events that wait in one partition of a source or of the profiles, of those that are ours."""
        consumer = self.app.consumer
        return max((consumer.behind(tp) for tp in consumer.assignment() if tp.topic in self._event_topics), default=0)

    @retrying
    async def _refresh(self) -> None:
        if self.app.consumer.assignment():
            before, asked = self._clock.now(), time.monotonic()
            theirs = await beat(self._redis, self._name)
            self._clock_watch.compare(before, theirs, time.monotonic() - asked)
        await self.suppressed.refresh()
        for source in await self.breaker.refresh():
            if (known := self._plan.sources.get(source)) is not None:
                await self.app.consumer.release(topic_name(self._settings, known.topic))
        await self.population.refresh()
        if await self.champion.refresh():
            log.debug("scoring with %s", self.champion().champion.id)

    async def _count_customers(self) -> None:
        await self.census.run()

    async def _conclude_census(self) -> None:
        if TP(self._training_examples, 0) in self.app.consumer.assignment():
            await self.merger.step(WALL.now())

    async def _measure_lag(self) -> None:
        waiting: dict[str, int] = {}
        for tp in self.app.consumer.assignment():
            waiting[tp.topic] = waiting.get(tp.topic, 0) + self.app.consumer.behind(tp)
        for topic, records in waiting.items():
            self._metrics.lag(topic, records)


def create_worker(
    settings: Settings, plan: Plan, *, metrics: WorkerMetrics | None = None, clock: Clock | None = None
) -> WorkerApp:
    """A worker, ready to run: `faust.Worker(create_worker(...)).execute_from_commandline()`."""
    app = WorkerApp(
        settings.worker_group,
        **faust_broker(settings),
        autodiscover=False,
        web_enabled=False,
        datadir=str(Path(tempfile.gettempdir()) / "rapport-faust"),  # it makes one, and puts nothing there
        store="memory://",
        topic_allow_declare=False,  # streams.kafka.admin makes the topics
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 5,
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.batch,
        stream_buffer_maxsize=16,  # batches, not events
        stream_wait_empty=True,
    )
    worker = Worker(app, settings, plan, metrics or WorkerMetrics(), clock or WallClock())
    app.rapport = worker
    use_batches(app, worker.positions)
    worker.register()
    return app
