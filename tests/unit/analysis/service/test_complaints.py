"""Complaints and inquiries, by hand."""

from __future__ import annotations

from analysis.running import behind, run
from analysis.service.complaints import OPINION, Asked
from tests.analysed import archived, happened

TOLD = [
    happened("A", "ticket_opened", "03-01", subject="t1"),
    happened("A", "complaint", "03-01", subject="t1", topic="delivery", product="p1", agent="kim"),
    happened("A", "complaint", "03-02", subject="t1", topic="price", product="p1"),  # the same, told again
    happened("A", "ticket_solved", "03-03", subject="t1"),
    happened("B", "ticket_opened", "03-04", subject="t2"),
    happened("B", "complaint", "03-04", subject="t2", topic="delivery", product="p2"),
    happened("B", "ticket_solved", "03-05", subject="t2"), happened("B", "ticket_reopened", "03-06", subject="t2"),
    happened("C", "complaint", "03-04", topic="delivery"), happened("C", "complaint", "03-05", topic="delivery"),
    happened("C", "complaint", "04-05", topic="price", subject="p1"),  # about a product, no ticket
    happened("D", "inquiry", "03-05", topic="price", subject="t9"),
]  # fmt: skip


def test_about_what_and_what_became_of_it() -> None:
    engine = archived(TOLD, until="04-10")
    rows = run(OPINION, engine, Asked()).rows
    assert [(row["kind"], row["period"].month, row["by"], row["received"], row["customers"]) for row in rows] == [
        ("complaint", 3, "delivery", 4, 3), ("complaint", 4, "price", 1, 1), ("inquiry", 3, "price", 1, 1),
    ]  # fmt: skip
    first = rows[0]
    assert [first[name] for name in ("followed", "solved", "unsolved", "reopened")] == [2, 2, 1, 1]
    assert first["share"] is None  # of four
    assert [row["complete"] for row in rows] == [True, False, True]
    cell = {"kind": "complaint", "period": "2026-03-01", "by": "delivery"}
    assert [each["customer"] for each in behind(OPINION, engine, Asked(), cell, "unsolved").customers] == ["B"]


def test_by_product_and_agent() -> None:
    engine = archived(TOLD, until="04-10")
    march = [row for row in run(OPINION, engine, Asked(by="product")).rows if row["period"].month == 3]
    assert [(row["kind"], row["by"], row["received"]) for row in march] == [
        ("complaint", "", 2), ("complaint", "p1", 1), ("complaint", "p2", 1), ("inquiry", "", 1),
    ]  # fmt: skip
    agents = run(OPINION, engine, Asked(by="agent")).rows
    assert sum(row["received"] for row in agents if row["by"] == "kim") == 1


def test_shares_from_five_on_and_nobody() -> None:
    many = [happened(f"c{number}", "inquiry", "03-01", topic="price" if number else "delivery") for number in range(5)]
    rows = run(OPINION, archived(many, until="03-10"), Asked()).rows
    assert [(row["by"], row["share"]) for row in rows] == [("price", 0.8), ("delivery", 0.2)]
    assert run(OPINION, archived([], until="03-10"), Asked()).rows == []
