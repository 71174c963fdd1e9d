"""What one worker does: its roles, each made of what it needs. `streams/worker/worker.py` runs them."""

from __future__ import annotations

from collections.abc import Callable

from models.conditions.rules import of_grain
from models.segments.membership import compile_segments
from plan import Plan
from profiles.stores import open_stores
from profiles.stores.health import require_healthy
from profiles.stores.setup import check_setup
from streams.clock import Clock
from streams.commands import CommandSender
from streams.identity.history import History
from streams.identity.split import SplitCompleter
from streams.identity.suppressed import Suppressed
from streams.kafka.continuity import check_kafka
from streams.kafka.ends import KafkaEnds
from streams.kafka.log import KafkaLog
from streams.kafka.outbox import Outbox
from streams.kafka.output import BatchProducer
from streams.kafka.topics import topic_name
from streams.metrics import WorkerMetrics
from streams.pipeline import (
    arrival_pipeline,
    backlog_pipeline,
    ingest_pipeline,
    profile_pipeline,
    review_pipeline,
)
from streams.plan_watch import PlanWatch
from streams.settings import Settings
from streams.worker.breaker.aside import PutAside
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from streams.worker.breaker.probe import BreakerProbe
from streams.worker.census import CensusMerger, CensusTaker, Review, members_of, subject_of
from streams.worker.champion import champion_of
from streams.worker.clock.coordinator import Coordinator, places_of
from streams.worker.clock.follower import ClockFollower
from streams.worker.clock.timers import Backlog, Timers
from streams.worker.flow import Flow
from streams.worker.ingest import Ingest
from streams.worker.learner import LearnerRunner
from streams.worker.linker import Linker
from streams.worker.population import population_of
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import ToldReader

__all__ = ["Roles"]


class Roles:
    """Ingest, profiles with their timers, linker, splits, learner and census of one worker, on one Redis and one Kafka.

    Args:
        settings: where Redis and Kafka are, and how much a worker takes at once.
        plan: what the roles do.
        metrics: of the worker.
        clock: the wall clock.
        backlog: what waits to be read.
        name: of this worker, for people.
        failed: hears of an error after which nothing is delivered any more.
        profiles: whether this worker has any.
    """

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        metrics: WorkerMetrics,
        clock: Clock,
        backlog: Backlog,
        name: str,
        failed: Callable[[Exception], None],
        *,
        profiles: bool,
    ) -> None:
        self._settings = settings
        self._profiles = profiles
        self._plan = plan
        self._metrics = metrics

        self.stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
        self.clock = ClockFollower(self.stores.clock, clock)

        self._events = BatchProducer(settings)
        # A producer has one request under way at a time: events must not wait behind documents on their way out.
        self._outputs = BatchProducer(settings)
        self._outbox = outbox = Outbox(self._outputs, settings)

        self.champion = champion_of(self.stores.learner, plan.churn)
        self.population = population_of(self.stores.census, metrics)
        self.suppressed = Suppressed(self.stores.links, plan.pii_key)
        self.plans = PlanWatch(self.stores.client, plan, name, metrics, decides=profiles)
        self.breaker = CircuitBreaker(plan, self.stores.sources, metrics, name)
        self.probe = BreakerProbe(self.breaker, KafkaLog(settings), plan, settings)
        self.aside = PutAside(plan, self.stores.sources, metrics, name)

        self.ends = KafkaEnds(settings)
        self.places = places_of(settings, plan)
        self.flow = Flow(self.places.profiles, self.ends, self.stores.profiles, lambda: self.clock.live)
        self.ingest = Ingest(
            {topic_name(settings, source.topic): source.name for source in plan.sources.values()},
            arrival_pipeline(plan),
            ingest_pipeline(plan, self.stores.links, self.suppressed),
            self._events,
            self.stores.clock,
            settings,
            metrics,
            self.clock,
            self.breaker,
            plan.churn.lateness,
            self.flow,
            self.aside,
        )
        self.profiles = ProfileRunner(
            Steps(
                profile_pipeline(plan, settings, self.champion, self.population, self.plans),
                backlog_pipeline(plan, settings),
                review_pipeline(plan, self.population, self.plans),
            ),
            self.stores.profiles,
            settings.partitions,
            outbox,
            metrics,
            self.clock,
            ToldReader(KafkaLog(settings), self.ends, settings),
            busy=backlog.is_busy,
            failed=failed,
        )
        self.timers = Timers(self.profiles, backlog, self.clock, lambda: self.plans.settling)
        history = History(KafkaLog(settings), settings)
        self.linker = Linker(
            self.stores.links,
            outbox,
            history,
            plan,
            settings,
            metrics,
            clock,
            self.flow.until_applied,
            self.flow.merges,
        )
        self._requests = BatchProducer(settings)  # connects with the first split
        self.splits = SplitCompleter(
            self.stores.profiles, self.stores.links, CommandSender(self._requests, settings), history, settings, plan
        )
        self.learner = LearnerRunner(self.stores.learner, outbox, plan.churn, metrics, self.clock.now)
        segments = compile_segments(of_grain(plan.segments, "customer"), plan.currency, plan.consent, self.population)
        self.census = CensusTaker(
            self.stores.census,
            subject_of(plan),
            lambda: self.profiles.partitions,
            self.clock.now,
            backlog.is_busy,
            metrics,
            Review(
                members_of(segments, self.plans), self.profiles.review, self.timers.is_up_to_date, plan.contribution.of
            ),
        )
        self.census_merger = CensusMerger(
            self.stores.census,
            settings.partitions,
            settings.census_every,
            [rule.name for rule in plan.segments],
            plan.currency,
            outbox.recover,
        )
        self.coordinator = Coordinator(
            self.stores.clock,
            self.stores.profiles,
            self.stores.links,
            self.stores.learner,
            self.places,
            self.ends,
            outbox.deliver,
            self.census_merger,
            self.clock,
            self.timers.watch.trusts,
            name,
            plan.churn.outage,
        )

    async def start(self) -> None:
        """Connect, and check that the store is the one this plan and these settings wrote.

        Raises:
            Misconfigured: it is not.
        """
        await require_healthy(self.stores.client, require_aof=self._settings.require_aof)
        await check_setup(
            self.stores.client,
            partitions=self._settings.partitions,
            namespace=self._plan.namespace,
            pii_key=self._plan.pii_key,
            segments=[rule.name for rule in self._plan.segments],
        )
        await check_kafka(self.stores.client, self._settings, self._plan)
        await self._events.start()
        await self._outputs.start()
        await self.refresh()

    async def refresh(self) -> list[str]:
        """Read again what others have changed in the store; answer the sources that were resumed."""
        if self._profiles:
            await self.refresh_models()
        else:
            await self.population.refresh()  # of several workers the lowest version is shown
        await self.suppressed.refresh()
        await self.plans.refresh()
        await self.aside.report(self.clock.wall())
        return await self.breaker.refresh()

    async def refresh_models(self) -> None:
        """Read again what scores and ranks customers."""
        await self.champion.refresh()
        await self.population.refresh()

    async def stop(self) -> None:
        """Finish what is being delivered, and disconnect."""
        await self.splits.close()
        await self.profiles.close()
        await self._events.stop()
        await self._outputs.stop()
        await self._requests.stop()
        await self.ends.stop()
        await self.plans.leave()
        await self.stores.close()
