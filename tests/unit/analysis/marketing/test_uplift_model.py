"""Whether those whom the model ranks high gain most: the curve and the area by hand, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import count
from typing import Any

import numpy as np
import pytest

from analysis.engines.duck import Duck
from analysis.marketing.experiment import Outcome
from analysis.marketing.uplift_model import UPLIFT_MODEL, qini_area
from analysis.running import behind, run
from models.labels.treatment import held_out
from plan import Plan, parse_plan
from tests.analysed import archived, happened
from tests.plans import BASE


def planned(smallest: int) -> Plan:
    said = f"\nchurn: {{hold_out: 0.5}}\nanalyses: {{smallest: {smallest}}}\nevents:"
    return parse_plan(BASE.replace("\nevents:", said, 1), "small.yaml", {})


PLAN = planned(1)


def named(arm: bool) -> Iterator[str]:
    """Names that belong to an arm, as their letters tell."""
    return (name for name in map(str, count()) if held_out(name, 0.5) == arm)


def ranked(customers: Iterable[tuple[bool, bool]], plan: Plan = PLAN) -> Duck:
    """An archive of customers with falling risks on 1 February, of whom each is held out or not, and buys or not."""
    names = {arm: named(arm) for arm in (False, True)}
    rows: list[dict[str, Any]] = []
    days: list[dict[str, Any]] = []
    for place, (arm, kept) in enumerate(customers):
        name = next(names[arm])
        rows.append(happened(name, "purchase", "01-05", amount=100, subject=f"{name} first"))
        if kept:
            rows.append(happened(name, "purchase", "02-11", amount=1000, subject=f"{name} second"))
        days += [{"customer": name, "day": date(2026, 1, 6), "risk": 0.1},
                 {"customer": name, "day": date(2026, 2, 1), "risk": 0.99 - place / 10_000},
                 # what is told of them later is the other way round, and not looked at
                 {"customer": name, "day": date(2026, 2, 20), "risk": 0.9 + place / 10_000}]  # fmt: skip
    return archived(rows, until="04-20", profiles=days, plan=plan)


HAND = [
    (False, True), (True, False), (False, True), (True, False), (False, True),
    (True, True), (False, False), (True, False), (False, False), (True, False),
]  # fmt: skip
"""Treated and held out in turn: of the treated the first three keep, of the held-out the third."""

CURVE = [None, 1, 2, 2, 3, 3 - 1, 3 - 4 / 3, 3 - 1, 3 - 5 / 4, 3 - 1]
"""Nobody is held out in the first tenth; then what the treated kept, less the held-out's by treated / held out."""

AREA = (
    0.2 * (0 + 1) / 2
    + 0.1 * ((1 + 2) + (2 + 2) + (2 + 3) + (3 + 2) + (2 + 5 / 3) + (5 / 3 + 2) + (2 + 7 / 4) + (7 / 4 + 2)) / 2
    - 1 * 2 / 2
)
"""Below the curve, from (0, 0) over what is known, less the triangle below the line to its end, (1, 2)."""


def test_ten_customers_by_hand() -> None:
    engine = ranked(HAND)
    result = run(UPLIFT_MODEL, engine, Outcome())
    assert [row["tenth"] for row in result.rows] == list(range(1, 11))
    assert [row["acted"] for row in result.rows] == [1, 0] * 5
    assert [row["held_bought"] for row in result.rows] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert [row["uplift"] for row in result.rows] == [each and pytest.approx(each) for each in CURVE]
    assert [row["line"] for row in result.rows] == pytest.approx([0.2 * place for place in range(1, 11)])
    last = result.rows[-1]
    assert last["area"] == pytest.approx(AREA) == pytest.approx(83 / 120)
    assert [row["area"] for row in result.rows[:-1]] == [None] * 9
    assert (last["area_low"], last["verdict"]) == (None, "too few")
    assert result.sentence is not None
    assert result.sentence.en.endswith("it takes 30 customers of either arm.")
    assert behind(UPLIFT_MODEL, engine, Outcome(), {"tenth": 6}, "held_bought").total == 1
    net = run(UPLIFT_MODEL, engine, Outcome(outcome="net")).rows
    assert net[-1]["area"] == pytest.approx(10 * AREA)  # in whole EUR: each who kept brought 10.00
    assert [row["acted_net"] for row in net[:3]] == [1000, 0, 1000]


def test_below_the_smallest_number_it_is_blank() -> None:
    rows = run(UPLIFT_MODEL, ranked(HAND, planned(5)), Outcome()).rows
    assert [row["uplift"] for row in rows] == [None] * 9 + [2]
    rows = run(UPLIFT_MODEL, ranked(HAND, planned(6)), Outcome()).rows
    assert {(row["uplift"], row["line"], row["area"]) for row in rows} == {(None, None, None)}
    assert rows[-1]["verdict"] == "too few"


