"""Rejected events put back after the plan was mended: each counts once, run twice or killed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from console.local.process import Process
from profiles.store import Reader
from streams.kafka.topics import topic_name
from streams.settings import Settings
from tests.integration.rapport import PLAN, REPOSITORY, Rapport, environment, order, running, totals

PLANNED = "  - name: Order Completed\n"
MISNAMED = "  - name: Order Shipped Twice\n"


NEVER_NOTED = """
import asyncio

from plan import load_plan
from streams.dead_letters.candidates import Chosen
from streams.dead_letters.rejections import Rejections, Wanted
from streams.dead_letters.replay import Replay
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.settings import Settings


class Noting:
    def __init__(self, producer):
        self.producer = producer

    async def produce(self, rows):
        await self.producer.produce([row for row in rows if row.key != b"replay" or b'"began":{"' in row.value])


async def main():
    settings = Settings()
    plan, log = load_plan(settings.plan), KafkaLog(settings)
    chosen = Chosen(Rejections(log, settings), settings, plan, Wanted())
    await Replay(log, Noting(BatchProducer(settings, once=True)), settings, plan, chunk=20).run(chosen)


asyncio.run(main())
"""
"""A replay that notes where it began, and never what it has put back, so that a kill always comes before the note."""


def plan_without_orders(directory: Path, more: str = "") -> Path:
    """A plan that forgot the order event: it is what gets mended."""
    text = PLAN.read_text()
    assert text.count(PLANNED) == 1
    file = directory / "broken.yaml"
    file.write_text(text.replace(PLANNED, MISNAMED) + more)
    return file


def console(settings: Settings, plan: Path) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a command line with these settings and this plan."""
    env = {**os.environ, **environment(settings), "RAPPORT_PLAN": str(plan), "PYTHONPATH": str(REPOSITORY)}
    return [sys.executable, "-P", "-m", "console"], env


