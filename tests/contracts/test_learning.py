"""The learner's runner on a real Redis: what is read again counts once, and two of them cannot both write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from models.config import ChurnConfig
from models.labels.examples import ModelCommand, TrainingRecord
from models.learning.learner import Learner
from models.learning.report import Report
from profiles.stores.learner import RedisLearnerStore
from profiles.stores.redis import connect
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.metrics import WorkerMetrics
from streams.records.told import MODEL_NEWS
from streams.settings import Settings
from streams.worker.learner import LearnerRunner
from streams.worker.profiles import Behind
from tests.build import T0
from tests.models.training import CONFIG, world


class Record(NamedTuple):
    """What a consumer hands over."""

    offset: int
    value: bytes


class Kept:
    """Takes what would go to Kafka; `broken` as often as it says, it fails before it takes anything."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.broken = 0

    async def produce(self, rows: Sequence[Row]) -> None:
        """Keep them."""
        if self.broken:
            self.broken -= 1
            raise ConnectionError("Kafka is away")
        self.rows += rows


class Place:
    """A Redis, a log of training records, and runners that come and go."""

    def __init__(self, client: Any) -> None:
        self.store = RedisLearnerStore(client)
        self.kafka = Kept()
        self.registry = CollectorRegistry()
        self.metrics = WorkerMetrics(self.registry)

    def runner(self, config: ChurnConfig = CONFIG) -> LearnerRunner:
        """A new process, with this plan."""
        outbox = Outbox(self.kafka, Settings(topic_prefix=""))  # type: ignore[arg-type]
        return LearnerRunner(self.store, outbox, config, self.metrics, lambda: NOW)


RECORDS: list[TrainingRecord] = [*world(0, 60), ModelCommand("c1", "promote", "base_rate", T0, "kim"), *world(50, 80)]
NOW = T0 + 3650 * 86400.0
LOG: list[Any] = [Record(offset, msgspec.msgpack.encode(record)) for offset, record in enumerate(RECORDS)]


@pytest.fixture
def run(redis_url: str) -> Callable[[Callable[[Place], Awaitable[None]]], None]:
    """Runs a coroutine function at a fresh place."""

    def on_redis(test: Callable[[Place], Awaitable[None]]) -> None:
        async def with_client() -> None:
            client = connect(redis_url)
            try:
                await test(Place(client))
            finally:
                await client.aclose()

        asyncio.run(with_client())

    return on_redis


async def assert_learned(place: Place, count: int) -> None:
    """The store holds what one learner knows that took the training records once."""
    straight = Learner(CONFIG)
    straight.take(RECORDS[:count])
    state = await place.store.load()
    assert state.applied == count - 1
    assert dict(state.parts) == straight.parts()
    assert state.panel == straight.panel().to_json()


def test_batches_that_overlap_and_processes_that_die_count_every_lesson_once(run: Any) -> None:
    """Offset and state are one commit, so what was committed is skipped, and nothing else."""

    async def test(place: Place) -> None:
        runner = place.runner()
        await runner.handle(LOG[:40], 0)
        await runner.handle(LOG[20:90], 20)
        await place.runner().handle(LOG[0:90], 0)
        await place.runner().handle(LOG[60:], 60)
        await assert_learned(place, len(LOG))

    run(test)


def test_of_two_learners_one_writes_and_the_other_goes_on_from_there(run: Any) -> None:
    """The paused one finds another version, reads anew, and takes only what is new."""

    async def test(place: Place) -> None:
        paused, successor = place.runner(), place.runner()
        await paused.handle(LOG[:30], 0)
        await successor.handle(LOG[30:100], 30)
        await paused.handle(LOG[30:120], 30)
        await successor.handle(LOG[120:130], 120)
        await assert_learned(place, 130)

    run(test)


def test_a_store_that_was_set_back_is_fed_again(run: Any) -> None:
    """The runner says from where."""

    async def test(place: Place) -> None:
        with pytest.raises(Behind) as behind:
            await place.runner().handle(LOG[50:], 50)
        assert behind.value.offset == 0

    run(test)


def test_the_learner_shows_its_models_as_soon_as_it_has_them(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart, without waiting for a training record; and no longer than it is the learner."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    async def test(place: Place) -> None:
        def speaks(model: str) -> float | None:
            return place.registry.get_sample_value("rapport_model_champion", {"model": model})

        await place.runner().handle(LOG[:-10], 0)
        assert speaks("base_rate") is None  # that one was not the learner
        straight = Learner(CONFIG)
        straight.take(RECORDS[:-10])
        restarted = place.runner()
        await restarted.tick()
        assert speaks("base_rate") is None
        restarted.assigned(mine=True)
        await restarted.tick()
        rows = {"model": "rules", "horizon": "short", "measure": "rows"}
        assert (speaks("base_rate"), speaks("rules")) == (1, 0)
        assert place.registry.get_sample_value("rapport_model_quality", rows) == straight.counts.short
        restarted.assigned(mine=False)
        assert speaks("base_rate") is None
        await restarted.tick()
        await restarted.handle(LOG[-10:], len(LOG) - 10)  # which was on its way before
        assert speaks("base_rate") is None
        await assert_learned(place, len(LOG))

    run(test)


def test_learning_that_begins_anew_is_told_at_once_and_once(run: Any) -> None:
    """Without waiting for a training record: the plan was changed, and whoever did that is looking now."""

    async def test(place: Place) -> None:
        await place.runner().handle(LOG, 0)
        before = await place.store.load()
        other = CONFIG.model_copy(update={"label_horizon": CONFIG.label_horizon / 2})
        for _ in range(2):
            restarted = place.runner(other)
            restarted.assigned(mine=True)
            await restarted.tick()
        state = await place.store.load()
        assert (state.version, state.applied) == (before.version + 1, before.applied)
        report = Report.of(state.panel, state.parts, other)
        assert (report.promotion.changes[-1].model, report.promotion.changes[-1].at) == ("rules", NOW)
        assert report.promotion.changes[-2].by == "kim"  # what was decided before is known all the same
        [told] = [
            notice
            for row in place.kafka.rows
            if row.key == MODEL_NEWS and (notice := json.loads(row.value)["notice"])["kind"] == "anew"  # type: ignore[arg-type]
        ]
        assert told["text"] == (
            "learning began anew: the plan's churn.label_horizon is 2w, and was 4w; "
            f"{len(LOG)} training records are of no use any more"
        )

    run(test)


def test_news_leave_through_the_outbox_also_after_a_crash(run: Any) -> None:
    """Committed, not produced, and then produced by the next process, under the same id."""

    async def test(place: Place) -> None:
        place.kafka.broken = 1
        with pytest.raises(ConnectionError):
            await place.runner().handle(LOG, 0)
        assert place.kafka.rows == []
        await place.runner().handle(LOG[-1:], len(LOG) - 1)
        told = [json.loads(row.value)["notice"] for row in place.kafka.rows if row.key == MODEL_NEWS]  # type: ignore[arg-type]
        assert [(notice["kind"], notice["by"]) for notice in told] == [("champion", "kim")]
        assert await place.store.outbox() == []
        await assert_learned(place, len(LOG))

    run(test)
