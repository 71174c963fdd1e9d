"""Portraits of segments, by hand."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from analysis.marketing.segment_traits import SEGMENT_TRAITS, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened


def customers() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """40 members of whom 30 are in BE, 60 others of whom 15 are; half of either came by phone."""
    rows, days = [], []
    for number in range(100):
        member = number < 40
        country = "BE" if number < 30 or number >= 85 else "NL"
        rows.append(happened(f"c{number:02}", "visit", "02-01", traits=json.dumps({"country": country}),
                             device="phone" if number % 2 else "desktop"))  # fmt: skip
        days.append({"customer": f"c{number:02}", "day": date(2026, 2, 1), "segments": ["fan"] if member else []})
    return rows, days


def test_what_members_have_more_often() -> None:
    rows, days = customers()
    engine = archived(rows, until="02-20", profiles=days)
    found = run(SEGMENT_TRAITS, engine, Asked()).rows
    assert [(row["feature"], row["value"]) for row in found] == [("country", "BE"), ("country", "NL")]
    row = found[0]
    assert (row["customers"], row["of"], row["share"], row["others"]) == (30, 40, 0.75, 0.25)
    assert row["lift"] == pytest.approx(3)
    # ln 3 ± 1.96 · √(1/30 − 1/40 + 1/15 − 1/60)
    assert (row["lift_low"], row["lift_high"]) == (pytest.approx(1.868, abs=0.002), pytest.approx(4.819, abs=0.005))
    assert row["compared"] == 4
    cell = {"segment": "fan", "feature": "country", "value": "BE"}
    assert behind(SEGMENT_TRAITS, engine, Asked(), cell, "customers").total == 30
    every = run(SEGMENT_TRAITS, engine, Asked(of="fan", every=True)).rows
    assert {(row["feature"], row["value"]) for row in every} == {
        ("country", "BE"), ("country", "NL"), ("device", "phone"), ("device", "desktop"),
    }  # fmt: skip
    assert run(SEGMENT_TRAITS, engine, Asked(of="other")).rows == []


def test_too_few_and_nobody() -> None:
    rows, days = customers()
    assert run(SEGMENT_TRAITS, archived(rows[:60], until="02-20", profiles=days[:60]), Asked()).rows == []
    assert run(SEGMENT_TRAITS, archived([], until="02-20"), Asked()).rows == []
