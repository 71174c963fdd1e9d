"""Where cells are counted by a cheaper way, they are those that their members make, whatever is asked."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from analysis.base import Base
from analysis.engines.duck import Duck
from analysis.registry import analyses
from analysis.running import cells, run
from tests.analysed import archived, happened
from tests.histories import History, engine_of, history

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
        {"channel": "web"},
        {"against": "previous", "since": date(2025, 6, 1), "until": date(2025, 9, 1)},
        {"interval": "day", "ages": 30, "since": date(2025, 3, 1), "until": date(2025, 4, 1)},
    ],
    "segments": [
        {},
        {"interval": "week", "since": date(2026, 1, 5), "until": date(2026, 2, 9)},
        {"interval": "day", "since": date(2026, 2, 20)},
        {"interval": "quarter", "since": date(2025, 4, 1)},
        {"since": date(2026, 1, 15), "until": date(2026, 2, 10), "segment": "s1"},
    ],
}


def snapshots() -> Duck:
    """Customers who change now and then, some of whom are one."""
    chance = random.Random(3)
    told = [happened(f"c{number}", "purchase", "01-02", subject=f"{number}", channel="web", product=f"p{number % 3}")
            for number in range(60)]  # fmt: skip
    days = []
    for number in range(60):
        for day in sorted(chance.sample(range(70), chance.randint(1, 12))):
            segments = [f"s{each}" for each in range(4) if chance.random() < 0.5]
            worth, risk = chance.choice([None, 100, 250]), chance.choice([None, 0.25, 0.5])
            days.append({"customer": f"c{number}", "day": date(2026, 1, 1) + timedelta(days=day), "segments": segments,
                         "net_12m": worth, "risk": risk})  # fmt: skip
    return archived(told, until="2026-03-10 12:00", profiles=days, links={"c1": "c2", "c3": "c4"})


@pytest.fixture(scope="module")
def engines() -> dict[str, Duck]:
    told = history()
    rows = [{**row, "channel": ("web", "app")[number % 2]} for number, row in enumerate(told.rows)]
    shop = engine_of(History(rows, told.links))
    return {"segments": snapshots(), "active": shop, "retention": shop}


def test_all_of_them_are_tried() -> None:
    assert {name for name, each in analyses().items() if each.tally} == ASKED.keys()


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, some in ASKED.items() for n in range(len(some))])
def test_they_are_the_sums_of_the_members(engines: dict[str, Duck], name: str, number: int) -> None:
    analysis = analyses()[name]
    asked = analysis.parameters(**ASKED[name][number])
    found, summed = (run(each, engines[name], asked) for each in (analysis, replace(analysis, tally=None)))
    assert found.rows == summed.rows
    assert len(found.rows) > 3


def test_traits_have_each_customer_once(engines: dict[str, Duck]) -> None:
    analysis, engine = analyses()["segment_traits"], engines["segments"]
    base = Base(engine, analysis.parameters())
    found, summed = (engine.fetch(cells(each, base)).to_pylist() for each in (analysis, replace(analysis, once=False)))
    assert found == summed
    assert {row["feature"] for row in found} == {"", "channel", "bought product"}
