"""What follows a product, by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analysis.products.next_product import NEXT, Asked
from analysis.running import behind, run
from tests.analysed import archived, at, happened


def bought(customer: str, *orders: tuple[int, str]) -> list[dict[str, Any]]:
    """Orders on days of the year, each of products that a word lists by letters."""
    return [
        happened(customer, "purchase", at("01-01") + timedelta(days=day), amount=100, subject=f"{customer} {day}",
                 items=[{"product": product} for product in products])
        for day, products in orders
    ]  # fmt: skip


SHOP = [
    *[each for number in range(40) for each in bought(f"ab{number}", (0, "a"), (30, "b"))],
    *[each for number in range(40) for each in bought(f"a{number}", (0, "a"))],
    *[each for number in range(120) for each in bought(f"c{number}", (0, "c"), (30, "d"))],
    *bought("late", (0, "a"), (91, "b")), *bought("same", (0, "ab")), *bought("recent", (300, "a"), (310, "b")),
]  # fmt: skip


def test_what_follows_more_than_it_usually_does() -> None:
    engine = archived(SHOP, until="11-30")
    found = {(row["a"], row["b"]): row for row in run(NEXT, engine, Asked()).rows}
    assert set(found) == {("a", "b"), ("c", "d")}
    row = found["a", "b"]
    assert (row["customers"], row["of"]) == (40, 82)  # nobody's window is open among them
    # From half of the orders of 40 it follows, of 202 customers: `recent` began too lately.
    assert row["usual"] == pytest.approx(40 * 0.5 / 202)
    assert row["lift"] == pytest.approx((40 / 82) / (20 / 202))
    assert row["low"] < row["lift"] < row["high"]
    assert behind(NEXT, engine, Asked(), {"a": "a", "b": "b"}, "customers").total == 40


def test_later_and_nothing() -> None:
    assert {(row["a"], row["b"]) for row in run(NEXT, archived(SHOP, until="11-30"), Asked(days=20)).rows} == set()
    assert run(NEXT, archived([], until="11-30"), Asked()).rows == []
