"""The most and the least satisfied fifth: ties go in or out as a whole."""

from __future__ import annotations

import pytest

from analysis.parameters import Parameters
from analysis.running import behind, run
from analysis.service.extremes import EXTREMES
from tests.analysed import archived, happened


def asked(means: list[float]) -> dict[str, dict[str, object]]:
    answers = [happened(f"c{n}", "nps", "01-10", rating=mean / 10) for n, mean in enumerate(means)]
    engine = archived(answers, until="02-10")
    rows = {row["group"]: row for row in run(EXTREMES, engine, Parameters()).rows}
    for group, row in rows.items():
        assert behind(EXTREMES, engine, Parameters(), {"group": group}, "customers").total == row["customers"]
    return rows


def test_a_fifth_at_each_end() -> None:
    found = asked([100, 100, 95, 90, 75, 75, 50, 40, 25, 0])
    assert (found["top"]["customers"], found["top"]["mean"], found["top"]["tied"]) == (2, 100, False)
    assert (found["bottom"]["customers"], found["bottom"]["mean"]) == (2, pytest.approx(12.5))
    assert found["top"]["of"] == 10


def test_many_who_share_a_mark_are_a_group_of_their_own() -> None:
    found = asked([100] * 5 + [80, 60, 40, 20, 0])
    assert (found["top"]["customers"], found["top"]["tied"]) == (5, True)
