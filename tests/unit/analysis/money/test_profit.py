"""What customers bring and cost, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analysis.money.profit import DECILES, PROFIT, Asked
from analysis.running import behind, run
from plan import parse_plan
from tests.analysed import archived, happened
from tests.histories import compare_lists
from tests.plans import BASE

SHOP = [
    happened("A", "purchase", "03-01", amount=10000, subject="1", cost=4000),
    happened("A", "ticket_opened", "03-02", subject="t1"), happened("A", "ticket_opened", "03-03", subject="t1"),
    happened("B", "purchase", "02-20", amount=3000, subject="2"),
    happened("B", "refund", "03-05", amount=3000, subject="2"),
    happened("B", "purchase", "03-06", amount=1000, subject="3"),
    happened("C", "contact_made", "03-06"), happened("C", "contact_made", "03-07"),
]  # fmt: skip
UNITS = {"ticket_cost": 500, "contact_cost": 100, "return_cost": 200, "shipping_cost": 300, "fee": 0.02}


def test_every_cost_on_its_own_day() -> None:
    engine = archived(SHOP, until="04-01")
    asked = Asked(since="2026-03-01", margin=0.4, **UNITS)
    [row] = run(PROFIT, engine, asked).rows
    figures = {
        "customers": 3, "revenue": 11000, "refunded": 3000, "goods": 4000 + 600, "shipping": 600, "fees": 220,
        "tickets": 500, "contacts": 200, "returns": 200, "known": 10000, "losing": 2,
    }  # fmt: skip
    assert {name: row[name] for name in figures} == figures
    assert row["profit"] == 11000 - 3000 - 4600 - 600 - 220 - 500 - 200 - 200
    assert row["known_share"] == pytest.approx(10 / 11)
    losing = behind(PROFIT, engine, asked, {"by": ""}, "losing").customers
    assert [(each["customer"], each["profit"]) for each in losing] == [("B", -3120), ("C", -200)]


def test_what_is_known_is_said() -> None:
    result = run(PROFIT, archived(SHOP, until="04-01"), Asked(since="2026-03-01"))
    assert "91 %" in " ".join(note.en for note in result.notes)
    unknown = run(PROFIT, archived(SHOP[3:], until="04-01"), Asked())
    assert "estimate" in " ".join(note.en for note in unknown.notes)


def test_by_product() -> None:
    """Two products of 60 and 40, of which one was paid back later; sending is of no product."""
    items = [{"product": "tea", "category": "drinks", "quantity": 1.0, "price": 6000, "cost": 2000},
             {"product": "mug", "category": "kitchen", "quantity": 2.0, "price": 2000, "cost": None}]  # fmt: skip
    shop = [
        happened("A", "purchase", "03-01", amount=10000, subject="1", items=items),
        happened("A", "refund", "04-01", amount=4000, subject="1", items=items[1:]),
        happened("B", "refund", "03-02", amount=700, subject="long ago"),
        happened("B", "ticket_opened", "03-02", subject="t", product="tea"),
    ]
    asked = Asked(since="2026-03-01", until="2026-04-01", by="product", **(UNITS | {"margin": 0.4}))
    result = run(PROFIT, archived(shop, until="04-03"), asked)
    rows = {row["by"]: row for row in result.rows}
    assert {name: (row["revenue"], row["refunded"], row["goods"]) for name, row in rows.items()} == {
        "tea": (6000, 0, 2000), "mug": (4000, 4000, 2400), "": (0, 700, 0),
    }  # fmt: skip
    assert rows["tea"]["profit"] == 6000 - 2000 - 120 - 500
    assert (rows[""]["shipping"], rows[""]["returns"]) == (300, 200)
    assert rows["mug"]["known"] == 0
    compare_lists(PROFIT, archived(shop, until="04-03"), asked, result.rows)


def test_by_segment_and_what_the_plan_says_that_things_cost() -> None:
    costs = "analyses: {costs: {ticket: 5, contact: {phone: 4, other: 0.5}, margins: {drinks: 0.75}, margin: 0.5}}"
    plan = parse_plan(BASE.replace("\nevents:", f"\n{costs}\nevents:", 1), "small.yaml", {})
    shop = [
        happened("A", "purchase", "03-01", amount=1000, subject="1", category="drinks"),
        happened("A", "purchase", "03-02", amount=1000, subject="2", category="else"),
        happened("A", "ticket_opened", "03-02", subject="t"),
        happened("A", "contact_made", "03-02", channel="phone"), happened("A", "contact_made", "03-02"),
        happened("B", "purchase", "03-02", amount=100, subject="3", cost=0),
    ]  # fmt: skip
    days = [{"customer": "A", "day": date(2026, 3, 1), "segments": ["big", "fan"]}]
    engine = archived(shop, until="04-03", plan=plan, profiles=days)
    rows = {row["by"]: row for row in run(PROFIT, engine, Asked(by="segment")).rows}
    assert rows["big"] | {"by": ""} == rows["fan"] | {"by": ""}
    big = rows["big"]
    assert [big[name] for name in ("goods", "tickets", "contacts")] == [250 + 500, 500, 450]
    assert rows[""]["profit"] == 100
    assert run(PROFIT, engine, Asked(contact_cost=1, ticket_cost=0)).rows[0]["contacts"] == 2


def test_tenths_of_customers() -> None:
    rows: list[dict[str, Any]] = [
        happened(f"c{number:02}", "purchase", "03-01", amount=100 * (23 - number), subject=f"{number}", cost=0)
        for number in range(21)
    ]
    rows += [happened("loser", "purchase", "03-01", amount=100, subject="l", cost=1100)]
    engine = archived(rows, until="04-01")
    result = run(DECILES, engine, Asked())
    assert [row["customers"] for row in result.rows] == [3, 3, 2, 2, 2, 2, 2, 2, 2, 2]
    assert result.rows[0]["profit"] == 2300 + 2200 + 2100
    total = sum(100 * (23 - number) for number in range(21)) - 1000
    assert sum(row["profit"] for row in result.rows) == total
    assert result.rows[-2]["cumulated"] > 1
    assert result.rows[-1]["cumulated"] == 1
    assert result.rows[-1]["losing"] == 1
    assert result.sentence is not None
    assert "4.5 % of 22" in result.sentence.en
    assert behind(DECILES, engine, Asked(), {"decile": 1}, "customers").total == 3


def test_fewer_than_ten_and_nobody() -> None:
    rows = [happened(f"c{number}", "purchase", "03-01", amount=100, subject=f"{number}") for number in range(3)]
    assert [row["decile"] for row in run(DECILES, archived(rows, until="04-01"), Asked()).rows] == [1, 2, 3]
    assert run(DECILES, archived([], until="04-01"), Asked()).rows == []
    back = [happened("A", "purchase", "03-01", amount=5, subject="1"),
            happened("A", "refund", "03-01", amount=5, subject="1")]  # fmt: skip
    [row] = run(DECILES, archived(back, until="04-01"), Asked()).rows
    assert (row["profit"], row["cumulated"]) == (0, None)
