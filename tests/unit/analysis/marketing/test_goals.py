"""Segments against their goals, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analysis.marketing.goals import GOALS
from analysis.parameters import Parameters
from analysis.running import behind, run
from plan import Plan, parse_plan
from tests.analysed import archived, happened
from tests.plans import BASE


def planned(*goals: str) -> Plan:
    told = "".join(f"\n    - {goal}" for goal in goals)
    text = BASE.replace("\nevents:", f"\nanalyses:\n  smallest: 2\n  goals:{told}\nevents:", 1)
    return parse_plan(text, "small.yaml", {})


def was(customer: str, day: str, *segments: str, **facts: Any) -> dict[str, Any]:
    return {"customer": customer, "day": date.fromisoformat(day), "segments": list(segments), **facts}


PEOPLE = [happened(f"c{number}", "purchase", "2025-01-02", subject=f"{number}") for number in range(20)]
# A quarter before yesterday, 2025-12-10, two of 20 were Dutch; now five are.
DAYS = [was(f"c{number}", "2025-01-03", *(["dutch"] if number < 2 else [])) for number in range(20)]
DAYS += [was(f"c{number}", "2026-02-01", "dutch", net_12m=10_000 * (number + 1), risk=0.5) for number in range(5)]


def test_reached_on_the_way_off_and_missed() -> None:
    plan = planned(
        "{segment: dutch, measure: customers, target: 8, by: 2026-06-12}",  # +3 in 91 days: 8.07 by then
        "{segment: dutch, measure: share, target: 0.9, by: 2026-04-01}",
        "{segment: dutch, measure: value, target: 250, by: 2026-01-31}",  # 300 each
        "{segment: dutch, measure: risk, target: 0.1, by: 2026-03-01, at_most: true}",
    )
    engine = archived(PEOPLE, until="2026-03-12 12:00", profiles=DAYS, plan=plan)
    result = run(GOALS, engine, Parameters())
    rows = {row["measure"]: row for row in result.rows}
    assert {name: (row["figure"], row["state"]) for name, row in rows.items()} == {
        "customers": (5, "on the way"), "share": (25, "off"), "value": (300, "reached"), "risk": (50, "missed"),
    }  # fmt: skip
    assert rows["customers"]["earlier"] == 2
    assert rows["customers"]["projected"] == pytest.approx(5 + 3 * 93 / 91)
    ends = [rows["share"][name] for name in ("low", "high")]
    assert ends == [pytest.approx(11.2, abs=0.1), pytest.approx(46.9, abs=0.1)]
    # 300 ± 1.96 · 158.11 / √5
    assert rows["value"]["low"] == pytest.approx(300 - 138.59, abs=0.05)
    assert result.sentence is not None
    assert result.sentence.en == "Of 4 goals 1 are reached, 1 on the way."
    found = behind(GOALS, engine, Parameters(), {"goal": "dutch: share"}, "earlier_customers").customers
    assert [each["customer"] for each in found] == ["c0", "c1"]


def test_no_goals_and_nobody() -> None:
    engine = archived(PEOPLE, until="2026-03-12", profiles=DAYS)
    assert run(GOALS, engine, Parameters()).rows == []
    plan = planned("{segment: dutch, target: 5, by: 2026-06-12}")
    assert run(GOALS, archived([], until="2026-03-12", plan=plan), Parameters()).rows == []


def test_fewer_than_may_be_shown() -> None:
    plan = planned("{segment: dutch, measure: risk, target: 0.4, by: 2026-06-12, at_most: true}")
    engine = archived(PEOPLE[:1], until="2026-03-12", profiles=[was("c0", "2026-02-01", "dutch", risk=0.3)], plan=plan)
    [row] = run(GOALS, engine, Parameters()).rows
    assert (row["figure"], row["state"]) == (None, "")


def test_a_line_leads_from_the_start_to_the_target() -> None:
    """At the end of 2026-02-01 five of 20 are Dutch; half the way to 2026-04-12 is 2026-03-08."""
    plan = planned(
        "{segment: dutch, target: 15, since: 2026-02-01, by: 2026-04-12}",
        "{segment: dutch, measure: share, target: 0.4, since: 2026-02-01, by: 2026-04-12}",
        "{segment: dutch, measure: value, target: 500, since: 2026-03-09, by: 2026-04-12}",
        "{segment: dutch, measure: risk, target: 0.1, since: 2026-02-01, by: 2026-04-12, at_most: true}",
    )
    more = [was(f"c{number}", "2026-03-01", "dutch", net_12m=100, risk=0.3) for number in range(5, 9)]
    engine = archived(PEOPLE, until="2026-03-09", profiles=DAYS + more, plan=plan)
    rows = {row["measure"]: row for row in run(GOALS, engine, Parameters()).rows}
    told = {name: (row["start"], row["line"], row["figure"], row["state"]) for name, row in rows.items()}
    assert told["customers"] == (5, 10, 9, "off")
    # 45 % of all against 32.5 % on the line.
    assert told["share"] == (25, pytest.approx(32.5), 45, "reached")
    assert told["value"][:2] == (None, None)
    assert told["value"][3] == "not begun"
    # (5 · 0.5 + 4 · 0.3) / 9 = 41 %, and with its interval 33.4 %; the line is at 30 %.
    assert told["risk"] == (50, pytest.approx(30), pytest.approx(100 * 3.7 / 9), "off")
    assert rows["customers"]["since_day"] == date(2026, 2, 1)
    found = behind(GOALS, engine, Parameters(), {"goal": "dutch: customers"}, "start_customers")
    assert [each["customer"] for each in found.customers] == [f"c{number}" for number in range(5)]


def test_the_interval_may_hold_the_line() -> None:
    plan = planned("{segment: dutch, measure: share, target: 0.6, since: 2026-02-01, by: 2026-04-12}")
    more = [was(f"c{number}", "2026-03-01", "dutch") for number in range(5, 8)]
    engine = archived(PEOPLE, until="2026-03-09", profiles=DAYS + more, plan=plan)
    [row] = run(GOALS, engine, Parameters()).rows
    assert (row["line"], row["figure"], row["state"]) == (pytest.approx(42.5), 40, "on the way")


def test_a_line_begins_where_profiles_are_first_known() -> None:
    """On the day on which a history is loaded nothing is over: what is known of that day counts."""
    plan = planned("{segment: dutch, measure: share, target: 0.5, since: 2026-01-01, by: 2026-12-31}")
    days = [was(f"c{number}", "2026-03-09", *(["dutch"] if number < 5 else [])) for number in range(20)]
    [row] = run(GOALS, archived(PEOPLE, until="2026-03-09", profiles=days, plan=plan), Parameters()).rows
    assert (row["start"], row["line"], row["figure"], row["since_day"]) == (25, 25, 25, date(2026, 3, 9))
    assert row["state"] == "on the way"
