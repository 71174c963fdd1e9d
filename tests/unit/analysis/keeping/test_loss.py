"""Who was lost, when, and the reasons they gave, by hand."""

from __future__ import annotations

from datetime import date

from analysis.keeping.loss import LOSS
from analysis.parameters import Parameters
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_reasons_by_hand() -> None:
    shop = [happened(name, "purchase", "2025-01-10", subject=name, amount=1000) for name in "ABCDEF"]
    shop += [
        happened("A", "complaint", "2025-01-20", reason="price"),
        happened("A", "complaint", "2025-02-20", reason="delivery"),
        happened("A", "complaint", "2025-02-21", reason="delivery"),
        happened("B", "ticket_opened", "2025-01-02", topic="delivery"),
        happened("C", "complaint", "2024-12-01", reason="price"),  # more than 28 days before the last order
        happened("F", "purchase", "2025-05-01", subject="f2", amount=500),
    ]
    engine = archived(shop, until="2025-08-15")
    asked = Parameters(since=date(2025, 1, 1))
    rows = run(LOSS, engine, asked).rows
    assert [(row["period"].month, row["reason"], row["lost"], row["share"], row["value"]) for row in rows] == [
        (7, "everybody", 5, 1.0, 5000),
        (7, "not known", 3, 0.6, 3000),
        (7, "delivery", 2, 0.4, 2000),
        (7, "price", 1, 0.2, 1000),
    ]
    assert rows[0]["once"] == 5
    compare_lists(LOSS, engine, asked, rows, most=3)
    assert run(LOSS, archived([], until="2025-08-15"), Parameters()).rows == []