def test_who_is_left_out() -> None:
    """Whose days are not over, and whose risk rose before the period or not at all; and a shop without a hold-out."""
    late = [{"customer": "late", "day": date(2026, 4, 10), "risk": 0.999},
            {"customer": "early", "day": date(2026, 1, 10), "risk": 0.999},
            {"customer": "never", "day": date(2026, 2, 10), "risk": 0.7}]  # fmt: skip
    few = [happened(name, "purchase", "01-05", amount=100, subject=name) for name in ("late", "early", "never")]
    only = archived(few, until="04-20", profiles=late, plan=PLAN)
    asked = Outcome(since=date(2026, 2, 1))
    result = run(UPLIFT_MODEL, only, asked)
    assert result.rows == []
    assert result.notes[-1].en.startswith("0 customers, of whom alerts could open for all, against 0 held out; 1 are")
    assert sum(row["acted"] + row["held"] for row in run(UPLIFT_MODEL, only, Outcome(since=date(2026, 1, 1))).rows) == 1
    bare = run(UPLIFT_MODEL, ranked(HAND, parse_plan(BASE, "small.yaml", {})), Outcome())
    assert {(row["uplift"], row["line"], row["area"]) for row in bare.rows} == {(None, None, None)}
    assert bare.sentence is not None
    assert bare.sentence.en.startswith("Nobody is held out")
    assert run(UPLIFT_MODEL, archived([], until="04-20", plan=PLAN), Outcome()).rows == []


def shop(kept: Callable[[int, bool, int], bool], n: int = 200) -> list[tuple[bool, bool]]:
    """So many in either arm, in turn; `kept` by the place in the arm, the arm and whether it is in the upper half."""
    return [(arm, kept(place, arm, int(place < n // 2))) for place in range(n) for arm in (False, True)]


def test_acting_works_for_high_risks_only() -> None:
    """In the upper half all treated keep and no held-out, in the lower half every second of both."""
    result = run(
        UPLIFT_MODEL, ranked(shop(lambda place, held, upper: not held if upper else place % 2 == 0)), Outcome()
    )
    last = result.rows[-1]
    assert [row["uplift"] for row in result.rows] == pytest.approx([20, 40, 60, 80, 100, 100, 100, 100, 100, 100])
    # 100 from half on, and half of that on the way there, less half of 100 below the line
    assert last["area"] == pytest.approx(0.5 * 100 + 0.5 * 100 / 2 - 100 / 2)
    assert 0 < last["area_low"] < last["area"] < last["area_high"]
    assert last["verdict"] == "gain more"
    assert result.sentence is not None
    assert f"keeps between {last['area_low']:.1f} and {last['area_high']:.1f} customers more than" in result.sentence.en


def test_acting_works_for_low_risks_only() -> None:
    rows = run(
        UPLIFT_MODEL, ranked(shop(lambda place, held, upper: place % 2 == 0 if upper else not held)), Outcome()
    ).rows
    assert rows[-1]["area"] == pytest.approx(-25)
    assert rows[-1]["area_high"] < 0
    assert rows[-1]["verdict"] == "gain less"


def test_acting_works_alike_for_all() -> None:
    """Every second of the treated keeps, every fourth of the others, wherever they are ranked."""
    result = run(UPLIFT_MODEL, ranked(shop(lambda place, held, upper: place % (4 if held else 2) == 0)), Outcome())
    last = result.rows[-1]
    assert last["area"] == pytest.approx(0, abs=0.5)
    assert last["area_low"] < 0 < last["area_high"]
    assert last["verdict"] == "cannot be told"
    assert last["uplift"] == last["line"] == pytest.approx(50)


def test_the_interval_is_that_of_drawing_customers_one_by_one() -> None:
    """Drawing how many of each kind come is the same; and the same each time it is asked."""
    customers = shop(lambda place, held, upper: place % (3 if held else 2) == 0 or bool(upper and not held))
    engine = ranked(customers)
    last = run(UPLIFT_MODEL, engine, Outcome()).rows[-1]
    arms, kept = (np.array(column, dtype=float) for column in zip(*customers, strict=True))
    each = np.stack([1 - arms, (1 - arms) * kept, arms, arms * kept], axis=1)
    tenths = np.arange(400) // 40
    rng, areas = np.random.default_rng(3), []
    for _ in range(2000):
        drawn = rng.integers(0, 400, 400)
        sums = np.zeros((10, 4))
        np.add.at(sums, tenths[drawn], each[drawn])
        areas.append(qini_area(sums) or 0.0)
    low, high = np.quantile(areas, [0.025, 0.975])
    assert last["area_low"] == pytest.approx(low, abs=0.1 * (high - low))
    assert last["area_high"] == pytest.approx(high, abs=0.1 * (high - low))
    assert run(UPLIFT_MODEL, engine, Outcome()).rows[-1] == last
    money = run(UPLIFT_MODEL, engine, Outcome(outcome="net")).rows[-1]
    assert money["area_low"] == pytest.approx(10 * last["area_low"])


def test_of_nobody_held_out_there_is_no_area() -> None:
    assert qini_area(np.array([[3.0, 1.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0]])) is None
