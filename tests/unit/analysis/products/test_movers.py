"""What moves and what only seems to."""

from __future__ import annotations

from math import comb
from typing import Any

import pytest

from analysis.products.movers import MOVERS, Asked
from analysis.ratios import rate_ratio
from analysis.running import run
from tests.analysed import archived, happened


def sales(product: str, day: str, orders: int, quantity: float = 1.0) -> list[dict[str, Any]]:
    return [
        happened(f"{product} {number}", "purchase", day, amount=100, subject=f"{product} {day} {number}",
                 items=[{"product": product, "quantity": quantity}])
        for number in range(orders)
    ]  # fmt: skip


def moved(*rows: list[dict[str, Any]], **asked: Any) -> dict[str, dict[str, Any]]:
    first = happened("Z", "visit", "01-01")
    engine = archived([first, *(each for row in rows for each in row)], until="04-01")
    return {
        row["what"]: row
        for row in run(MOVERS, engine, Asked(**asked)).rows
    }  # fmt: skip


def test_up_down_the_same_few_launched_and_ended() -> None:
    found = moved(
        sales("up", "02-10", 10), sales("up", "03-20", 40), sales("same", "02-10", 20), sales("same", "03-20", 24),
        sales("bulk", "02-10", 3, 10), sales("bulk", "03-20", 5, 40), sales("few", "02-10", 3),
        sales("few", "03-20", 9), sales("new", "03-20", 50), sales("old", "02-10", 50),
    )  # fmt: skip
    assert {name: row["verdict"] for name, row in found.items()} == {
        "up": "up", "same": "same", "bulk": "same", "few": "few", "new": "launched", "old": "ended",
    }  # fmt: skip
    assert list(found)[:2] == ["new", "old"]  # by what they changed
    assert (found["up"]["low"], found["up"]["high"]) == rate_ratio(40, 10)[:2]
    assert found["up"]["change"] == 3000
    assert found["bulk"]["items_now"] == 200


def of_30(number: int, share: float) -> float:
    return comb(30, number) * share**number * (1 - share) ** (30 - number)


def test_the_exact_interval_of_two_counts() -> None:
    assert rate_ratio(0, 5)[0] == 0
    assert rate_ratio(5, 0)[1] == float("inf")
    low, high, p = rate_ratio(20, 10)
    assert sum(of_30(n, low / (1 + low)) for n in range(20, 31)) == pytest.approx(0.025)
    assert sum(of_30(n, high / (1 + high)) for n in range(21)) == pytest.approx(0.025)
    assert p == pytest.approx(2 * sum(of_30(n, 0.5) for n in range(20, 31)))


def test_short_periods_are_compared_with_the_same_weekdays() -> None:
    rows = [*sales("a", "03-24", 2), *sales("a", "03-17", 1), *sales("a", "03-22", 5)]
    found = moved(rows, since="2026-03-23", until="2026-03-26")["a"]
    assert (found["orders_now"], found["orders_before"]) == (2, 1)
