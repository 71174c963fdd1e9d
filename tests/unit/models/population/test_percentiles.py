"""Percentiles: exact up to so many different numbers, close beyond, and never a matter of order or division."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.population.percentiles import POINTS, Percentiles, Points, join, percentiles

numbers = st.lists(st.floats(-1e9, 1e9) | st.integers(-3, 3).map(float) | st.just(-0.0), min_size=1, max_size=300)


def kept(values: list[float], block: int = 512) -> Points:
    held = Percentiles()
    for start in range(0, len(values), block):
        held.add(values[start : start + block])
    points = held.points()
    assert points is not None
    return points


@given(numbers, st.randoms(), st.integers(1, 16))
def test_neither_order_nor_division_makes_a_difference(values: list[float], chance: random.Random, parts: int) -> None:
    shuffled = chance.sample(values, len(values))
    whole = kept(values)
    assert kept(shuffled, block=7) == whole
    assert join([kept(shuffled[n::parts]) for n in range(parts) if shuffled[n::parts]]) == whole
    # The inverse of the distribution function in whole numbers: NumPy's takes 28 % of 25 for a bit more than 7.
    exact = [sorted(values)[-(-percent * len(values) // 100) - 1] for percent in range(1, 100)]
    assert percentiles(whole) == pytest.approx(exact)


def test_of_very_many_a_rank_is_right_to_a_thousandth() -> None:
    """300,000 different numbers in one go, and divided by 16."""
    chance = random.Random(3)
    values = [chance.lognormvariate(8, 2) for _ in range(300_000)]
    ranked = np.sort(values)
    for points in (kept(values), join([kept(values[n::16]) for n in range(16)])):
        ranks = np.searchsorted(ranked, percentiles(points), side="right") / len(ranked)
        assert np.abs(ranks - np.arange(1, 100) / 100).max() < 0.001


def test_however_many_come_the_space_is_small() -> None:
    assert len(kept([float(number) for number in range(200_000)]).values) <= 8 * POINTS
    assert Percentiles().points() is None
