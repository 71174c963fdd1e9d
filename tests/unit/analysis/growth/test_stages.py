"""Stages at the ends of months, by hand, as the live stage has them, and in step with the base."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from analysis.growth.base import BASE
from analysis.growth.stages import STAGES_OF_THE_BASE
from analysis.parameters import Parameters
from analysis.running import run
from models.segments.lifecycle import Lifecycles
from plan import parse_plan
from profiles.types import Profile
from tests.analysed import archived, happened
from tests.histories import ZONE, compare_lists, engine_of, history, retold
from tests.plans import BASE as PLAN


def test_a_life_by_hand() -> None:
    shop = [happened("A", "visit", "2025-01-03")]
    shop += [happened("A", "purchase", when, subject=when) for when in ("2025-02-20", "2025-04-02", "2025-12-20")]
    shop += [happened("B", "contact_made", "2025-01-03")]  # nothing of their own doing
    engine = archived(shop, until="2026-03-10")
    rows = run(STAGES_OF_THE_BASE, engine, Parameters(since=date(2025, 1, 1))).rows
    stages = [row["stage"] for row in rows]
    assert stages == ["prospect", "new", *["active"] * 6, "active", "churned", "churned", "won_back", "won_back",
                      "active", "active"]  # fmt: skip
    assert [row["complete"] for row in rows][-2:] == [True, False]


def live(at: date, orders: dict[str, list[datetime]]) -> Counter[str]:
    """The stages of the stream at the end of a local day."""
    lifecycles = Lifecycles(parse_plan(PLAN, "small.yaml", {}).churn)
    now = datetime.combine(at + timedelta(days=1), time(), ZoneInfo(ZONE)).timestamp()
    found: Counter[str] = Counter()
    for customer, times in orders.items():
        profile = Profile(id=customer)
        for when in times:
            if when.timestamp() < now:
                tell(profile, when.timestamp())
        if profile.purchases.orders:
            found[lifecycles.stage(profile, now)] += 1
    return found


def tell(profile: Profile, when: float) -> None:
    bought = profile.purchases
    if not bought.orders:
        bought.first = when
    bought.orders += 1
    bought.last = when
    bought.recent = [*bought.recent, when]


def test_as_the_stream_has_them() -> None:
    orders: dict[str, list[datetime]] = {}
    for customer, _, row in history().of("purchase"):
        orders.setdefault(customer, []).append(row["time"].astimezone(UTC))
    engine = engine_of(retold(history()))
    asked = Parameters(since=date(2024, 9, 1))
    rows = run(STAGES_OF_THE_BASE, engine, asked).rows
    base = {row["period"]: row for row in run(BASE, engine, asked).rows}
    for period in base:
        found = Counter({row["stage"]: row["customers"] for row in rows if row["period"] == period})
        alive = sum(found[stage] for stage in ("new", "active", "loyal", "won_back"))
        assert alive == base[period]["closing"]
        if base[period]["complete"]:
            del found["prospect"]
            assert found == live((period + timedelta(days=40)).replace(day=1) - timedelta(days=1), orders), period
    compare_lists(STAGES_OF_THE_BASE, engine, asked, rows)
