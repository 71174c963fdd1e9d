"""What is bought together, by hand."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import pytest

from analysis.products.basket import BASKET, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened


def baskets(number: int, *products: str, first: int = 0, customer: str = "") -> list[dict[str, Any]]:
    return [
        happened(customer or f"c{first + each}", "purchase", "03-01", amount=100, subject=f"{first + each}",
                 items=[{"product": product} for product in products])
        for each in range(number)
    ]  # fmt: skip


SHOP = [
    *baskets(40, "bread", "butter", first=0), *baskets(60, "bread", first=100), *baskets(20, "butter", first=200),
    *baskets(80, "tea", first=300), *baskets(29, "tea", "honey", first=400),
    *baskets(3, *[f"p{number}" for number in range(51)], first=900), *baskets(1, first=990),
]  # fmt: skip


def test_support_confidence_and_lift() -> None:
    engine = archived(SHOP, until="04-01")
    [found] = run(BASKET, engine, Asked()).rows
    assert (found["a"], found["b"], found["baskets"], found["n_a"], found["n_b"], found["of"]) == (
        "bread", "butter", 40, 100, 60, 229,
    )  # fmt: skip
    lift = 40 * 229 / (100 * 60)
    assert found["lift"] == pytest.approx(lift)
    assert (found["support"], found["confidence"], found["confidence_back"]) == pytest.approx((40 / 229, 0.4, 2 / 3))
    assert found["leverage"] == pytest.approx(40 / 229 - 100 * 60 / 229**2)
    error = 1.959964 * sqrt(1 / 40 - 1 / 100 - 1 / 60 + (2 * lift - 1) / 229)
    assert (found["low"], found["high"]) == pytest.approx((exp(log(lift) - error), exp(log(lift) + error)))
    assert (found["large"], found["compared"]) == (3, 1)
    assert behind(BASKET, engine, Asked(), {"a": "bread", "b": "butter"}, "customers").total == 40


def test_pairs_from_thirty_and_beyond_chance() -> None:
    more = baskets(1, "tea", "honey", first=500)
    pairs = {(row["a"], row["b"]): row for row in run(BASKET, archived([*SHOP, *more], until="04-01"), Asked()).rows}
    assert set(pairs) == {("bread", "butter"), ("honey", "tea")}
    together = (
        baskets(30, "salt", "pepper", first=600) + baskets(60, "salt", first=700) + baskets(60, "pepper", first=800)
    )
    chance = run(BASKET, archived(together, until="04-01"), Asked()).rows
    assert chance == []
    [row] = run(BASKET, archived(together, until="04-01"), Asked(every=True)).rows
    assert row["lift"] < 1


def test_all_that_somebody_kept_as_one_basket() -> None:
    rows = [each for number in range(30) for each in (
        *baskets(1, "a", first=number * 10, customer=f"c{number}"),
        *baskets(1, "b", first=number * 10 + 1, customer=f"c{number}"),
    )]  # fmt: skip
    back = happened("c0", "refund", "03-02", amount=100, subject="1")
    asked = Asked(baskets="customer", every=True)
    assert run(BASKET, archived(rows, until="04-01"), Asked(every=True)).rows == []
    assert [row["baskets"] for row in run(BASKET, archived(rows, until="04-01"), asked).rows] == [30]
    assert run(BASKET, archived([*rows, back], until="04-01"), asked).rows == []
