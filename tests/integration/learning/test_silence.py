"""Silence is a signal that no event carries: timers alone re-score, move segments and raise the alert."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from models.churn.panel import Panel
from models.durations import DAY, WEEK
from models.population.snapshot import PopulationSnapshot
from plan import load_plan
from profiles.stores.redis import RedisStore, connect
from profiles.types import Event, Profile, partition_of, profile_id
from streams.clock import SteppedClock
from streams.kafka.admin import ensure_topics
from streams.kafka.outbox import Outbox
from streams.kafka.output import BatchProducer
from streams.metrics import WorkerMetrics
from streams.pipeline import profile_pipeline, review_pipeline
from streams.settings import Settings
from streams.worker.profiles import ProfileRunner
from tests.integration.rapport import PLAN, Rapport

START = 1_760_000_000.0


class Stepped:
    """A profile runner on real servers whose clock stands still until it is moved."""

    def __init__(
        self,
        settings: Settings,
        *,
        event_time: bool = False,
        population: Callable[[], PopulationSnapshot] = PopulationSnapshot.empty,
    ) -> None:
        self.settings = settings
        self.plan = load_plan(settings.plan)
        self.clock = SteppedClock(START)
        self.redis = connect(settings.redis.get_secret_value())
        self.producer = BatchProducer(settings)
        self.store = RedisStore(self.redis)
        panel = Panel.cold(self.plan.churn)
        self.runner = ProfileRunner(
            profile_pipeline(self.plan, settings, lambda: panel, population),
            review_pipeline(self.plan, population),
            self.store,
            settings.partitions,
            Outbox(self.producer, settings),
            WorkerMetrics(CollectorRegistry()),
            self.clock,
            event_time=event_time,
        )
        self.offsets: dict[int, int] = {}

    async def apply(self, *events: Event) -> None:
        """Events as one batch of the partition of their customer."""
        partition = partition_of(events[0].profile, self.settings.partitions)
        first = self.offsets.get(partition, 0)
        records = [
            ConsumerRecord("t", partition, first + n, 0, 0, None, msgspec.msgpack.encode(event), None, 0, 0, ())
            for n, event in enumerate(events)
        ]
        self.offsets[partition] = first + len(events)
        await self.runner.apply_batch(partition, records, first)

    async def wait(self, seconds: float) -> None:
        """Let the clock go on in steps of a day, firing what is due."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(min(DAY, end - self.clock.now()))
            for partition in range(self.settings.partitions):
                while await self.runner.fire_due(partition, self.clock.now()):
                    pass

    async def profile(self, id_: str) -> Profile:
        partition = partition_of(id_, self.settings.partitions)
        return (await self.store.fetch(partition, [id_]))[id_]

    async def close(self) -> None:
        await self.runner.close()
        await self.producer.stop()
        await self.redis.aclose()


def bought(stepped: Stepped, user: str, number: int, time: float) -> Event:
    id_ = profile_id(stepped.plan.namespace, ("user_id", user))
    return Event(
        id_, f"{user}-{number}", "purchase", "track", "Order Completed", "purchase", time, time,
        [("user_id", user)], amount=9900, currency="EUR", quantity=1.0,
    )  # fmt: skip


def test_silence_raises_the_alert_without_any_event(make_settings: Callable[..., Settings], tmp_path: Any) -> None:
    """A weekly buyer who stops is re-scored by timers alone: the risk rises, segments change, one alert opens, once."""
    settings = make_settings(plan=PLAN)
    rapport = Rapport(settings, tmp_path)  # topics

    async def story() -> tuple[Profile, Profile]:
        stepped = Stepped(settings)
        events = [bought(stepped, "eve", n, START - (12 - n) * WEEK) for n in range(12)]
        await stepped.apply(*events)
        before = await stepped.profile(events[0].profile)
        await stepped.wait(16 * WEEK)
        after = await stepped.profile(events[0].profile)
        await stepped.close()
        return before, after

    before, after = asyncio.run(story())
    rapport.stop()
    assert before.score is not None
    assert after.score is not None
    assert before.score.risk < 0.6 < after.score.risk
    assert before.alerts == {}
    assert after.alerts["valuable_customer_at_risk"].state == "open"
    assert START < after.alerts["valuable_customer_at_risk"].opened < START + 16 * WEEK
    assert before.stage == "loyal"
    assert after.stage == "churned"
    assert {"at_risk", "lapsing"} <= after.segments.keys() - before.segments.keys()
    told = [json.loads(record.value)["alert"] for record in rapport.topic("alerts")]
    assert [(alert["rule"], alert["state"]) for alert in told].count(("valuable_customer_at_risk", "open")) == 1


