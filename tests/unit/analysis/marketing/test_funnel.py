"""The worked examples of the funnel, by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec import structs
from pydantic import ValidationError

from analysis.engines.duck import Duck
from analysis.marketing.funnel import FUNNEL, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened

FIGURES = ("entered", "converted", "dropped")


def did(customer: str, *steps: str, **facts: Any) -> list[dict[str, Any]]:
    """From `view 1 10:00` and so on: what was done on which day of March."""
    return [
        happened(customer, role, f"03-{int(day):02} {clock or '12:00'}", **facts)
        for role, day, clock in ([*step.split(), ""][:3] for step in steps)
    ]


A = did("A", "view 1 10:00", "cart 1 11:00", "view 3", "checkout 3 13:00", "purchase 9 10:00")
B = did("B", "purchase 1", "view 2", "cart 2 13:00", "purchase 3")
C = did("C", "view 1", "cart 2", "view 9 12:00", "cart 9 12:05", "checkout 9 12:06", "purchase 9 12:30")
D = did("D", "cart 4", "view 4")


def found(rows: Iterable[dict[str, Any]], known: str = "04-15", **asked: Any) -> list[dict[str, Any]]:
    return run(FUNNEL, engine(rows, known), Asked(**asked)).rows


def engine(rows: Iterable[dict[str, Any]], until: str = "04-15") -> Duck:
    made = archived(list(rows), until=until)
    made.frame = structs.replace(made.frame, smallest=1)
    return made


def test_everybody_once_by_their_best_attempt() -> None:
    rows = found([*A, *B, *C, *D])
    assert [row["converted"] for row in rows] == [4, 4, 2, 1]
    assert [row["of_start"] for row in rows] == [1, 1, 0.5, 0.25]
    assert (rows[3]["of_start_low"], rows[3]["of_start_high"]) == pytest.approx((0.046, 0.699), abs=5e-4)
    assert [row["dropped"] for row in rows] == [0, 0, 2, 1]
    assert [row["previous"] for row in rows] == [4, 4, 4, 2]
    assert rows[3]["seconds"] == 30 * 60  # of C, from the view that led to it
    assert [row["name"] for row in rows] == ["view", "cart", "checkout", "purchase"]


def test_a_step_that_may_be_left_out() -> None:
    rows = found(B, steps="view, cart, checkout?, purchase")
    assert [row["converted"] for row in rows] == [1, 1, 0, 1]
    assert [row["previous"] for row in rows] == [1, 1, 1, 1]
    assert [row["converted"] for row in found(B)] == [1, 1, 0, 0]


def test_those_whose_window_is_open_are_in_no_share() -> None:
    rows = [row for name in "PQRSTU" for row in did(name, "view 2")]
    rows += [row for name in "PQR" for row in did(name, "purchase 4")]
    rows += [row for name in "VWXY" for row in did(name, "view 5")] + did("V", "purchase 6")
    last = found(rows, "03-10 00:00", steps="view, purchase")[1]
    assert [last[name] for name in FIGURES] == [6, 3, 3]
    assert (last["of_start"], last["of_start_low"], last["of_start_high"]) == pytest.approx(
        (0.5, 0.188, 0.812), abs=5e-4
    )
    assert (last["open"], last["open_reached"]) == (4, 1)


def test_the_window_ends_with_its_last_microsecond() -> None:
    rows = [*did("A", "view 1 10:00", "purchase 8 10:00:00"), *did("B", "view 1 10:00", "purchase 8 10:00:00.000001")]
    assert found(rows, steps="view, purchase")[1]["converted"] == 1


def test_what_has_to_stay_the_same() -> None:
    rows = [
        happened("A", "view", "03-01", product="P1"), happened("A", "cart", "03-02", product="P2"),
        happened("A", "purchase", "03-03", items=[{"product": "P2", "quantity": 1.0}]),
        happened("B", "view", "03-01", product="P1"), happened("B", "cart", "03-02", product="P1"),
        happened("B", "purchase", "03-03", items=[{"product": "P2"}, {"product": "P1"}, {"product": "P1"}]),
    ]  # fmt: skip
    steps = "view, cart, purchase"
    assert [row["converted"] for row in found(rows, steps=steps)] == [2, 2, 2]
    assert [row["converted"] for row in found(rows, steps=steps, hold="product")] == [2, 1, 1]


def test_a_breakdown_is_of_the_first_step() -> None:
    rows = [
        happened("A", "visit", "03-01", utm_campaign="spring"), happened("A", "visit", "03-05", utm_campaign="autumn"),
        happened("A", "purchase", "03-06", utm_campaign="checkout"),
        happened("B", "visit", "03-01"), happened("B", "purchase", "03-02", utm_campaign="spring"),
    ]  # fmt: skip
    rows_ = found(rows, steps="visit, purchase", by="campaign")
    assert [(row["by"], row["step"], row["converted"]) for row in rows_] == [
        ("", 1, 1), ("", 2, 1), ("autumn", 1, 1), ("autumn", 2, 1),
    ]  # fmt: skip
    only = found(rows, steps="visit, purchase", campaign="spring")
    assert [row["converted"] for row in only] == [1, 1]


def test_some_events_of_a_role() -> None:
    rows = [
        happened("A", "view", "03-01", category="shoes"), happened("A", "view", "03-02", category="hats"),
        happened("B", "view", "03-02", category="hats"), happened("B", "view", "03-01", category="hats"),
    ]  # fmt: skip
    assert [row["converted"] for row in found(rows, steps="view[category=shoes], view")] == [1, 1]
    assert [row["converted"] for row in found(rows, steps="view[category=hats], view[category=hats]")] == [2, 1]


def test_an_event_is_never_two_steps() -> None:
    assert [row["converted"] for row in found(did("A", "view 1"), steps="view, view")] == [1, 0]
    assert [row["converted"] for row in found(did("A", "view 1", "view 1"), steps="view, view")] == [1, 1]


def test_the_period_is_of_the_first_step() -> None:
    rows = did("A", "view 10", "purchase 13") + did("B", "view 12", "purchase 13")
    asked = {"steps": "view, purchase", "since": "2026-03-05", "until": "2026-03-11"}
    assert [row["converted"] for row in found(rows, **asked)] == [1, 1]


def test_nobody_and_lists() -> None:
    assert found([]) == []
    shop = engine([*A, *B, *C, *D])
    assert behind(FUNNEL, shop, Asked(), {"by": "", "step": 3}, "converted").total == 2
    stayed = behind(FUNNEL, shop, Asked(), {"by": "", "step": 3}, "dropped")
    assert [row["customer"] for row in stayed.customers] == ["B", "D"]


@pytest.mark.parametrize("steps", ["view", "view, 2", "view?, cart", "view[amount=3], cart", "view[category], cart"])
def test_steps_that_are_none(steps: str) -> None:
    with pytest.raises(ValidationError):
        Asked(steps=steps)
