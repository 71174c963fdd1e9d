"""Devices, and who of those who came with them bought."""

from __future__ import annotations

from analysis.growth.technographic import TECHNOGRAPHIC, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_who_comes_with_two_is_in_both() -> None:
    visits = [happened(name, "visit", "01-05", device="phone") for name in "ABCDE"]
    visits += [happened("A", "visit", "01-06", device="desktop"), happened("F", "visit", "01-06")]
    visits += [happened("A", "purchase", "01-07", subject="a", amount=1)]
    engine = archived(visits, until="01-20")
    rows = run(TECHNOGRAPHIC, engine, Asked()).rows
    assert [(row["value"], row["customers"], row["buyers"], row["conversion"]) for row in rows] == [
        ("phone", 5, 1, 0.2), ("", 1, 0, None), ("desktop", 1, 1, None),
    ]  # fmt: skip
    compare_lists(TECHNOGRAPHIC, engine, Asked(), rows, most=2)
