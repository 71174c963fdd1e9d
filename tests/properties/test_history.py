"""A history gives the same customers, models and alerts, however fast each partition of it is read, and by whom."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from console.demo.simulate import simulate
from models.durations import DAY, WEEK
from plan import load_plan
from profiles.types import Profile
from tests import REPOSITORY
from tests.properties.history import Telling, Told, time_of
from tests.properties.history import told as told_by

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
START = 1_748_822_400.0  # a Monday
WEEKS = 20
NOW = START + (WEEKS + 1) * WEEK


@cache
def shop() -> Told:
    """Nine customers of the demo, some of whom leave and come back."""
    events: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in simulate(5, 9, START, START + WEEKS * WEEK):
        events[event.pop("source")].append(event)
    return events


@cache
def in_order() -> dict[str, Any]:
    """What comes of it in one partition, by one worker."""
    return outcome(told_by(PLAN, 0, 1, 1, shop(), DAY, NOW))


def outcome(telling: Telling) -> dict[str, Any]:
    """All that a history has come to, but for what names offsets."""

    async def models() -> tuple[Any, Any]:
        learner = await telling.stores.learner.load()
        findings = json.loads(await telling.stores.census.findings() or b"{}")
        return json.loads(learner.panel or b"{}"), findings

    panel, findings = asyncio.run(models())
    customers = {id_: profile.redirect or _customer(profile) for id_, profile in telling.everybody().items()}
    return {"customers": customers, "panel": panel, "findings": findings}


def _customer(profile: Profile) -> dict[str, Any]:
    return {
        "stage": (profile.stage, profile.stage_since),
        "stages": profile.stages,
        "segments": {name: stay.since for name, stay in profile.segments.items()},
        "alerts": {rule: (one.state, one.opened, one.changed, one.found) for rule, one in profile.alerts.items()},
        "case": (case := profile.case) and (case.id, case.kind, case.state, case.opened, case.changed, case.rules),
        "risk": profile.score.risk if profile.score else None,
        "snapshots": [(snapshot.at, snapshot.due, snapshot.full) for snapshot in profile.snapshots],
        "orders": (profile.purchases.orders, profile.purchases.last),
    }


def nearly(value: Any) -> Any:
    """The value, to be compared with floats as they are after another order of sums."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-6, abs=1e-9)
    if isinstance(value, dict):
        return {key: nearly(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(nearly(one) for one in value)
    return value


@settings(max_examples=5, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 10**6), partitions=st.integers(1, 4), workers=st.integers(1, 3), kills=st.booleans())
def test_speed_and_kills_change_nothing(seed: int, partitions: int, workers: int, kills: bool) -> None:
    """Stages with their times, segments, labels that wait, alerts, panel and findings are the same."""
    found = outcome(told_by(PLAN, seed, partitions, min(workers, partitions), shop(), DAY, NOW, kills=kills))

    expected = in_order()
    assert found["customers"] == nearly(expected["customers"])
    assert found["panel"] == nearly(expected["panel"])
    assert found["findings"] == nearly(expected["findings"])


def test_nobody_counts_as_gone_who_was_not() -> None:
    """Every "churned" is of a customer without an order for the whole horizon, and says so within a step of its end."""
    orders: defaultdict[str, list[float]] = defaultdict(list)
    for event in shop()["purchase"]:
        if event.get("event") == "Order Completed":
            orders[PLAN.home(("user_id", event["userId"]))].append(time_of(event))
    horizon = PLAN.churn.horizon
    customers = in_order()["customers"]
    gone = 0
    for id_, times in orders.items():
        customer = customers[id_]
        since = [at for stage, at in [*customer["stages"], customer["stage"]] if stage == "churned"]
        ends = [after for after, following in pairwise([*sorted(times), NOW]) if following - after >= horizon]
        assert len(since) == len(ends)
        assert all(0 <= at - (end + horizon) <= DAY for at, end in zip(since, ends, strict=True))
        gone += len(since)
    assert gone >= 3
