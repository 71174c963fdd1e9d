"""Where cells are counted by a cheaper way than by their members, they are the same, whatever is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from analysis.engines.duck import Duck
from analysis.registry import analyses
from analysis.running import run
from tests.histories import engine_of, history

ASKED: dict[str, list[dict[str, Any]]] = {
    "active": [
        {},
        {"since": date(2025, 3, 1), "until": date(2025, 5, 1), "role": "any"},
        {"since": date(2025, 2, 1), "role": "purchase"},
    ],
    "retention": [
        {},
        {"interval": "week", "ages": 5},
        {"interval": "quarter", "start": "visit", "back": "purchase"},
        {"start": "purchase", "back": "visit", "since": date(2025, 2, 1), "until": date(2025, 4, 1)},
        {"interval": "day", "ages": 30, "since": date(2025, 3, 1), "until": date(2025, 4, 1)},
    ],
}


@pytest.fixture(scope="module")
def engine() -> Duck:
    return engine_of(history())


def test_all_of_them_are_tried() -> None:
    assert {name for name, each in analyses().items() if each.tally} == ASKED.keys()


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, some in ASKED.items() for n in range(len(some))])
def test_they_are_the_sums_of_the_members(engine: Duck, name: str, number: int) -> None:
    analysis = analyses()[name]
    asked = analysis.parameters(**ASKED[name][number])
    found = run(analysis, engine, asked)
    assert found.rows == run(replace(analysis, tally=None), engine, asked).rows
    assert len(found.rows) > 10
