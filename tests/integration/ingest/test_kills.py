"""Whatever is killed, repeated or moved to another worker: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from profiles.store import Reader
from streams.kafka.outbox import MARKER
from streams.settings import Settings
from tests.integration.rapport import PLAN, Rapport, order, recently, running, totals

USERS = [f"user-{n}" for n in range(200)]


def history(count: int, seed: int) -> list[dict[str, Any]]:
    """Orders of many customers, a tenth of them sent twice, in an order of their own."""
    chance = random.Random(seed)
    events = [
        order(chance.choice(USERS), n, recently(n % 7000, 7000), chance.randrange(1, 9999) / 100) for n in range(count)
    ]
    events += chance.sample(events, count // 10)
    chance.shuffle(events)
    return events


def expected(events: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    """Orders and revenue of every customer, each event counted once."""
    orders: Counter[str] = Counter()
    revenue: Counter[str] = Counter()
    for event in {event["messageId"]: event for event in events}.values():
        orders[event["userId"]] += 1
        revenue[event["userId"]] += round(event["properties"]["revenue"] * 100)
    return {user: (orders[user], revenue[user]) for user in USERS}


def applied(count: int) -> Callable[[Reader], Any]:
    """Whether this many events have been applied."""

    async def ask(reader: Reader) -> bool:
        total = 0
        for user in USERS:
            profile = await reader.profile(await reader.resolve(("user_id", user)))
            total += profile.purchases.orders if profile else 0
        return total >= count

    return ask


def settle(rapport: Rapport, events: list[dict[str, Any]]) -> None:
    """Wait until all is applied, then see that it stays exactly that."""
    wanted = expected(events)
    rapport.until(applied(sum(orders for orders, _ in wanted.values())), "all orders")
    time.sleep(2)  # anything that counts twice would show now
    assert totals(rapport, USERS) == wanted


def test_workers_killed_in_mid_stream_lose_and_double_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Three SIGKILLs while 12,000 events flow, each time with a worker started in the dead one's place.

    It does not wait for the dead one's session, which would take three minutes more than this test may.
    """
    events = history(12_000, seed=1)
    with running(make_settings(plan=PLAN, batch=100, session_timeout=60.0), tmp_path) as rapport:
        for part in range(3):
            rapport.send("purchase", events[part * 4000 : (part + 1) * 4000])
            rapport.until(applied(2500 + part * 3200), "the worker to be in mid-stream")
            rapport.kill(part)
            rapport.start()
        rapport.send("purchase", events[12_000:])
        settle(rapport, events)
        newest = {record.key: record.value for record in rapport.topic("profile.changes") if record.key != MARKER}
        assert newest == {id_.encode(): document for id_, document in rapport.documents().items()}


def test_a_rebalance_between_two_workers_loses_and_doubles_nothing(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """A second worker joins while events flow, then the first is paused and comes back as a zombie.

    Until its session ends nobody could know by Kafka alone that it is gone; the second takes over long before.
    """
    events = history(12_000, seed=2)
    with running(make_settings(plan=PLAN, batch=50, session_timeout=60.0), tmp_path) as rapport:
        rapport.send("purchase", events[:4000])
        rapport.until(applied(500), "the first worker to be in mid-stream")
        rapport.start()
        rapport.send("purchase", events[4000:8000])
        rapport.until(applied(6000), "both to work")
        os.kill(rapport.workers[0].pid, signal.SIGSTOP)
        paused = time.monotonic()
        rapport.send("purchase", events[8000:])
        while not any(f"{rapport.settings.partitions} of them profiles'" in line for line in rapport.log_of(1)):
            assert time.monotonic() < paused + rapport.settings.session_timeout / 2, rapport.logs()
            time.sleep(0.1)
        rapport.until(applied(9000), "the second to go on by itself")
        os.kill(rapport.workers[0].pid, signal.SIGCONT)
        settle(rapport, events)
        taken_over = [line for line in rapport.log_of(1) if "partitions," in line and " reading 0 " not in line]
        assert taken_over, "the second worker never had a partition"
        assert "\x1b" not in rapport.logs(), "a library steers the terminal"
