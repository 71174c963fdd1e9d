"""What acting on risks brings, by hand and against the formula written out."""

from __future__ import annotations

import math
import random
from datetime import date
from itertools import count
from typing import Any

import pytest

from analysis.marketing.experiment import EXPERIMENT, Asked, Sequence
from analysis.running import behind, run
from models.labels.treatment import held_out
from plan import parse_plan
from tests.analysed import archived, at, happened
from tests.plans import BASE

PLAN = parse_plan(BASE.replace("\nevents:", "\nchurn: {hold_out: 0.5}\nevents:", 1), "small.yaml", {})


def people(held: int, others: int) -> list[tuple[str, bool]]:
    """Names of so many in either arm, as their letters tell."""
    left, found = {True: held, False: others}, []
    for name in map(str, count()):
        arm = held_out(name, 0.5)
        if left[arm]:
            left[arm] -= 1
            found.append((name, arm))
        if not any(left.values()):
            return found
    raise AssertionError


def world(
    arms: list[tuple[str, bool]], acted_buy: int, held_buy: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Everybody at risk on 1 February, so many of each arm with an order ten days later; ten of each long after."""
    rows, days, bought = [], [], {True: 0, False: 0}
    for name, arm in arms:
        rows.append(happened(name, "purchase", "01-05", amount=100, subject=f"{name} first"))
        days += [{"customer": name, "day": date(2026, 1, 6), "risk": 0.1},
                 {"customer": name, "day": date(2026, 2, 1), "risk": 0.85},
                 {"customer": name, "day": date(2026, 3, 1), "risk": 0.9}]  # fmt: skip
        bought[arm] += 1
        if bought[arm] <= (held_buy if arm else acted_buy):
            rows.append(happened(name, "purchase", "02-11", amount=1000, subject=f"{name} second"))
        elif bought[arm] <= (held_buy if arm else acted_buy) + 10:
            rows.append(happened(name, "purchase", "04-11", amount=1000, subject=f"{name} late"))
    return rows, days


def test_an_effect_and_its_interval() -> None:
    rows, days = world(people(600, 600), 360, 180)
    engine = archived(rows, until="04-20", profiles=days, plan=PLAN)
    result = run(EXPERIMENT, engine, Asked())
    [row] = result.rows
    assert (row["acted"], row["acted_bought"], row["held"], row["held_bought"]) == (600, 360, 600, 180)
    assert (row["acted_net"], row["held_net"]) == (360_000, 180_000)
    # On the first day the mean so far is 0: ψ is 2 y of whom alerts could open for, −2 y of the others.
    psi = [2.0] * 360 + [-2.0] * 180 + [0.0] * 660
    effect = sum(psi) / 1200
    assert row["effect"] == pytest.approx(100 * effect) == pytest.approx(30)
    sigma = math.sqrt(sum((each - effect) ** 2 for each in psi) / 1200)
    rho2 = (-2 * math.log(0.05) + math.log(-2 * math.log(0.05)) + 1) / 4000
    width = sigma * math.sqrt(2 * (1200 * rho2 + 1) / (1200**2 * rho2) * math.log(math.sqrt(1200 * rho2 + 1) / 0.05))
    assert row["effect_low"] == pytest.approx(100 * (effect - width))
    assert row["effect_high"] == pytest.approx(100 * (effect + width))
    assert row["verdict"] == "brings"
    assert result.sentence is not None
    assert result.sentence.en.startswith("Acting on risks brings between 18.")
    held = behind(EXPERIMENT, engine, Asked(), {"period": "2026-02-01"}, "held_bought")
    assert held.total == 180
    [net] = run(EXPERIMENT, engine, Asked(outcome="net", least=50)).rows
    assert net["effect"] == pytest.approx(2 * (3_600 - 1_800) / 12)  # in whole EUR, of 100 customers


def test_not_known_yet_open_and_nobody_held_out() -> None:
    rows, days = world(people(20, 20), 10, 10)
    few = run(EXPERIMENT, archived(rows, until="04-20", profiles=days, plan=PLAN), Asked()).rows
    assert [(row["verdict"], row["effect_low"]) for row in few] == [("not known yet", None)]
    early = [row for row in rows if row["time"] < at("02-20")]
    still = run(EXPERIMENT, archived(early, until="02-20", profiles=days, plan=PLAN), Asked()).rows
    assert [(row["open"], row["acted"], row["held"], row["effect"]) for row in still] == [(40, 0, 0, None)]
    nobody = run(EXPERIMENT, archived(rows, until="04-20", profiles=days), Asked())
    assert nobody.sentence is not None
    assert nobody.sentence.en.startswith("Nobody is held out")
    assert run(EXPERIMENT, archived([], until="04-20", plan=PLAN), Asked()).rows == []
    assert run(EXPERIMENT, archived(rows, until="04-20", profiles=days, plan=PLAN), Asked(threshold=0.95)).rows == []


def test_how_long_it_takes_is_told_before_there_is_a_result() -> None:
    """Of 200 customers ψ is 2 of 30, −2 of 30, 0 of 140: as many are needed as make the interval as narrow as 0.1."""
    rows, days = world(people(100, 100), 30, 30)
    engine = archived(rows, until="04-20", profiles=days, plan=PLAN)
    result = run(EXPERIMENT, engine, Asked(least=0.1))
    [row] = result.rows
    sigma = math.sqrt(60 * 4 / 200)
    rho2 = (-2 * math.log(0.05) + math.log(-2 * math.log(0.05)) + 1) / 4000
    needed = next(
        n
        for n in range(1000, 100_000)
        if sigma * math.sqrt(2 * (n * rho2 + 1) / (n * n * rho2) * math.log(math.sqrt(n * rho2 + 1) / 0.05)) <= 0.1
    )
    # 200 came in the 28 days of February.
    assert row["weeks"] == math.ceil((needed - 200) / 200 * 28 / 7)
    assert result.sentence is not None
    assert result.sentence.en.endswith(f"not known yet: enough in about {row['weeks']} weeks.")
    assert run(EXPERIMENT, engine, Asked(least=0.0001)).rows[0]["weeks"] > 100_000
    rows, days = world(people(20, 20), 10, 10)
    assert run(EXPERIMENT, archived(rows, until="04-20", profiles=days, plan=PLAN), Asked()).rows[0]["weeks"] is None


def test_without_an_effect_it_seldom_sees_one_however_often_one_looks() -> None:
    """200 shops of 3,000 customers, looked at after each 100: the usual interval would cry wolf in a third."""
    draw = random.Random(9)
    wolves = 0
    for _ in range(200):
        sequence = Sequence(0.5, 0.95)
        for _ in range(30):
            mean = sequence.mean
            for held in (False, True):
                bought = sum(draw.random() < 0.2 for _ in range(50))
                sequence.add(held, 50, bought, bought, mean)
            _, low, high = sequence.interval()
            if low is not None and high is not None and (low > 0 or high < 0):
                wolves += 1
                break
    assert wolves <= 10