def test_event_time_gives_the_same_history_whatever_the_batches(make_settings: Callable[..., Settings]) -> None:
    """On event time, one batch of half a year and twenty-six weekly ones end in the same profile and alerts."""
    settings = make_settings(plan=PLAN)
    ensure_topics(settings, load_plan(settings.plan))

    async def story(user: str, size: int) -> Profile:
        stepped = Stepped(settings, event_time=True)
        times = [START + n * WEEK for n in range(14)]
        events = [bought(stepped, user, n, time) for n, time in enumerate(times)]
        # Somebody else of the same partition keeps the watermark moving while our customer is silent.
        partition = partition_of(events[0].profile, settings.partitions)
        names = (f"{user}-other-{n}" for n in range(1000))
        other = next(
            name
            for name in names
            if partition_of(profile_id(stepped.plan.namespace, ("user_id", name)), settings.partitions) == partition
        )
        events += [bought(stepped, other, n, START + n * DAY + 3600) for n in range(30 * 7)]
        events.sort(key=lambda event: event.time)
        for start in range(0, len(events), size):
            await stepped.apply(*events[start : start + size])
        profile = await stepped.profile(profile_id(stepped.plan.namespace, ("user_id", user)))
        await stepped.close()
        return profile

    whole = asyncio.run(story("finn", 10_000))
    asyncio.run(_flush(settings))
    weekly = asyncio.run(story("finn", 9))

    assert whole.alerts.keys() == weekly.alerts.keys()
    assert "valuable_customer_at_risk" in whole.alerts
    assert whole.alerts == weekly.alerts
    assert whole.segments == weekly.segments
    assert whole.stages == weekly.stages
    assert whole.snapshots == weekly.snapshots
    assert whole.score == weekly.score


def test_a_review_leaves_to_the_timers_what_is_due(make_settings: Callable[..., Settings]) -> None:
    """On event time others may be half a year ahead when a census looks at a customer whose timers wait."""
    settings = make_settings(plan=PLAN)
    ensure_topics(settings, load_plan(settings.plan))

    async def story(*, reviewed: bool) -> Profile:
        stepped = Stepped(settings, event_time=True)
        events = [bought(stepped, "gwen", n, START + n * WEEK) for n in range(14)]
        partition = partition_of(events[0].profile, settings.partitions)
        names = (f"ahead-{n}" for n in range(1000))
        ahead = next(
            name
            for name in names
            if partition_of(profile_id(stepped.plan.namespace, ("user_id", name)), settings.partitions) != partition
        )
        await stepped.apply(*events)
        await stepped.apply(bought(stepped, ahead, 0, START + 40 * WEEK))
        if reviewed:
            await stepped.runner.review(partition, [events[0].profile])
        while await stepped.runner.fire_due(partition, stepped.runner.watermark):
            pass
        profile = await stepped.profile(events[0].profile)
        await stepped.close()
        return profile

    plain = asyncio.run(story(reviewed=False))
    asyncio.run(_flush(settings))
    reviewed = asyncio.run(story(reviewed=True))

    assert plain.stage == "churned"
    assert reviewed.score == plain.score
    assert reviewed.alerts == plain.alerts
    assert reviewed.stages == plain.stages
    assert reviewed.segments == plain.segments


async def _flush(settings: Settings) -> None:
    client = connect(settings.redis.get_secret_value())
    await client.flushdb()
    await client.aclose()
