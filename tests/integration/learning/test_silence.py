"""Silence is a signal that no event carries: timers alone re-score, move segments and raise the alert."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord
from faust.types import TP
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
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import backlog_pipeline, profile_pipeline, review_pipeline
from streams.settings import Settings
from streams.worker.clock.follower import ClockFollower
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import nothing_told
from tests.build import in_steps, live
from tests.integration.rapport import PLAN, Rapport

START = 1_760_000_000.0


class Stepped:
    """A profile runner on real servers whose clock stands still until it is moved."""

    def __init__(
        self,
        settings: Settings,
        follower: ClockFollower | None = None,
        population: Callable[[], PopulationSnapshot] = PopulationSnapshot.empty,
    ) -> None:
        self.settings = settings
        self.plan = load_plan(settings.plan)
        self.clock = SteppedClock(START)
        self.redis = connect(settings.redis.get_secret_value())
        self.producer = BatchProducer(settings)
        self.store = RedisStore(self.redis)
        self.follower = follower or live(self.clock)
        panel = Panel.cold(self.plan.churn)
        self.runner = ProfileRunner(
            Steps(
                profile_pipeline(self.plan, settings, lambda: panel, population),
                backlog_pipeline(self.plan, settings),
                review_pipeline(self.plan, population),
            ),
            self.store,
            settings.partitions,
            Outbox(self.producer, settings),
            WorkerMetrics(CollectorRegistry()),
            self.follower,
            nothing_told,
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
        behind = await self.runner.apply([Batch(TP("t", partition), records, first)])
        assert not behind

    async def wait(self, seconds: float) -> None:
        """Let the clock go on in steps of a day, firing what is due."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(min(DAY, end - self.clock.now()))
            while await self.runner.fire(self.clock.now(), range(self.settings.partitions)):
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
    """A weekly buyer who stops is re-scored by timers alone: the risk rises, segments change, alerts open, once."""
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
    assert after.alerts["high_churn_risk"].state == "open"
    assert START < after.alerts["high_churn_risk"].opened < START + 16 * WEEK
    assert after.alerts["valuable_customer_at_risk"].state == "cleared"  # the valuable are those who are still here
    assert before.stage == "loyal"
    assert after.stage == "churned"
    assert {"at_risk", "lapsing"} <= after.segments.keys() - before.segments.keys()
    messages = [json.loads(record.value) for record in rapport.topic("alerts")]
    told = [message["alert"] for message in messages if "alert" in message]
    for rule in ("high_churn_risk", "valuable_customer_at_risk"):
        assert [(alert["rule"], alert["state"]) for alert in told].count((rule, "open")) == 1


def test_a_review_leaves_to_the_timers_what_is_due(make_settings: Callable[..., Settings]) -> None:
    """While history is loaded, a census may look at a customer whose timers wait for the gate."""
    settings = make_settings(plan=PLAN)
    ensure_topics(settings, load_plan(settings.plan))
    gate = START + 40 * WEEK

    async def story(*, reviewed: bool) -> Profile:
        stepped = Stepped(settings, in_steps(START + 13 * WEEK))
        events = [bought(stepped, "gwen", n, START + n * WEEK) for n in range(14)]
        await stepped.apply(*events)
        await stepped.runner.fire(START + 13 * WEEK, range(settings.partitions))
        await stepped.follower.take(msgspec.structs.replace(stepped.follower.state, version=2, gate=gate))
        if reviewed:
            await stepped.runner.review(partition_of(events[0].profile, settings.partitions), [events[0].profile])
        while await stepped.runner.fire(gate, range(settings.partitions)):
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
