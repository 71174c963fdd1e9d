"""A small Rapport without servers that is told a history: real ingest, runners, linker, learner, census, coordinator.

Who reads how much of which partition, who works next and who is replaced in the middle of it is for a seed to say.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.types import TP
from prometheus_client import CollectorRegistry

from models.segments.membership import compile_segments
from plan import Plan
from profiles.clock import Load
from profiles.documents import decode_profile
from profiles.stores import open_stores
from profiles.stores.memory import MemoryStore
from profiles.types import Profile
from streams.clock import SteppedClock
from streams.identity.history import History
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.kafka.topics import (
    ALERTS,
    CASES,
    IDENTITY_CHANGES,
    IDENTITY_LINKS,
    MODEL_SNAPSHOTS,
    PROFILE_CHANGES,
    PROFILE_EVENTS,
    REJECTED,
    SEGMENT_CHANGES,
    TRAINING_EXAMPLES,
    topic_name,
)
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import (
    arrival_pipeline,
    backlog_pipeline,
    ingest_pipeline,
    profile_pipeline,
    review_pipeline,
)
from streams.settings import Settings
from streams.steps.identify import NOBODY
from streams.worker.breaker.aside import PutAside
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from streams.worker.census import CensusMerger, CensusTaker, Review, members_of, subject_of
from streams.worker.champion import champion_of
from streams.worker.clock.coordinator import Coordinator, places_of
from streams.worker.clock.follower import ClockFollower
from streams.worker.flow import Flow
from streams.worker.ingest import Ingest
from streams.worker.learner import LearnerRunner
from streams.worker.linker import Linker
from streams.worker.population import population_of
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import nothing_told

_metrics = WorkerMetrics(CollectorRegistry())
_TURNS = 60_000  # after which it will not come to an end any more

Told = Mapping[str, Sequence[dict[str, Any]]]
"""Raw events by source, in the order in which they are sent."""


class Telling:
    """An installation that is told a history.

    Args:
        plan: of the shop.
        partitions: of each topic.
        workers: among whom partitions are shared.
        now: the wall clock, seconds.
        chance: says who works next, and how much of what.
    """

    def __init__(self, plan: Plan, partitions: int, workers: int, now: float, chance: random.Random) -> None:
        self.plan = plan
        self.settings = Settings(partitions=partitions)
        self.chance = chance
        self.wall = SteppedClock(now)
        self.stores = open_stores("memory://", plan.namespace, partitions)
        self.sources = {topic_name(self.settings, one.topic): one.name for one in plan.sources.values()}
        one_partition = (IDENTITY_LINKS, IDENTITY_CHANGES, TRAINING_EXAMPLES, MODEL_SNAPSHOTS)
        many = (PROFILE_EVENTS, PROFILE_CHANGES, REJECTED, ALERTS, CASES, SEGMENT_CHANGES)
        topics = dict.fromkeys((topic_name(self.settings, base) for base in one_partition), 1)
        topics |= dict.fromkeys((topic_name(self.settings, base) for base in many), partitions)
        self.log = MemoryLog(topics | dict.fromkeys(self.sources, partitions), self.wall)
        self.acked: dict[TP, int] = {}
        self.workers = [Worker(self, number, workers) for number in range(workers)]

    async def tell(self, told: Told, step: float, *, kills: bool = False) -> None:
        """Let all of it be told as one load, and go on until the installation is live."""
        waiting = {source: list(events) for source, events in told.items()}
        times = [time_of(event) for events in waiting.values() for event in events]
        load = Load(id="l", name="history", since=min(times), until=max(times), sent=min(times), step=step)
        load = await self._note(load)
        for _ in range(_TURNS):
            if waiting:
                load = await self._send(waiting, load)
            worker = self.chance.choice(self.workers)
            await worker.turn()
            if kills and self.chance.random() < 0.002:
                self.workers[worker.number] = Worker(self, worker.number, len(self.workers))
            if (await self.stores.clock.state()).phase == "live":
                return await self.workers[0].learn_the_rest()
        raise AssertionError(f"it does not come to an end: {await self.stores.clock.state()}")

    async def _send(self, waiting: dict[str, list[dict[str, Any]]], load: Load) -> Load:
        """A source sends some of what it has; the loader says up to when all have."""
        source = self.chance.choice(sorted(waiting))
        some = [waiting[source].pop(0) for _ in range(min(len(waiting[source]), self.chance.randint(1, 40)))]
        topic = topic_name(self.settings, self.plan.sources[source].topic)
        await self.log.produce(
            Row(topic, None, str(event.get("userId") or event["anonymousId"]).encode(), json.dumps(event).encode())
            for event in some
        )
        if not waiting[source]:
            del waiting[source]
        if not waiting:
            return await self._note(load, sent=math.inf, ended=self.wall.now())
        return await self._note(load, sent=min(time_of(events[0]) for events in waiting.values()) - 1e-3)

    async def _note(self, load: Load, **changes: Any) -> Load:
        import msgspec  # noqa: PLC0415

        load = msgspec.structs.replace(load, seen=self.wall.now(), **changes)
        await self.stores.clock.write_load(load)
        return load

    def unread(self, topic: str, number: int, offset: int) -> list[ConsumerRecord]:
        """The records of a partition from an offset on."""
        return [at for at in self.log.held(TopicPartition(topic, number)).records if at.offset >= offset]

    async def ends(self, partitions: Any) -> dict[TP, int]:
        """Where partitions end."""
        return {tp: self.log.held(TopicPartition(*tp)).end for tp in partitions}

    def everybody(self) -> dict[str, Profile]:
        """Every profile, tombstones too."""
        store = self.stores.profiles
        assert isinstance(store, MemoryStore)
        return {
            id_: decode_profile(id_, document)
            for number in range(self.settings.partitions)
            for id_, document in store.partition(number).documents.items()
        }


class Worker:
    """One worker: some partitions of everything; the first has what there is one of."""

    def __init__(self, telling: Telling, number: int, of: int) -> None:
        self.number = number
        self._telling = telling
        plan, settings, stores = telling.plan, telling.settings, telling.stores
        numbers = [n for n in range(settings.partitions) if n % of == number]
        self._sources = [TP(topic, n) for topic in telling.sources for n in numbers]
        self._events = topic_name(settings, PROFILE_EVENTS)
        self._read: dict[TP, int] = {}
        self._follower = ClockFollower(stores.clock, telling.wall)
        outbox = Outbox(telling.log, settings)
        flow = Flow(places_of(settings, plan).profiles, telling.ends, stores.profiles, lambda: self._follower.live)
        self._champion = champion_of(stores.learner, plan.churn)
        self._population = population_of(stores.census, _metrics)
        self._ingest = Ingest(
            telling.sources,
            arrival_pipeline(plan),
            ingest_pipeline(plan, stores.links, NOBODY),
            telling.log,
            stores.clock,
            settings,
            _metrics,
            self._follower,
            CircuitBreaker(plan, stores.sources, _metrics, "w"),
            plan.churn.lateness,
            flow,
            PutAside(plan, stores.sources, _metrics, "w"),
        )
        self.runner = ProfileRunner(
            Steps(
                profile_pipeline(plan, settings, self._champion, self._population),
                backlog_pipeline(plan, settings),
                review_pipeline(plan, self._population),
            ),
            stores.profiles,
            settings.partitions,
            outbox,
            _metrics,
            self._follower,
            nothing_told,
        )
        self.runner.assigned(numbers)
        segments = compile_segments(plan.segments, plan.currency, plan.consent, self._population)
        self._census = CensusTaker(
            stores.census,
            subject_of(plan),
            lambda: self.runner.partitions,
            self._follower.now,
            lambda: False,
            _metrics,
            Review(members_of(segments), self.runner.review, lambda: False),
        )
        self._linker = Linker(
            stores.links,
            outbox,
            History(telling.log, settings),
            plan,
            settings,
            _metrics,
            telling.wall,
            flow.until_applied,
            flow.merges,
        )
        self._linker.assigned(mine=number == 0)
        self._learner = LearnerRunner(stores.learner, outbox, plan.churn, _metrics, self._follower.now)
        merger = CensusMerger(
            stores.census,
            settings.partitions,
            3600.0,
            [one.name for one in plan.segments],
            plan.currency,
            outbox.recover,
        )
        self._coordinator = Coordinator(
            stores.clock,
            stores.profiles,
            stores.links,
            stores.learner,
            places_of(settings, plan),
            telling.ends,
            outbox.deliver,
            merger,
            self._follower,
            lambda now: True,
            "w",
        )

    async def turn(self) -> None:
        """Do some of the things that it does, in some order."""
        deeds = [self._take_in, self._apply, self._follow]
        if self.number == 0:
            deeds += [self._link, self._learn, self._coordinate]
        chance = self._telling.chance
        for deed in chance.sample(deeds, chance.randint(1, len(deeds))):
            await deed()

    async def _take_in(self) -> None:
        chance, tp = self._telling.chance, self._telling.chance.choice(self._sources)
        at = self._read.get(tp, self._telling.acked.get(tp, 0))
        records = self._telling.unread(tp.topic, tp.partition, at)[: chance.randint(1, 60)]
        batches = [Batch(tp, records, at)] if records else []
        if records:
            self._read[tp] = int(records[-1].offset) + 1
        await self._ingest.take(batches, lambda batch: True)
        for batch in (await self._ingest.let_in()).done:
            self._telling.acked[batch.tp] = batch.next

    async def _apply(self) -> None:
        chance, batches = self._telling.chance, []
        applied = await self._telling.stores.profiles.applied(self.runner.partitions)
        for number, at in applied.items():
            records = self._telling.unread(self._events, number, at + 1)
            if records and chance.random() < 0.7:
                batches.append(Batch(TP(self._events, number), records[: chance.randint(1, 80)], at + 1))
        assert not await self.runner.apply(batches)

    async def _follow(self) -> None:
        await self._follower.refresh()
        await self._ingest.report(self._sources, self._done_up_to)
        if self._follower.fires:
            await self._champion.refresh()
            await self._population.refresh()
            while await self.runner.fire(self._follower.gate):
                pass
            if self._follower.state.phase == "arriving":
                await self.runner.arrive(self._follower.gate)
        await self.runner.close()
        await self.runner.clear()
        await self._census.run()

    def _done_up_to(self, tp: TP) -> int | None:
        acked = self._telling.acked.get(tp, 0)
        return acked if self._read.get(tp, acked) == acked else None

    async def _link(self) -> None:
        await self._linker.tick()
        at = (await self._telling.stores.links.state()).applied + 1
        topic = topic_name(self._telling.settings, IDENTITY_LINKS)
        if records := self._telling.unread(topic, 0, at):
            await self._linker.handle(records[: self._telling.chance.randint(1, 5)], at)

    async def learn_the_rest(self) -> None:
        """Take all training records that there are."""
        while await self._learn():
            pass

    async def _learn(self) -> bool:
        at = await self._learner.continues()
        topic = topic_name(self._telling.settings, TRAINING_EXAMPLES)
        if records := self._telling.unread(topic, 0, at):
            await self._learner.handle(records[: self._telling.chance.randint(1, 50)], at)
        return bool(records)

    async def _coordinate(self) -> None:
        await self._coordinator.step()


def time_of(event: Mapping[str, Any]) -> float:
    """When a raw event happened, seconds."""
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(event["timestamp"]).timestamp()


def told(
    plan: Plan, seed: int, partitions: int, workers: int, told: Told, step: float, now: float, **how: Any
) -> Telling:
    """An installation that was told a history, as a seed would have it."""

    async def story() -> Telling:
        telling = Telling(plan, partitions, workers, now, random.Random(seed))
        await telling.tell(told, step, **how)
        return telling

    return asyncio.run(story())
