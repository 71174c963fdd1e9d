"""The breaker: a source that goes wrong is paused, the others go on, nothing is lost, and it is taken again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from profiles.store import Reader
from streams.kafka.topics import topic_name
from streams.settings import Settings
from tests.integration.operations.test_replay import end_of, plan_without_orders, run
from tests.integration.rapport import PATIENCE, PLAN, Rapport, order, recently, running, totals

HELD = "\nbreaker: {senders: 10, retry: 3600}\n"
"""So that what is paused stays so until the test says otherwise."""


def orders(user: str, count: int) -> list[dict[str, Any]]:
    """Orders that a plan without the order event rejects."""
    return [order(user, n, recently(n, count)) for n in range(count)]


def of_many(name: str, count: int) -> list[dict[str, Any]]:
    """As many orders, of fifty customers: one alone would stop nobody."""
    return [event for number in range(50) for event in orders(f"{name}-{number}", count // 50)]


def pages(user: str, count: int) -> list[dict[str, Any]]:
    """Page views, from another source."""
    page = {"type": "page", "name": "Home", "userId": user, "properties": {}, "timestamp": recently()}
    return [{**page, "messageId": f"{user}-page-{n}"} for n in range(count)]


def seen(user: str, source: str, count: int) -> Callable[[Reader], Any]:
    """Whether a customer has this many events of a source."""

    async def ask(reader: Reader) -> bool:
        profile = await reader.profile(await reader.resolve(("user_id", user)))
        return bool(profile and source in profile.activity and profile.activity[source].count >= count)

    return ask


def held(settings: Settings) -> dict[str, bool]:
    """Which sources are paused, as the command tells."""
    return {row["source"]: row["held"] for row in run(settings, "source", "list")}


def committed(settings: Settings, base: str) -> int:
    """How many records of a topic the workers have acknowledged."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, group_id=settings.worker_group, enable_auto_commit=False)
    try:
        name = topic_name(settings, base)
        partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return sum(consumer.committed(partition) or 0 for partition in partitions)
    finally:
        consumer.close()


def wait_until(condition: Callable[[], bool], rapport: Rapport, what: str, timeout: float = PATIENCE) -> None:
    """Wait, with the workers' logs if it does not come."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}\n{rapport.logs()}"
        time.sleep(0.3)


def test_a_source_gone_wrong_is_held_back_and_taken_again_with_a_mended_plan(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """Nothing is drained or acknowledged; the other source, a rebalance and a stop go on; in the end all counts."""
    users = [f"user-{n}" for n in range(80)]
    broken = plan_without_orders(tmp_path, HELD)
    with running(make_settings(plan=broken, batch=500), tmp_path, workers=2) as rapport:
        rapport.send("purchase", [event for user in users for event in orders(user, 50)])
        wait_until(lambda: held(rapport.settings)["purchase"], rapport, "the breaker")
        drained = end_of(rapport.settings, "events.rejected")
        assert drained < 2 * 200  # each worker needs 200 events to say so, and then none of their batch is taken

        rapport.send("web", pages("user-0", 2000))
        rapport.until(seen("user-0", "web", 2000), "the other source")
        rapport.kill(0)  # its partitions move to the other worker while the source is held
        rapport.send("web", pages("user-1", 300))
        rapport.until(seen("user-1", "web", 300), "the other source after a rebalance")
        assert held(rapport.settings)["purchase"]
        assert end_of(rapport.settings, "events.rejected") == drained
        assert committed(rapport.settings, "events.purchase") <= drained
        assert any("SOURCE purchase IS PAUSED" in line for line in [*rapport.log_of(0), *rapport.log_of(1)])

        rapport.stop_workers()  # a held source must not keep a worker from stopping
        rapport.settings = rapport.settings.model_copy(update={"plan": PLAN})
        rapport.start()
        wait_until(lambda: not held(rapport.settings)["purchase"], rapport, "the mended plan to be noticed")
        put_back = run(rapport.settings, "rejected", "replay")
        assert put_back["put_back"] == drained
        rapport.until(every_order(users, 4000), "all orders")
        time.sleep(2)
        assert totals(rapport, users) == dict.fromkeys(users, (50, 50_000))


def test_a_person_lets_a_held_source_go(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """What waits is rejected then, all of it; what comes later is watched again; the good events count."""
    with running(make_settings(plan=plan_without_orders(tmp_path, HELD), batch=300), tmp_path) as rapport:
        rapport.send("purchase", of_many("ada", 1500))
        wait_until(lambda: held(rapport.settings)["purchase"], rapport, "the breaker")
        assert end_of(rapport.settings, "events.rejected") < 200
        ready = run(rapport.settings, "doctor", status=1)
        assert any(finding["what"] == "source purchase" and finding["verdict"] == "error" for finding in ready)

        resumed = run(rapport.settings, "source", "resume", "purchase")
        assert (resumed["source"], resumed["held"]) == ("purchase", False)
        wait_until(lambda: end_of(rapport.settings, "events.rejected") == 1500, rapport, "what waited to be rejected")
        assert not held(rapport.settings)["purchase"]
        rejected = {json.loads(record.value)["offset"] for record in rapport.topic("events.rejected")}
        assert len(rejected) >= 1500 // rapport.settings.partitions

        time.sleep(1)
        rapport.send("purchase", of_many("bob", 1500))
        wait_until(lambda: held(rapport.settings)["purchase"], rapport, "the breaker to open again")
        assert end_of(rapport.settings, "events.rejected") < 2200


def every_order(users: list[str], count: int) -> Callable[[Reader], Any]:
    """Whether these customers have this many orders altogether."""

    async def ask(reader: Reader) -> bool:
        found = 0
        for user in users:
            profile = await reader.profile(await reader.resolve(("user_id", user)))
            found += profile.purchases.orders if profile else 0
        return found >= count

    return ask


def test_a_load_of_history_is_rejected_without_pausing_the_live_source(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """Every one of its events is in `events.rejected` under its id; live events are watched as if it were not there."""
    with running(make_settings(plan=plan_without_orders(tmp_path, HELD), batch=300), tmp_path) as rapport:
        rapport.send("purchase", of_many("ada", 3000), load="shop-1")
        wait_until(lambda: end_of(rapport.settings, "events.rejected") == 3000, rapport, "the load to be rejected")
        assert not held(rapport.settings)["purchase"]
        listed = run(rapport.settings, "rejected", "list", "--load", "shop-1", "--summary")
        assert [(row["reason"], row["events"]) for row in listed] == [("unplanned", 3000)]
        assert run(rapport.settings, "rejected", "list", "--load", "other") == []

        rapport.send("purchase", of_many("bob", 1500))
        wait_until(lambda: held(rapport.settings)["purchase"], rapport, "the breaker, which live events open")
        rapport.send("purchase", orders("eve", 100), load="shop-2")
        rapport.send("web", pages("eve", 10))
        rapport.until(seen("eve", "web", 10), "the other source")
        assert run(rapport.settings, "rejected", "list", "--load", "shop-2") == []
