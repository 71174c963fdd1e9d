"""Segments at the ends of months, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from analysis.marketing.segments import SEGMENTS, Asked
from analysis.running import behind, run
from plan import parse_plan
from tests.analysed import archived, happened
from tests.plans import BASE

PEOPLE = [happened(name, "purchase", "01-02", subject=name) for name in "ABCDE"]
PLAN = parse_plan(
    BASE.replace("\nevents:", "\nanalyses: {smallest: 1}\nevents:", 1).replace(
        "\nalerts:",
        "\n  - {name: big, when: {sum: net, above: 5}}\n  - {name: fan, when: {stage: loyal}, basis: psychographic}"
        "\nalerts:",
    ),
    "small.yaml",
    {},
)


def was(customer: str, day: str, *segments: str, net: int = 100, risk: float | None = None) -> dict[str, Any]:
    return {"customer": customer, "day": date.fromisoformat(f"2026-{day}"), "segments": list(segments),
            "net_12m": net, "risk": risk}  # fmt: skip


DAYS = [
    was("A", "01-10", "big"), was("A", "02-10", "big", "fan", net=300, risk=0.2),
    was("B", "01-31", "big", risk=0.5), was("B", "02-03"), was("B", "02-27", "fan"),
    was("C", "02-05", "big"), was("C", "02-20"),  # came and went between two ends
    was("D", "01-05", "fan"), was("D", "02-28"),
    was("E", "01-05"),
]  # fmt: skip


def test_who_is_in_who_came_and_who_left() -> None:
    engine = archived(PEOPLE, until="2026-03-10 12:00", profiles=DAYS, plan=PLAN)
    rows = {(row["period"].month, row["segment"]): row for row in run(SEGMENTS, engine, Asked()).rows}
    figures = {key: (row["customers"], row["entered"], row["left"]) for key, row in rows.items()}
    assert figures == {
        (1, "big"): (2, None, None), (1, "fan"): (1, None, None),
        (2, "big"): (1, 0, 1), (2, "fan"): (2, 2, 1),
        (3, "big"): (1, 0, 0), (3, "fan"): (2, 0, 0),
    }  # fmt: skip
    fans = rows[2, "fan"]
    assert (fans["net"], fans["value"], fans["risk"]) == (400, 200, pytest.approx(0.2))
    assert fans["share"] == pytest.approx(2 / 5)
    assert (fans["basis"], rows[2, "big"]["basis"]) == ("psychographic", "value")
    assert [rows[month, "fan"]["complete"] for month in (2, 3)] == [True, False]
    left = behind(SEGMENTS, engine, Asked(), {"period": "2026-02-01", "segment": "big"}, "left")
    assert [each["customer"] for each in left.customers] == ["B"]


def test_one_sort_and_a_merge() -> None:
    engine = archived(PEOPLE, until="2026-03-10 12:00", profiles=DAYS, plan=PLAN, links={"B": "A"})
    rows = run(SEGMENTS, engine, Asked(basis="psychographic")).rows
    assert [(row["period"].month, row["segment"], row["customers"]) for row in rows] == [
        (1, "fan", 1), (2, "fan", 1), (3, "fan", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_ends_of_periods_are_those_of_their_last_days(interval: str) -> None:
    """Against plain Python: the newest row of each customer by the last day that is over."""
    engine = archived(PEOPLE, until="2026-03-10 12:00", profiles=DAYS, plan=PLAN)
    found = run(SEGMENTS, engine, Asked(since=date(2026, 1, 1), interval=interval)).rows
    figures = {(row["period"], row["segment"]): row["customers"] for row in found if row["customers"]}
    expected: dict[tuple[date, str], int] = {}
    start = engine.frame.start_of(date(2026, 1, 1), interval)
    while start <= date(2026, 3, 10):
        following = engine.frame.next(start, interval)
        last = min(following - timedelta(days=1), date(2026, 3, 9))
        for name in "ABCDE":
            rows = [row for row in DAYS if row["customer"] == name and row["day"] <= last]
            for segment in max(rows, key=lambda row: row["day"])["segments"] if rows else []:
                expected[start, segment] = expected.get((start, segment), 0) + 1
        start = following
    assert figures == expected


def test_a_trend_is_beyond_chance() -> None:
    many = [happened(f"m{number}", "purchase", "01-02", subject=f"{number}") for number in range(8)]
    days = [was(f"m{number}", "02-02", "big") for number in range(5)]
    grown = archived(many, until="2026-03-10 12:00", profiles=days, plan=PLAN)
    assert [row["trend"] for row in run(SEGMENTS, grown, Asked()).rows][:1] == [""]
    since = Asked(since=date(2026, 1, 1))
    rest = [was(f"m{number}", "01-03") for number in range(8)]
    first = [was("m7", "01-04", "big")]
    grown = archived(many, until="2026-03-10 12:00", profiles=[*rest, *first, *days], plan=PLAN)
    assert [row["trend"] for row in run(SEGMENTS, grown, since).rows] == ["", "up", "same"]


def test_nobody() -> None:
    assert run(SEGMENTS, archived([], until="02-28"), Asked()).rows == []
