"""The learner on real Kafka and Redis: killed in mid-stream, it comes to the very state of one that never was."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import pytest
from kafka import KafkaProducer

from console.commands.doctor import examine
from console.local.process import free_port
from models.labels.examples import ModelCommand, TrainingRecord
from models.learning.checkpoint import dump
from models.learning.learner import Learner
from plan import load_plan
from profiles.stores.learner import RedisLearnerStore
from profiles.stores.redis import connect
from profiles.units import LearnerState
from streams.kafka.topics import topic_name
from streams.records.told import MODEL_NEWS
from streams.settings import Settings
from tests.build import T0
from tests.integration.rapport import PLAN, Rapport, order, recently, running
from tests.integration.rebuild.rebuilding import lose_redis, rebuild, until_quiet
from tests.models.training import world


def teach(rapport: Rapport, records: Sequence[TrainingRecord]) -> None:
    """Put training records where the profile workers put them."""
    # One request at a time: a topic in the making refuses the first, and what is sent again would change places.
    producer = KafkaProducer(
        bootstrap_servers=rapport.settings.kafka,
        enable_idempotence=False,
        linger_ms=5,
        max_in_flight_requests_per_connection=1,
    )
    topic = topic_name(rapport.settings, "training.examples")
    for record in records:
        producer.send(topic, msgspec.msgpack.encode(record), partition=0)
    producer.flush()
    producer.close()


def state_of(rapport: Rapport) -> LearnerState:
    """What the learner has committed."""

    async def read() -> LearnerState:
        client = connect(rapport.settings.redis.get_secret_value())
        try:
            return await RedisLearnerStore(client).load()
        finally:
            await client.aclose()

    return asyncio.run(read())


def wait(rapport: Rapport, applied: int) -> LearnerState:
    """Until the learner has committed this offset."""
    deadline = time.monotonic() + 240
    while (state := state_of(rapport)).applied < applied:
        assert time.monotonic() < deadline, f"the learner stands at {state.applied}\n{rapport.logs()}"
        time.sleep(0.05)
    return state


def fingerprint(panel: bytes | None, parts: Mapping[str, bytes]) -> str:
    """Of the whole checkpoint."""
    assert panel is not None
    return sha256(dump(panel, dict(parts))).hexdigest()


def assert_same(state: LearnerState, learner: Learner) -> None:
    """To the byte; part by part first, so that it is seen which one differs."""
    parts = learner.parts()
    assert [
        name for name in sorted(parts.keys() | state.parts.keys()) if parts.get(name) != state.parts.get(name)
    ] == []
    assert fingerprint(state.panel, state.parts) == fingerprint(learner.panel().to_json(), parts)


@pytest.mark.timeout(600)  # four minutes on a machine that does ten other things
def test_killed_and_replayed_it_gives_the_identical_checkpoint(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Three SIGKILLs while it learns, decisions of people among the training records, some training records delivered
    twice."""
    with running(make_settings(plan=PLAN, batch=100), tmp_path) as rapport:
        config = rapport.plan.churn
        records: list[TrainingRecord] = [
            *world(0, 700, config=config),
            ModelCommand("c1", "promote", "recency", T0 + 1, "kim"),
            *world(650, 900, config=config),
            ModelCommand("c2", "rollback", "1", T0 + 2, "kim"),
            ModelCommand("c3", "release", "", T0 + 3, "kim"),
            *world(900, 1100, config=config),
        ]
        part = len(records) // 4
        for kill in range(3):
            teach(rapport, records[kill * part : (kill + 1) * part])
            wait(rapport, kill * part + part // 3)
            rapport.kill(kill)
            rapport.start()
        teach(rapport, records[3 * part :])
        state = wait(rapport, len(records) - 1)
        rapport.stop_workers()

        expected = Learner(config)
        expected.take(records)
        assert expected.counts.short == 1100
        assert expected.counts.skipped > 50
        assert_same(state, expected)
        told = [json.loads(record.value) for record in rapport.topic("alerts") if record.key == MODEL_NEWS]
        news = list(dict.fromkeys(message["id"] for message in told))
        assert news == [notice.id for notice in expected.told.notices]
        assert {message["notice"]["kind"] for message in told} == {"champion", "refused", "rollback"}


def test_a_rebuild_brings_the_models_back_with_the_one_that_speaks(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Redis is lost; Kafka has the newest checkpoint, and the training records behind it are taken again."""
    with running(make_settings(plan=PLAN, batch=100), tmp_path) as rapport:
        config = rapport.plan.churn
        records: list[TrainingRecord] = [
            *world(0, 500, config=config), ModelCommand("c1", "promote", "recency", T0 + 1, "kim")
        ]  # fmt: skip
        more = world(500, 510, config=config)
        rapport.send("purchase", [order("user-1", 1, recently())])  # a rebuild needs somebody
        until_quiet(rapport)
        teach(rapport, records)
        before = wait(rapport, len(records) - 1)
        rapport.stop_workers()
        lose_redis(rapport.settings)
        assert rebuild(rapport.settings, "--wait")["learner"]
        rapport.start()
        teach(rapport, more)
        after = wait(rapport, len(records) + len(more) - 1)

        again = Learner.from_parts(after.parts, config)
        assert again.panel().champion_name == "recency"
        assert again.promotion.pinned == "kim"
        straight = Learner.from_parts(before.parts, config)
        straight.take(more)
        assert_same(after, straight)


def test_a_learner_that_was_frozen_and_wakes_as_a_second_one_changes_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Each of two workers is paused past its session while training records flow, so the learner is at least once."""
    with running(make_settings(plan=PLAN, batch=20, session_timeout=6.0), tmp_path, workers=2) as rapport:
        config = rapport.plan.churn
        records: list[TrainingRecord] = [
            *world(0, 300, config=config),
            ModelCommand("c1", "promote", "recency", T0 + 1, "kim"),
            ModelCommand("c2", "rollback", "1", T0 + 2, "kim"),
            *world(300, 600, config=config),
        ]
        part = len(records) // 3
        teach(rapport, records[:part])
        wait(rapport, part - 1)
        for turn in range(2):
            begin = part * (turn + 1)
            teach(rapport, records[begin : begin + part])
            wait(rapport, begin + part // 20)
            os.kill(rapport.workers[turn].pid, signal.SIGSTOP)
            try:
                wait(rapport, begin + part - 1)
            finally:
                os.kill(rapport.workers[turn].pid, signal.SIGCONT)
            time.sleep(3)  # it takes up what it was about to do
        teach(rapport, records[3 * part :])
        state = wait(rapport, len(records) - 1)
        rapport.stop_workers()

        expected = Learner(config)
        expected.take(records)
        assert_same(state, expected)
        told = [json.loads(record.value)["id"] for record in rapport.topic("alerts") if record.key == MODEL_NEWS]
        assert list(dict.fromkeys(told)) == [notice.id for notice in expected.told.notices]


def test_a_restarted_learner_shows_its_models_though_no_lesson_comes(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Dashboards need not wait for the next label, which a small shop may have to for days."""
    with running(make_settings(plan=PLAN, metrics_port=free_port()), tmp_path) as rapport:
        records: list[TrainingRecord] = [*world(0, 60, config=rapport.plan.churn)]
        teach(rapport, records)
        wait(rapport, len(records) - 1)
        rapport.stop_workers()
        rapport.start()
        deadline = time.monotonic() + 120
        while 'rapport_model_champion{model="rules"} 1.0' not in metrics(rapport):
            assert time.monotonic() < deadline, rapport.logs()
            time.sleep(0.2)
        assert 'rapport_model_quality{horizon="short",measure="rows",model="rules"} 60.0' in metrics(rapport)


def test_a_plan_that_discards_what_was_learned_is_announced_and_told(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """By the doctor before a worker starts with it; and once it has, with the time, where people look."""
    other = tmp_path / "plan.yaml"
    other.write_text(PLAN.read_text().replace("label_horizon: 2w", "label_horizon: 4w"))
    with running(make_settings(plan=PLAN), tmp_path) as rapport:
        records = world(0, 60, config=rapport.plan.churn)
        teach(rapport, records)
        before = wait(rapport, len(records) - 1)
        assert models_of(rapport.settings) == [("ok", f"learned from {len(records)} training records")]
        why = "the plan's churn.label_horizon is 4w, and was 2w"
        changed = rapport.settings.model_copy(update={"plan": other})
        assert models_of(changed)[0] == (
            "warning",
            f"{why}: a worker that starts with this plan discards everything that was learned "
            f"({len(records)} training records)",
        )
        rapport.stop_workers()
        rapport.settings = changed
        began = time.time()
        rapport.start()
        deadline = time.monotonic() + 120
        while (state := state_of(rapport)).version == before.version:
            assert time.monotonic() < deadline, rapport.logs()
            time.sleep(0.2)
        learner = Learner.from_parts(state.parts, load_plan(other).churn)
        text = f"learning began anew: {why}; {len(records)} training records are of no use any more"
        assert [(notice.kind, notice.text) for notice in learner.told.notices[-1:]] == [("anew", text)]
        assert began - 1 <= learner.promotion.changes[-1].at <= time.time()
        assert text in rapport.logs()
        [(verdict, message)] = models_of(changed)
        assert (verdict, text in message) == ("ok", True)
        assert message.startswith("learned from 0 training records")


def models_of(settings: Settings) -> list[tuple[str, str]]:
    """What the doctor says about them."""
    return [(found.verdict, found.message) for found in examine(settings) if found.what == "models"]


def metrics(rapport: Rapport) -> str:
    """What a worker tells Prometheus; nothing while it is starting."""
    try:
        return httpx.get(f"http://127.0.0.1:{rapport.settings.metrics_port}/metrics", trust_env=False).text
    except httpx.TransportError:
        return ""
