"""How fast what is new is taken up, by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from analysis.products.new_products import NEW_PRODUCTS, Asked
from analysis.running import behind, run
from plan import load_plan
from tests.analysed import archived, happened
from tests.plans import BASE


def bought(customer: str, when: str, product: str = "new") -> dict[str, Any]:
    return happened(customer, "purchase", when, amount=100, subject=f"{customer} {when}", items=[{"product": product}])


SHOP = [
    bought("A", "01-01 12:00", "old"), bought("B", "01-01 12:00", "old"), bought("gone", "02-01", "old"),
    happened("C", "view", "03-01 12:00", product="new"),  # the launch
    bought("A", "03-02 13:00"), bought("A", "03-05"),  # after 25 hours
    happened("B", "visit", "03-09 12:00"), bought("D", "03-04 12:00", "old"), bought("D", "03-07 11:00"),  # 3 − 1 h
    happened("E", "visit", "03-10 12:00"),  # known for a day only
]  # fmt: skip


def test_those_who_came_lately_count_as_long_as_they_are_known() -> None:
    engine = archived(SHOP, until="03-11 12:00")
    rows = run(NEW_PRODUCTS, engine, Asked()).rows
    assert [(row["product"], row["age"], row["adopted"], row["at_risk"]) for row in rows] == [
        ("new", 1, 1, 5), ("new", 2, 1, 3),
    ]  # fmt: skip
    assert [row["share"] for row in rows] == pytest.approx([1 / 5, 1 - 4 / 5 * 2 / 3])
    assert rows[0]["low"] < 1 / 5 < rows[0]["high"]
    assert [row["customer"] for row in behind(
        NEW_PRODUCTS, engine, Asked(), {"product": "new", "age": 1}, "adopted").customers] == ["A"]  # fmt: skip
    views = run(NEW_PRODUCTS, engine, Asked(use="view")).rows
    assert [(row["age"], row["adopted"], row["at_risk"]) for row in views] == [(0, 1, 5)]


def test_the_catalogue_says_when_it_was_launched(tmp_path: Path) -> None:
    (tmp_path / "goods.csv").write_text("product_id,launched\nold,2026-01-20\nnew,2025-01-01\n")
    (tmp_path / "plan.yaml").write_text(BASE.replace("version: 1", "version: 1\ncatalogue: goods.csv", 1))
    engine = archived(SHOP, until="03-11 12:00", plan=load_plan(tmp_path / "plan.yaml", {}))
    asked = Asked(since=date(2026, 1, 10))
    assert {row["product"] for row in run(NEW_PRODUCTS, engine, asked).rows} == {"old"}


def test_early_and_late_from_a_hundred_buyers() -> None:
    rows = [
        bought("first", "01-01", "old"),
        *(bought(f"c{number:03}", f"03-{1 + number // 10:02}") for number in range(100)),
    ]
    rows += [happened(f"c{number:03}", "visit", "02-01") for number in range(100)]
    found = run(NEW_PRODUCTS, archived(rows, until="04-01"), Asked()).rows
    assert [row["group"] for row in found] == ["early", "early", *[""] * 6, "late", "late"]
    assert run(NEW_PRODUCTS, archived([], until="04-01"), Asked()).rows == []
