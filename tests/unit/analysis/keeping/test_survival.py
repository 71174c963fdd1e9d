"""How long subscriptions last, by hand; the estimates themselves are compared in `test_kaplan_meier.py`."""

from __future__ import annotations

import pytest

from analysis.keeping.survival import SURVIVAL, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_what_still_lasts_counts() -> None:
    begun = [happened(name, "subscription_start", "01-01") for name in "ABCDE"]
    begun += [happened("A", "subscription_cancel", "01-11"), happened("A", "subscription_cancel", "01-20")]
    begun += [happened("B", "subscription_cancel", "2025-12-31"), happened("C", "subscription_cancel", "02-10")]
    begun += [happened("E", "subscription_start", "01-30")]
    engine = archived(begun, until="02-20")
    head, *curve = run(SURVIVAL, engine, Asked()).rows
    assert (head["customers"], head["ended"], head["lasting"], head["median"], head["year"]) == (5, 2, 3, None, None)
    assert [(row["days"], row["at_risk"], row["share"]) for row in curve] == [
        (10, 5, pytest.approx(0.8)), (40, 4, pytest.approx(0.6)), (50, 3, pytest.approx(0.6)),
    ]  # fmt: skip
    compare_lists(SURVIVAL, engine, Asked(), curve)


def test_parts_are_compared() -> None:
    """Thirty monthly ones of which all end after 30 days, thirty yearly ones of which none has ended after a year."""
    begun = []
    for number in range(60):
        plan = "monthly" if number % 2 else "yearly"
        begun.append(happened(f"c{number}", "subscription_start", "2025-01-01", product=plan))
        if number % 2:
            begun.append(happened(f"c{number}", "subscription_cancel", "2025-01-31", product=plan))
    rows = run(SURVIVAL, archived(begun, until="2026-01-01"), Asked(by="product", since="2025-01-01")).rows
    monthly, yearly = [row for row in rows if row["days"] is None]
    assert (monthly["by"], monthly["median"], monthly["year"]) == ("monthly", 30, 30)
    assert (yearly["median"], yearly["year"]) == (None, 365)
    assert monthly["p"] == yearly["p"] < 1e-9
