"""Workers with different plans: nobody is moved by a rule that they do not share, until they share it."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from plan import agreement, load_plan
from plan.agreement import agree
from plan.fingerprint import fingerprint, rules_of
from profiles.store import Reader
from profiles.stores.connection import connect
from profiles.stores.setup import forget_plan, plans_in_use, show_plan
from profiles.units import PlansInUse
from streams.metrics import WorkerMetrics
from streams.plan_watch import PlanWatch
from streams.settings import Settings
from tests.integration.ingest.test_breaker import pages, seen, wait_until
from tests.integration.operations.test_replay import run
from tests.integration.rapport import PLAN, Rapport, order, recently, running

SEGMENT = "repeat_buyer"
RULE = f"name: {SEGMENT}\n    description: Ordered twice or more\n    when: {{count: purchase, at_least: 2}}"


def plan_with(directory: Path, version: int, orders: int) -> Path:
    """The shipped plan, but this many orders make a repeat buyer."""
    text = PLAN.read_text()
    assert text.count(RULE) == 1
    named = f"version: {load_plan(PLAN).version}\n"
    assert text.count(f"\n{named}") == 1
    file = directory / f"plan-{version}.yaml"
    changed = text.replace(RULE, RULE.replace("at_least: 2", f"at_least: {orders}"))
    file.write_text(changed.replace(f"\n{named}", f"\nversion: {version}\n"))
    return file


def changes(rapport: Rapport) -> list[tuple[str, str]]:
    """Who has entered and left the segment, as other systems hear of it: each id once."""
    told = [json.loads(record.value) for record in rapport.topic("segment.changes")]
    once = {each["id"]: each for each in told if each["segment"] == SEGMENT}
    return sorted((each["change"], each["profile"]) for each in once.values())


def test_workers_with_different_plans_send_nobody_to_and_fro(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """The second worker's plan, the older one, would throw everybody out: it does once it is the only one.

    While both are there `rapport doctor` and the log say so. That the newer one has a minute at most is in
    `tests/unit/plan/test_agreement.py`; here it may pass, since nobody moves by that plan.
    """
    users = [f"user-{number}" for number in range(16)]
    older, newer = plan_with(tmp_path, 101, 9), plan_with(tmp_path, 102, 2)
    with running(make_settings(plan=newer), tmp_path) as rapport:
        rapport.send("purchase", [order(user, n, recently(n, 2)) for user in users for n in range(2)])
        rapport.until(everybody_in(users), "everybody to have entered")
        entered = changes(rapport)
        assert [change for change, _ in entered] == ["entered"] * len(users)

        rapport.settings = rapport.settings.model_copy(update={"plan": older})
        rapport.start()
        wait_until(lambda: reads_profiles(rapport, 1), rapport, "the second worker to have partitions")
        rapport.send("web", [page for user in users for page in pages(user, 3)])
        for user in users:
            rapport.until(seen(user, "web", 3), "all pages")
        assert changes(rapport) == entered
        for worker in (0, 1):
            assert any("workers have different plans" in line and SEGMENT in line for line in rapport.log_of(worker))
        [finding] = [each for each in run(rapport.settings, "doctor") if each["what"] == "plans in use"]
        assert finding["verdict"] == "warning" or "goes ahead" in finding["message"]
        assert "version 102" in finding["message"]
        assert "version 101" in finding["message"]

        rapport.workers[0].send_signal(signal.SIGTERM)
        rapport.workers[0].wait(20)
        wait_until(lambda: says(rapport, 1, "same plan again"), rapport, "the plans to agree")
        rapport.send("web", [page | {"messageId": f"{page['messageId']}-2"} for u in users for page in pages(u, 1)])
        rapport.until(nobody_in(), "everybody to have left")
        assert changes(rapport) == sorted([*entered, *(("exited", who) for _, who in entered)])


def test_a_plan_is_shown_with_its_rules_and_forgotten_when_its_worker_ends(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """The first time it was in use stays, also for a worker that comes back with it."""
    plan, other = (load_plan(plan_with(tmp_path, version, 2 + version)) for version in (1, 2))
    mark = fingerprint(plan)

    async def story() -> tuple[PlansInUse, PlansInUse, PlansInUse, float]:
        client = connect(make_settings(kafka="127.0.0.1:9").redis.get_secret_value())
        try:
            began = await show_plan(client, "a", mark, rules_of(plan), decides=True, began=0)
            await show_plan(client, "b", fingerprint(other), rules_of(other), decides=False, began=0)
            both = await plans_in_use(client)
            await forget_plan(client, "a")
            one = await plans_in_use(client)
            await show_plan(client, "a", mark, rules_of(plan), decides=True, began=began)
            return both, one, await plans_in_use(client), began
        finally:
            await client.aclose()

    both, one, again, began = asyncio.run(story())
    assert (both.signs.keys(), one.signs.keys()) == ({"a", "b"}, {"b"})
    assert both.rules[mark].segments == rules_of(plan).segments
    assert agree(both).differ
    assert not both.signs["b"].decides
    assert again.rules[mark].first == both.rules[mark].first
    assert again.signs["a"].began == began <= again.signs["a"].seen
    assert abs(began - time.time()) < 300


def test_a_worker_tells_when_plans_begin_to_differ_that_they_still_do_and_that_they_agree(
    make_settings: Callable[..., Settings],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once each, in the log and in metrics. After the minute who has the newest plan holds nothing any more."""
    older, newer = (load_plan(plan_with(tmp_path, version, 2 + version)) for version in (1, 2))
    registry = CollectorRegistry()
    held: list[tuple[bool, bool]] = []

    async def story() -> None:
        client = connect(make_settings(kafka="127.0.0.1:9").redis.get_secret_value())
        old = PlanWatch(client, older, "old", WorkerMetrics(CollectorRegistry()), decides=True)
        new = PlanWatch(client, newer, "new", WorkerMetrics(registry), decides=True)
        try:
            for patience in (60.0, 60.0, -1.0, -1.0):
                monkeypatch.setattr(agreement, "PATIENCE", patience)
                await old.refresh()
                await new.refresh()
                held.append((SEGMENT in old().segments, SEGMENT in new().segments))
                assert bool(registry.get_sample_value("rapport_rules_held")) == held[-1][1]
            await old.leave()
            await new.refresh()
        finally:
            await client.aclose()

    asyncio.run(story())
    assert held == [(False, True), (True, True), (True, False), (True, False)]
    assert registry.get_sample_value("rapport_plans_differ_seconds") == 0
    told = [(record.levelname, record.message[:26]) for record in caplog.records if "plan" in record.message.lower()]
    assert told == [
        ("WARNING", "workers have different pla"),
        ("WARNING", "workers have different pla"),
        ("ERROR", "WORKERS STILL HAVE DIFFERE"),
        ("ERROR", "WORKERS STILL HAVE DIFFERE"),
        ("WARNING", "all workers have the same "),
    ]


def reads_profiles(rapport: Rapport, worker: int) -> bool:
    """Whether a worker has partitions of `profile.events`."""
    return any("of them profiles'" in line and ", 0 of them" not in line for line in rapport.log_of(worker))


def says(rapport: Rapport, worker: int, what: str) -> bool:
    """Whether a worker's log says so."""
    return any(what in line for line in rapport.log_of(worker))


def everybody_in(users: list[str]) -> Callable[[Reader], Awaitable[bool]]:
    """Whether all of them are in the segment."""
    return lambda reader: members(reader, len(users))


def nobody_in() -> Callable[[Reader], Awaitable[bool]]:
    """Whether the segment is empty."""
    return lambda reader: members(reader, 0)


async def members(reader: Reader, count: int) -> bool:
    """Whether the segment has so many."""
    return (await reader.segment_sizes()).get(SEGMENT, 0) == count
