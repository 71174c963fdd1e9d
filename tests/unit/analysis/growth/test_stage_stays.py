"""Stays in stages, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from analysis.growth.stage_stays import STAGE_STAYS
from analysis.parameters import Parameters
from analysis.running import behind, run
from plan import parse_plan
from tests.analysed import archived, happened
from tests.plans import BASE


def found(customer: str, *days: tuple[str, str]) -> list[dict[str, Any]]:
    """A customer's stages, each with the day (of 2026) from which on."""
    return [{"customer": customer, "day": date.fromisoformat(f"2026-{day}"), "stage": stage} for day, stage in days]


PEOPLE = [happened(name, "purchase", "01-02", subject=name) for name in "ABCDE"]
PLAN = parse_plan(BASE.replace("\nevents:", "\nanalyses: {smallest: 3}\nevents:", 1), "small.yaml", {})
DAYS = [
    *found("A", ("01-01", "new"), ("01-11", "active"), ("01-31", "churned")),  # active for 20 days
    *found("B", ("01-01", "new"), ("01-11", "active"), ("01-15", "active"), ("02-20", "churned")),  # for 40
    *found("C", ("01-11", "active")),  # since 01-11, until the last day that is over: 02-27, 47 days
    *found("D", ("01-11", "active"), ("01-13", "loyal")),  # for 2
    *found("nobody", ("01-11", "active"), ("01-12", "loyal")),
]


def test_who_is_still_there_counts() -> None:
    engine = archived(PEOPLE, until="2026-02-28 12:00", profiles=DAYS, plan=PLAN)
    rows = {row["stage"]: row for row in run(STAGE_STAYS, engine, Parameters()).rows}
    # "new" of A and B was under way when profiles by day begin; "nobody" did nothing of their own.
    assert list(rows) == ["active", "loyal", "churned"]
    active = rows["active"]
    assert (active["customers"], active["stays"], active["ended"], active["still"]) == (4, 4, 3, 1)
    # 2, 20, 40, 47+: half have left after 20 days.
    assert active["median"] == 20
    assert rows["churned"]["median"] is None  # of fewer than may be shown
    assert behind(STAGE_STAYS, engine, Parameters(), {"stage": "active"}, "still").customers[0]["customer"] == "C"


def test_only_stays_that_begin_in_the_period() -> None:
    engine = archived(PEOPLE, until="2026-02-28 12:00", profiles=DAYS, plan=PLAN)
    rows = run(STAGE_STAYS, engine, Parameters(since=date(2026, 1, 20))).rows
    assert [(row["stage"], row["stays"]) for row in rows] == [("churned", 2)]


def test_without_profiles_by_day_there_is_nothing() -> None:
    assert run(STAGE_STAYS, archived(PEOPLE, until="02-28"), Parameters()).rows == []