def run(settings: Settings, *arguments: str, plan: Path = PLAN, status: int = 0, as_json: bool = True) -> Any:
    """What a command answers, in JSON if it can."""
    command, env = console(settings, plan)
    told = [*command, *arguments, *(["--json"] if as_json else [])]
    done = subprocess.run(told, env=env, capture_output=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr.decode()
    return json.loads(done.stdout) if as_json else done.stdout.decode()


@pytest.fixture
def rapport(make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path) -> Iterator[Rapport]:
    """A worker with the broken plan. A profile remembers only 16 ids, so that counting once cannot lean on that."""
    broken = plan_without_orders(tmp_path, "\nbreaker: off\n")
    with running(make_settings(plan=broken, batch=200, seen=16), tmp_path) as running_one:
        yield running_one


def mend(rapport: Rapport) -> None:
    """Start the worker again with the whole plan."""
    rapport.stop_workers()
    rapport.settings = rapport.settings.model_copy(update={"plan": PLAN})
    rapport.start()


def rejected(rapport: Rapport, count: int, timeout: float = 180) -> None:
    """Wait until this many events are in events.rejected."""
    deadline = time.monotonic() + timeout
    while end_of(rapport.settings, "events.rejected") < count:
        assert time.monotonic() < deadline, rapport.logs()
        time.sleep(0.3)


def end_of(settings: Settings, base: str) -> int:
    """How many records a topic has ever held."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False)
    try:
        name = topic_name(settings, base)
        partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return sum(consumer.end_offsets(partitions).values())
    finally:
        consumer.close()


def orders_of(users: Sequence[str], count: int) -> Callable[[Reader], Any]:
    """Whether these customers have this many orders altogether."""

    async def ask(reader: Reader) -> bool:
        found = 0
        for user in users:
            profile = await reader.profile(await reader.resolve(("user_id", user)))
            found += profile.purchases.orders if profile else 0
        return found >= count

    return ask


def test_rejected_events_count_once_after_the_plan_is_mended(rapport: Rapport) -> None:
    """With messageId and without; listed, dry run, put back, run again; what the plan still rejects stays."""
    then = datetime.now(UTC) - timedelta(days=1)
    events: list[Any] = [order("ada", n, (then + timedelta(minutes=n)).isoformat()) for n in range(40)]
    nameless = [{**order("bob", n, then.isoformat()), "messageId": None, "timestamp": None} for n in range(3)]
    rapport.send("purchase", [*events, *nameless, b"no json"])
    rejected(rapport, 44)

    listed = run(rapport.settings, "rejected", "list", "--source", "purchase", "--limit", "100")
    assert len(listed) == 44
    assert {row["reason"] for row in listed} == {"unplanned", "invalid_json"}
    summary = run(rapport.settings, "rejected", "list", "--summary", "--name", "Order Completed")
    assert summary == [{"source": "purchase", "event": "Order Completed", "reason": "unplanned", "events": 43}]
    assert run(rapport.settings, "rejected", "replay", "--dry-run", plan=rapport.settings.plan)["passing"] == []
    dry = run(rapport.settings, "rejected", "replay", "--dry-run")
    assert dry["passing"] == [{"source": "purchase", "event": "Order Completed", "events": 43}]
    assert end_of(rapport.settings, "events.rejected") == 44

    sent = time.time()
    mend(rapport)
    first = run(rapport.settings, "rejected", "replay")
    assert (first["put_back"], first["failing"]) == (
        43, [{"source": "purchase", "reason": "invalid_json", "events": 1}]
    )  # fmt: skip
    rapport.until(orders_of(["ada", "bob"], 43), "the replayed orders")
    second = run(rapport.settings, "rejected", "replay")
    assert (second["put_back"], second["put_back_before"]) == (0, 43)
    third = run(rapport.settings, "replay", "--source", "purchase")
    assert (third["put_back"], third["put_back_before"]) == (0, 43)
    time.sleep(2)  # anything that counts twice would show now
    assert totals(rapport, ["ada", "bob"]) == {"ada": (40, 40_000), "bob": (3, 3_000)}

    async def bob(reader: Reader) -> Any:
        return await reader.profile(await reader.resolve(("user_id", "bob")))

    assert rapport.read(bob).purchases.last < sent  # when Kafka first had it, not when it was put back
    assert [row["reason"] for row in run(rapport.settings, "rejected", "list")] == ["invalid_json"]
    assert len(run(rapport.settings, "rejected", "list", "--all", "--limit", "100")) == 44


def test_a_replay_that_is_killed_goes_on_where_it_was(rapport: Rapport, tmp_path: Path) -> None:
    """SIGKILL in the middle, between putting events back and noting it; the next run puts back exactly the rest."""
    then = datetime.now(UTC) - timedelta(days=30)
    users = ["cleo", "dora"]
    events = [order(users[n % 2], n, (then + timedelta(minutes=n)).isoformat()) for n in range(3000)]
    rapport.send("purchase", events)
    rejected(rapport, 3000)
    mend(rapport)

    _, env = console(rapport.settings, PLAN)
    killed = Process("replay", [sys.executable, "-c", NEVER_NOTED], tmp_path / "replay.log", env=env)
    killed.start()
    deadline = time.monotonic() + 90
    while end_of(rapport.settings, "events.purchase") < 3000 + 400:  # it stands still while we look
        assert killed.alive, killed.tail()
        assert time.monotonic() < deadline, killed.tail()
        killed.resume()
        time.sleep(0.03)
        killed.pause()
    killed.kill()
    put_back = end_of(rapport.settings, "events.purchase") - 3000
    assert 0 < put_back < 3000, "the replay was not in the middle"

    result = run(rapport.settings, "rejected", "replay")
    assert result["put_back"] == 3000 - put_back
    assert result["put_back_before"] == put_back
    rapport.until(orders_of(users, 3000), "all orders", timeout=120)
    time.sleep(2)
    assert totals(rapport, users) == dict.fromkeys(users, (1500, 1_500_000))
    assert run(rapport.settings, "rejected", "replay")["put_back"] == 0


def test_a_period_is_taken_through_a_mended_plan(rapport: Rapport, tmp_path: Path) -> None:
    """The dry run tells then from now by event; only what was rejected then is put back, and counts once."""
    then = datetime.now(UTC) - timedelta(days=1)
    orders = [order("eva", n, (then + timedelta(minutes=n)).isoformat()) for n in range(20)]
    refund = {
        "type": "track",
        "event": "Order Refunded",
        "userId": "eva",
        "messageId": "r",
        "timestamp": then.isoformat(),
    }
    rapport.send("purchase", [*orders, {**refund, "properties": {"order_id": "1", "total": 5.0, "currency": "EUR"}}])
    rejected(rapport, 20)
    time.sleep(3)  # the offsets of what is done are committed every second

    dry = run(rapport.settings, "replay", "--source", "purchase", "--since", "1h", "--dry-run")
    assert dry["then"]["Order Completed"] == {"rejected": 20}
    assert sum(dry["now"]["Order Completed"].values()) == 20
    assert "rejected" not in dry["now"]["Order Completed"]
    assert dry["passing"] == 20
    assert "rejected" not in dry["then"]["Order Refunded"]

    mend(rapport)
    assert run(rapport.settings, "replay", "--source", "purchase")["put_back"] == 20
    rapport.until(orders_of(["eva"], 20), "the orders of the period")
    assert run(rapport.settings, "replay", "--source", "purchase")["put_back"] == 0
    assert run(rapport.settings, "rejected", "replay")["put_back"] == 0
    time.sleep(2)
    assert totals(rapport, ["eva"])["eva"][0] == 20
