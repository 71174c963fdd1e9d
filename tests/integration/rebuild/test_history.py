"""History that came late and in a wrong order: after a rebuild from the archive it is as if all had come in order."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.demo.simulate import monday_before, simulate, time_of
from models.population.findings import Findings
from models.population.snapshot import PopulationSnapshot
from profiles.clock import Load
from profiles.documents import decode_profile
from profiles.stores import open_stores
from profiles.stores.clock import RedisClockStore
from profiles.types import Profile
from streams.settings import Settings
from tests.integration.rapport import PLAN, Rapport, running
from tests.integration.rebuild.rebuilding import (
    archive,
    in_redis,
    make_live,
    rebuild,
    until_live,
    until_quiet,
)

pytestmark = [pytest.mark.usefixtures("apache_kafka"), pytest.mark.timeout(1200)]

WEEKS, CUSTOMERS = 8, 40


def history() -> list[dict[str, Any]]:
    """A small shop up to some hours ago, of customers who say who they are: whoever was two for a while is another."""
    now = time.time()
    events = []
    for event in simulate(5, CUSTOMERS, monday_before(now - WEEKS * 7 * 86400.0), now - 3 * 3600.0):
        if event.get("userId"):
            known = {name: value for name, value in event.items() if name not in ("anonymousId", "context")}
            if isinstance(traits := event.get("traits"), dict):
                known["traits"] = {name: value for name, value in traits.items() if name not in ("email", "phone")}
            events.append(known)
    return events


def of_risk(directory: Path) -> Path:
    """The plan with an alert that goes by the risk: where events come backwards, it opens for who has not left."""
    text = PLAN.read_text()
    lost = "    score: lost\n    threshold: 0.35\n    clear: 0.13\n"
    assert text.count(lost) == 1
    path = directory / "tracking_plan.yaml"
    path.write_text(text.replace(lost, "    threshold: 0.8\n    clear: 0.65\n"))
    return path


def send(rapport: Rapport, events: list[dict[str, Any]]) -> None:
    by_source: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_source[event["source"]].append({name: value for name, value in event.items() if name != "source"})
    for source, sent in by_source.items():
        rapport.send(source, sent)


def register(settings: Settings, rapport: Rapport, events: list[dict[str, Any]], sent: float) -> None:
    """Tell the clock of a load that has sent so much."""

    async def write() -> None:
        stores = open_stores(settings.redis.get_secret_value(), rapport.plan.namespace, settings.partitions)
        now = time.time()
        load = Load(
            id="load", name="shop.jsonl", since=time_of(events[0]), until=time_of(events[-1]), sent=sent, begun=now,
            seen=now, ended=now if sent == math.inf else 0.0,
        )  # fmt: skip
        await stores.clock.write_load(load)
        await stores.close()

    asyncio.run(write())


class Shown:
    """What an installation says of its customers, and of what it has learned."""

    def __init__(self, rapport: Rapport) -> None:
        self.profiles = {
            id_: profile
            for id_, document in rapport.documents().items()
            if not (profile := decode_profile(id_, document)).redirect
        }
        self.panel, self.counts, self.population = asyncio.run(self._learned(rapport))

    async def _learned(self, rapport: Rapport) -> tuple[bytes | None, Any, PopulationSnapshot | None]:
        settings = rapport.settings
        stores = open_stores(settings.redis.get_secret_value(), rapport.plan.namespace, settings.partitions)
        try:
            state = await stores.learner.load()
            head, findings = state.parts.get("head"), await stores.census.findings()
            population = Findings.from_json(findings).population if findings else None
            return state.panel, msgspec.json.decode(head)["counts"] if head else None, population
        finally:
            await stores.close()

    def timeless(self) -> dict[str, Any]:
        """What is a function of the events and their times."""
        return {id_: _timeless(profile) for id_, profile in self.profiles.items()}


_LAST_GATE = time.time() // 3600 * 3600


def _timeless(profile: Profile) -> dict[str, Any]:
    return {
        "stages": [*profile.stages, (profile.stage, profile.stage_since)],
        # The last look of a history is as of the wall clock, and another one in each run.
        "segments": {name: stay.since if stay.since < _LAST_GATE else None for name, stay in profile.segments.items()},
        "labels": [(held.at, held.due, held.full, held.segments) for held in profile.snapshots],
        "orders": profile.purchases.orders,
    }


def _alerts(profile: Profile) -> dict[str, tuple[str, float]]:
    return {rule: (alert.state, alert.opened) for rule, alert in profile.alerts.items()}


def test_late_history_is_as_if_it_had_come_in_order(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Stages with their times, segments, labels that wait, alerts, models; and nothing false is left open."""
    events, plan = history(), of_risk(tmp_path)
    settings = make_settings(plan=plan)
    inorder = Rapport(settings, tmp_path)
    register(settings, inorder, events, time_of(events[0]))
    inorder.start()
    try:
        send(inorder, events)
        register(settings, inorder, events, math.inf)
        until_live(inorder)
    finally:
        inorder.stop()
    expected = Shown(inorder)
    assert in_redis(settings, lambda client: RedisClockStore(client).late()) == {}

    in_redis(settings, lambda client: client.flushdb())
    late = make_settings(plan=plan, topic_prefix="late.", group="late", archive=str(tmp_path / "archive"))
    make_live(late)
    (tmp_path / "late").mkdir()
    with running(late, tmp_path / "late") as rapport:
        send(rapport, events[::-1])
        until_quiet(rapport, 180)
        archive(rapport)
        rapport.stop_workers()
        wrong = Shown(rapport)
        assert wrong.timeless() != expected.timeless()
        assert any(held.state == "open" for one in wrong.profiles.values() for held in one.alerts.values())
        told = len(rapport.topic("alerts"))
        summary = rebuild(late, "--from", "archive", "--replace", "--yes", "--wait")
        assert summary["warnings"] == []
        assert summary["learner"]
        assert len(rapport.topic("alerts")) == told
        rapport.start()
        until_live(rapport)
        until_quiet(rapport)
        rapport.stop_workers()
        found = Shown(rapport)
        assert rebuild(late, "--check")["same"]

    assert found.profiles.keys() == expected.profiles.keys()
    ours, theirs = found.timeless(), expected.timeless()
    differ = [
        (id_, name, value, theirs[id_][name])
        for id_, known in ours.items()
        for name, value in known.items()
        if value != theirs[id_][name]
    ]
    assert not differ, str(differ)
    assert found.counts == expected.counts
    assert found.panel == expected.panel
    assert found.population == expected.population
    for id_, profile in found.profiles.items():
        alerts = _alerts(profile)
        for rule, alert in _alerts(expected.profiles[id_]).items():
            assert alerts.pop(rule) == alert, (id_, rule)
        assert all(state == "cleared" for state, _ in alerts.values())  # told of late history, and told that it is over
