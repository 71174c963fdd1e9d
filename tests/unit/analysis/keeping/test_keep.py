"""Whom to keep, by the rule."""

from __future__ import annotations

from analysis.keeping.keep import KEEP, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_the_rule_by_hand() -> None:
    shop = [happened(f"c{n}", "purchase", "2025-11-01", subject=f"{n}", amount=1000) for n in range(6)]
    shop += [
        happened("A", "purchase", "2025-10-01", subject="a1", amount=5000, traits='{"region": "north"}'),
        happened("A", "purchase", "2025-11-01", subject="a2", amount=5000, cost=4000),
        happened("B", "purchase", "2025-11-01", subject="b1", amount=90000),  # a single order
        happened("C", "purchase", "2025-03-01", subject="c1", amount=90000),
        happened("C", "purchase", "2025-03-02", subject="c2", amount=90000),  # lost
        happened("D", "purchase", "2024-03-02", subject="d", amount=90000),  # long ago
        happened("E", "purchase", "2025-11-02", subject="e1", amount=500),
        happened("E", "purchase", "2025-11-03", subject="e2", amount=500),
    ]
    engine = archived(shop, until="2025-12-01")
    asked = Asked(top=0.4)
    rows = run(KEEP, engine, asked).rows
    assert [(row["by"], row["customers"], row["margin"], row["at_risk"]) for row in rows] == [
        ("north", 1, 6000, None), ("", 1, 1000, None),
    ]  # fmt: skip
    compare_lists(KEEP, engine, asked, rows)
