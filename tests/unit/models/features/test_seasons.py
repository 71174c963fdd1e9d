"""The customer's own season: found in the orders there are, due, explaining silence, and missed."""

from __future__ import annotations

import math
import random

import pytest

from models.durations import WEEK
from models.features.orders import season_of
from models.features.table import NAMES
from tests.build import DAY, T0, buyer, row

YEAR = 52 * 7
SEASONS = [season * YEAR + day for season in range(3) for day in (0, 9, 20)]


def seen(days: list[float], day: float) -> dict[str, float]:
    """The features of season of who ordered on these days."""
    values = dict(zip(NAMES, row(buyer(*days), day).tolist(), strict=True))
    return {name: values[name] for name in NAMES if name.startswith("season_")}


def test_a_season_is_due_one_period_after_the_last() -> None:
    """As near as that is; silence is explained until it is overdue, and then counts as missed."""
    off, due = seen(SEASONS, 2 * YEAR + 26 * 7), seen(SEASONS, 3 * YEAR)
    missed, again = seen(SEASONS, 3 * YEAR + 26 * 7), seen(SEASONS, 4 * YEAR)

    assert off == {
        "season_due": pytest.approx(0, abs=1e-6), "season_missed": 0,
        "season_silence": pytest.approx(math.log(1 + (26 * 7 - 20) / 7)),
    }  # fmt: skip
    assert (due["season_due"], due["season_missed"]) == (pytest.approx(1), 0)
    assert (missed["season_silence"], missed["season_missed"]) == (0, pytest.approx(0.5 - 0.08))
    assert again["season_due"] == pytest.approx(0.5)


def test_it_takes_two_cycles_and_some_regularity() -> None:
    """One year ago is no season yet; gaps as they come are none; who orders every month has none."""
    for days in (SEASONS[:6], [0, 70, 400, 480], [*range(0, 700, 28)], [0.0], []):
        assert not any(seen(days, 900).values()), days


def test_the_less_regular_the_less_is_said() -> None:
    """And of who began before the latest orders that are kept, those are told."""
    steady, about = seen([0, 140, 280, 420], 560), seen([0, 110, 290, 420], 560)

    assert steady["season_due"] > about["season_due"] > 0.2
    assert seen([*range(0, 1_120, 35), *SEASONS_LATER], 9 * YEAR)["season_due"] > 0.9


SEASONS_LATER = [4 * YEAR + season * YEAR + day for season in range(5) for day in range(0, 42, 6)]


def test_it_does_not_depend_on_the_order_in_which_orders_came() -> None:
    shuffled = random.Random(3).sample(SEASONS, len(SEASONS))

    assert seen(shuffled, 900) == seen(SEASONS, 900)


def test_the_season_of_one_profile_is_that_of_the_features() -> None:
    """A reason tells it."""
    assert season_of(buyer(*SEASONS)) == (pytest.approx(T0 + 2 * YEAR * DAY), pytest.approx(52 * WEEK))
    assert season_of(buyer(0, 140)) is season_of(buyer(0)) is None
