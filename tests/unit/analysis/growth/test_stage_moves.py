"""Moves between stages agree with the stages at both ends."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise

from analysis.growth.stage_moves import STAGE_MOVES
from analysis.growth.stages import STAGES_OF_THE_BASE
from analysis.parameters import Parameters
from analysis.running import run
from tests.histories import compare_lists, engine_of, history


def test_who_moves_was_there_and_is_there() -> None:
    engine = engine_of(history())
    asked = Parameters(since=date(2025, 1, 1), interval="quarter")
    moves = run(STAGE_MOVES, engine, asked).rows
    stages = run(STAGES_OF_THE_BASE, engine, asked).rows
    periods = sorted({row["period"] for row in stages})
    there = {period: Counter({row["stage"]: row["customers"] for row in stages if row["period"] == period})
             for period in periods}  # fmt: skip
    assert [row["period"] for row in moves if row["before"] == "not there"]
    for before, period in pairwise(periods):
        came, went = Counter[str](), Counter[str]()
        for row in moves:
            if row["period"] == period:
                came[row["after"]] += row["customers"]
                went[row["before"]] += row["customers"]
        del went["not there"]
        assert came == there[period]
        assert went == there[before]  # nobody disappears
    assert not any(row["period"] == periods[0] for row in moves)
    compare_lists(STAGE_MOVES, engine, asked, moves)
