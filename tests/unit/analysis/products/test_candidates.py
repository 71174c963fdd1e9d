"""Candidates for products, by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analysis.products.candidates import CANDIDATES, Asked
from analysis.running import behind, run
from plan import load_plan
from tests.analysed import archived, at, happened
from tests.plans import BASE


def bought(customer: str, *orders: tuple[int, str], amount: int = 1000, **facts: Any) -> list[dict[str, Any]]:
    """Orders on days of the year, each of one product."""
    return [
        happened(customer, "purchase", at("01-01") + timedelta(days=day), amount=amount, subject=f"{customer} {day}",
                 items=[{"product": product, "category": "all", "quantity": 1.0, "price": amount}], **facts)
        for day, product in orders
    ]  # fmt: skip


# b follows a: of 82 buyers of a 40 bought it within 30 days; others buy c, then d.
SHOP = [
    *[each for number in range(40) for each in bought(f"ab{number}", (150, "a"), (180, "b"))],
    *[each for number in range(40) for each in bought(f"a{number}", (150, "a"))],
    *[each for number in range(120) for each in bought(f"c{number}", (150, "c"), (180, "d"))],
    *bought("new", (290, "a")), *bought("gone", (1, "a")),
]  # fmt: skip


def test_who_owns_what_it_follows() -> None:
    engine = archived(SHOP, until="11-01")
    rows = {(row["product"], row["reason"]): row for row in run(CANDIDATES, engine, Asked()).rows}
    row = rows["b", "bought a"]
    # Who has b is none; "gone" has been away for the whole horizon (26 weeks).
    assert row["customers"] == 41
    assert row["chance_of_each"] == pytest.approx(40 / 81)  # "new" has not had 90 days
    assert row["expected"] == 41 * round(1000 * 40 / 81)
    names = behind(CANDIDATES, engine, Asked(), {"product": "b", "reason": "bought a"}, "customers").customers
    assert {each["customer"] for each in names} == {*(f"a{number}" for number in range(40)), "new"}


def test_who_may_not_be_asked() -> None:
    told = [
        happened("a0", "contact_made", "10-30"), happened("a0", "contact_made", "10-31"),
        happened("a1", "contact_made", "10-31"), happened("a1", "contact_made", "10-01"),
        happened("a2", "consent", "10-30", traits='{"consent.outreach": false}'),
        happened("a3", "refund", "06-20", subject="a3 150", amount=1000),
    ]  # fmt: skip
    engine = archived([*SHOP, *told], until="11-01")
    cell = {"product": "b", "reason": "bought a"}
    names = {each["customer"] for each in behind(CANDIDATES, engine, Asked(), cell, "customers").customers}
    assert names == {*(f"a{number}" for number in range(40)), "new"} - {"a0", "a2", "a3"}
    assert behind(CANDIDATES, engine, Asked(contacts=1), cell, "customers").total == len(names) - 1


def test_who_is_due_again_by_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "goods.csv").write_text("product_id,cost,cycle_days\nsoap,6.00,50\n")
    told = "version: 1\nanalyses: {smallest: 1}\ncatalogue: goods.csv"
    (tmp_path / "plan.yaml").write_text(BASE.replace("version: 1", told, 1))
    plan = load_plan(tmp_path / "plan.yaml", {})
    rows = [*bought("often", (200, "soap"), (250, "soap")), *bought("once", (240, "soap"))]
    rows += bought("late", (280, "soap"))
    engine = archived(rows, until="10-20", plan=plan)  # day 292: 42, 52 and 12 days ago; 40 is four fifths of 50
    [row] = run(CANDIDATES, engine, Asked()).rows
    assert (row["product"], row["reason"], row["customers"]) == ("soap", "due again", 2)
    # One of four purchase days was followed by another; each brings 10.00 less the 6.00 of the catalogue.
    assert (row["chance_of_each"], row["expected"]) == (0.25, 200)


def test_who_keeps_buying_one_tier_is_offered_the_next_unless_they_pay_late(tmp_path: Path) -> None:
    goods = (
        "product_id,category,price,cost,tier\nbasic,all,10,6,1\nplus,all,20,8,2\ngrand,all,30,9,2\nmost,all,90,9,3\n"
    )
    (tmp_path / "goods.csv").write_text(goods)
    told = "version: 1\nanalyses: {smallest: 1}\ncatalogue: goods.csv"
    (tmp_path / "plan.yaml").write_text(BASE.replace("version: 1", told, 1))
    plan = load_plan(tmp_path / "plan.yaml", {})
    again = (200, "basic"), (250, "basic")
    rows = [
        *[each for name in ("went", "on") for each in bought(name, *again, (260, "plus"), amount=2000)],
        *[each for name in ("one", "late", "prompt", "early") for each in bought(name, *again)],
        *bought("seldom", (250, "basic")), *bought("above", (100, "plus"), *again),
        *bought("top", *again, (255, "most")),
    ]  # fmt: skip
    for name, days in (("late", 12), ("prompt", 10)):
        rows += [
            happened(name, "invoice", "06-01", subject=f"i-{name}", ends=at("06-11"), amount=900),
            happened(name, "payment", at("06-01") + timedelta(days=days), subject=f"i-{name}", amount=900),
        ]
    rows.append(happened("early", "invoice", "10-15", subject="i-early", ends=at("12-24"), amount=900))
    engine = archived(rows, until="10-20", plan=plan)
    [row] = [row for row in run(CANDIDATES, engine, Asked()).rows if row["reason"] == "better all"]
    # Of "went", "on", "top", "one", "late", "prompt" and "early" three went on; what is cheapest of the next tier
    # brought 20.00 twice and 10.00 once, less the 8.00 of the catalogue.
    assert (row["product"], row["customers"]) == ("plus", 3)
    assert row["chance_of_each"] == pytest.approx(3 / 7)
    assert row["expected"] == 3 * round((5000 / 3 - 800) * 3 / 7)
    cell = {"product": "plus", "reason": "better all"}
    names = behind(CANDIDATES, engine, Asked(), cell, "customers").customers
    assert {each["customer"] for each in names} == {"one", "prompt", "early"}
    rows = run(CANDIDATES, engine, Asked(level="category")).rows
    assert [row for row in rows if row["reason"].startswith("better")] == []


def test_nobody_and_all_paid_back() -> None:
    assert run(CANDIDATES, archived([], until="11-01"), Asked()).rows == []
    back = [happened(row["home"], "refund", row["time"] + timedelta(days=1), amount=1000, subject=row["subject"])
            for row in SHOP]  # fmt: skip
    assert run(CANDIDATES, archived([*SHOP, *back], until="11-01"), Asked()).rows == []
