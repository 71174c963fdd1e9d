"""The least satisfied against the most satisfied, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.parameters import Parameters
from analysis.running import behind, run
from analysis.service.dissatisfied_vs_satisfied import DISSATISFIED_VS_SATISFIED
from analysis.statistics import difference_of_shares
from tests.analysed import archived, happened


def world() -> list[dict[str, Any]]:
    """Of 200 who answered 40 gave 1, 40 gave 5: of the former 20 had complained before, of the latter
    4; and 30 more of the latter did afterwards."""
    rows = []
    for number in range(200):
        name, mark = f"c{number:03}", 1 if number < 40 else 5 if number < 80 else 3
        rows.append(happened(name, "purchase", "01-10", amount=1000, subject=name))
        rows.append(happened(name, "csat", "03-01", rating=float(mark), subject=name))
        if number < 20 or 40 <= number < 44:
            rows.append(happened(name, "complaint", "02-20", subject=f"t{number}"))
        if 44 <= number < 74:
            rows.append(happened(name, "complaint", "03-01 13:00", subject=f"t{number}"))
    return rows


def test_what_went_with_being_dissatisfied() -> None:
    engine = archived(world(), until="04-01")
    result = run(DISSATISFIED_VS_SATISFIED, engine, Parameters())
    row = result.rows[0]
    assert (row["feature"], row["kind"]) == ("complaint, any in 91 days", "share")
    names = ("dissatisfied", "satisfied", "dissatisfied_with", "satisfied_with")
    assert [row[name] for name in names] == [40, 40, 20, 4]
    assert (row["of_dissatisfied"], row["of_satisfied"], row["lift"]) == (0.5, 0.1, pytest.approx(5))
    assert (row["low"], row["high"]) == pytest.approx(difference_of_shares(20, 40, 4, 40))
    assert row["finding"]
    assert result.sentence is not None
    assert result.sentence.en.endswith("50.0% of the dissatisfied, 10.0% of the satisfied.")
    cell = {"feature": row["feature"], "kind": "share"}
    assert behind(DISSATISFIED_VS_SATISFIED, engine, Parameters(), cell, "satisfied_with").total == 4


def test_all_alike_few_and_nobody() -> None:
    alike = [row | ({"rating": 4.0} if row["role"] == "csat" else {}) for row in world()]
    assert run(DISSATISFIED_VS_SATISFIED, archived(alike, until="04-01"), Parameters()).rows == []
    some = [row for row in world() if row["home"] < "c010" or "c040" <= row["home"] < "c050" or row["home"] >= "c170"]
    result = run(DISSATISFIED_VS_SATISFIED, archived(some, until="04-01"), Parameters())
    assert not any(row["finding"] for row in result.rows)
    assert "10 dissatisfied and 10 satisfied customers; findings from 30 of each." in [note.en for note in result.notes]
    assert run(DISSATISFIED_VS_SATISFIED, archived([], until="04-01"), Parameters()).rows == []
