"""Analyses depend on what happened, not on how it was told: order, repeats and merged homes change no figure."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.engines.duck import Duck
from analysis.registry import analyses
from analysis.running import run
from tests.histories import engine_of, history, retold

NAMES = sorted(name for name, each in analyses().items() if each.room in ("growth", "keeping"))


@pytest.fixture(scope="module")
def engines() -> tuple[Duck, Duck]:
    return engine_of(history(120)), engine_of(retold(history(120), seed=4))


def rounded(value: Any) -> Any:
    """Sums of fractions may differ in the last digits with the order of rows."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


@pytest.mark.parametrize("name", NAMES)
def test_how_it_was_told_changes_no_figure(name: str, engines: tuple[Duck, Duck]) -> None:
    analysis = analyses()[name]
    once, again = (
        [
            {key: rounded(value) for key, value in row.items()}
            for row in run(analysis, engine, analysis.parameters()).rows
        ]
        for engine in engines
    )
    assert once == again
    if name not in ("survival", "stage_stays"):  # the history has no contracts, and no profiles by day
        assert once
