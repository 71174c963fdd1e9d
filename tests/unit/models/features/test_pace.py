import numpy as np
import pytest

from models.durations import DAY
from models.features.pace import FORTNIGHT, MONTH, before, within
from profiles.state import Limits, apply
from profiles.types import Profile
from tests.build import T0, event


def tally(days, limits=Limits()):  # noqa: B008  (frozen)
    profile = Profile("p")
    for day in days:
        apply(profile, event("visit", day), "EUR", limits)
    return profile.roles["visit"]


@pytest.mark.parametrize(
    ("days", "count"),
    [([60], 0), ([95], 1), ([10, 95], 1), ([80, 90, 91, 99], 4), ([1, 2, 3, 60], 0)],
)
def test_few_events_are_counted_exactly(days, count):
    assert within(tally(days), T0 + 100 * DAY, MONTH) == (count, True)


def test_with_the_times_kept_any_count_is_exact():
    held = tally([1, 40, 80, 90, 99], Limits(windows={"visit": 4}))

    assert within(held, T0 + 100 * DAY, MONTH) == (3, True)
    assert within(held, T0 + 100 * DAY, FORTNIGHT) == (2, True)
    assert not within(tally([1, 2, 80, 90, 99]), T0 + 100 * DAY, MONTH)[1]


@pytest.mark.parametrize(("often", "lately"), [(6, 6), (6, 1), (2, 8), (12, 3)])
def test_the_rates_before_and_of_late_follow_from_the_decayed_sums(often, lately):
    days = np.concatenate([np.arange(0, 386, 14 / often), 386 + (np.arange(lately) + 0.5) * 14 / lately])
    held, at = tally(days.tolist()), T0 + 400 * DAY

    assert within(held, at, FORTNIGHT)[0] == pytest.approx(lately, abs=1)
    assert before(held, at) == pytest.approx(often, rel=0.15)


def test_a_short_history_is_no_low_rate():
    assert before(tally(range(40, 100, 2)), T0 + 100 * DAY) == pytest.approx(7, rel=0.15)
    assert before(tally(range(40, 80, 2)), T0 + 100 * DAY) == pytest.approx(7, rel=0.1)
    assert before(tally([1, 1.1]), T0 + 100 * DAY) == 2


def test_before_the_silence():
    assert before(tally(np.arange(0, 300, 3.5).tolist()), T0 + 400 * DAY) == pytest.approx(4, rel=0.1)
