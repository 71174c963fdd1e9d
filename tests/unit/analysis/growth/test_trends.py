"""Events, customers and amounts over time and by part."""

from __future__ import annotations

from datetime import date

from analysis.growth.trends import TRENDS, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_orders_once_each_and_a_part_for_the_rest() -> None:
    shop = [happened("A", "purchase", "01-05", subject="a1", amount=1000, channel="web"),
            happened("A", "purchase", "01-05 13:00", subject="a1", amount=1000, channel="web"),
            happened("A", "refund", "02-05", subject="a1", amount=400),
            happened("B", "purchase", "01-07", subject="b1", amount=3000, channel="web"),
            happened("B", "purchase", "01-09", subject="b2", amount=100, channel="shop"),
            happened("C", "purchase", "02-09", subject="c1", amount=50, channel="phone")]  # fmt: skip
    engine = archived(shop, until="02-20")
    asked = Asked(role="purchase", by="channel", parts=1)
    rows = run(TRENDS, engine, asked).rows
    found = [tuple(row[name] for name in ("by", "events", "customers", "sum", "median", "complete")) for row in rows]
    assert found == [
        ("other", 1, 1, 100, 100, True),
        ("web", 2, 2, 3600, 1800, True),
        ("other", 1, 1, 50, 50, False),
    ]
    compare_lists(TRENDS, engine, asked, rows)
    [january, february] = run(TRENDS, engine, Asked(role="purchase")).rows
    assert (january["events"], january["customers"], january["sum"]) == (3, 2, 3700)
    assert january["each"] is None, "a mean of fewer than five customers"
    assert february["period"] == date(2026, 2, 1)
