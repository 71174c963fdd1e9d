import numpy as np
import pytest

from models.churn.kinds.btyd import TYPICAL, Btyd
from models.churn.kinds.rules import rules
from models.churn.lifetimes import Known, Lifetimes
from models.churn.outlook import CURVE, outlook
from models.churn.panel import Panel
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from profiles.types import Profile
from tests.build import CONFIG, T0, buyer

TRUTH = Lifetimes(0.8, 4.0, 0.6, 20.0, 1.2, 0.6, 0.1, 1.0)
PANEL = Panel("rules", {"rules": rules(CONFIG), "btyd": Btyd(TRUTH, (1.5, 12.0, 30.0, 2.0, 9.0), 1200)})
WEEKLY = buyer(*range(0, 70, 7))
NOW = T0 + 70 * DAY


def test_the_longer_ahead_the_fewer_are_here_and_the_more_have_ordered():
    found = outlook(WEEKLY, PANEL, NOW, CONFIG, "EUR")

    weeks, here, ordered = np.array(found.curve).T
    assert tuple(weeks) == CURVE
    assert (np.diff(here) < 0).all()
    assert (np.diff(ordered) > 0).all()
    assert here[0] == pytest.approx(1 - PANEL.score_profiles([WEEKLY], [NOW], CONFIG, "EUR")[0].left)
    assert ordered[0] == 0
    assert found.model == "btyd-1200"


def test_the_next_order_and_the_year_are_those_of_a_simulation():
    """Customers drawn from what the model believes of this one."""
    found = outlook(WEEKLY, PANEL, NOW, CONFIG, "EUR")
    rng, n = np.random.default_rng(5), 300_000
    left = 1 / (1 + np.exp(-TRUTH.log_odds_left(Known(*np.array([[9.0], [1.0], [10.0], [0.0], [0.0]])))[0]))
    rate = rng.gamma(0.8 + 9, 1 / (4 + 10), n)
    order, leaves = rng.exponential(1 / rate), rng.exponential(1 / rng.gamma(0.6, 1 / (20 + 10), n))
    comes = (order < leaves) & (order < 520) & (rng.random(n) > left)

    assert found.next_order == pytest.approx(tuple(np.quantile(order[comes], [0.1, 0.5, 0.9])), rel=0.05)
    assert found.curve[4].ordered == pytest.approx((comes & (order < 8)).mean(), abs=0.01)
    worth = WEEKLY.purchases.revenue_in("EUR") / 100 / 10
    assert found.year == pytest.approx(
        (np.quantile(rate, 0.1) * 52 * worth, rate.mean() * 52 * worth, np.quantile(rate, 0.9) * 52 * worth), rel=0.02
    )


def test_the_orders_of_a_year_are_those_of_a_simulation_too():
    """Each order at its own time, until the customer leaves, worth a tenth less a year later."""
    found = outlook(WEEKLY, PANEL, NOW, CONFIG, "EUR").orders
    rng, n = np.random.default_rng(6), 20_000
    left = 1 / (1 + np.exp(-TRUTH.log_odds_left(Known(*np.array([[9.0], [1.0], [10.0], [0.0], [0.0]])))[0]))
    until = np.minimum(rng.exponential(1 / rng.gamma(0.6, 1 / (20 + 10), n)), 52.0) * (rng.random(n) > left)
    counts = rng.poisson(rng.gamma(0.8 + 9, 1 / (4 + 10), n) * until)
    worth = [(1.1 ** -(rng.random(count) * end / 52)).sum() for count, end in zip(counts, until, strict=True)]

    assert found.middle == pytest.approx(np.mean(worth), rel=0.02)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(worth, [0.1, 0.9])), rel=0.06, abs=0.5)
    assert outlook(WEEKLY, PANEL, NOW, CONFIG, "EUR").orders == found  # the same of the same


def test_what_is_at_risk_grows_with_silence_until_it_is_lost():
    at_risk = [outlook(WEEKLY, PANEL, NOW + weeks * WEEK, CONFIG, "EUR") for weeks in (0, 4, 8)]

    shares = [found.at_risk / found.year.middle for found in at_risk]
    assert shares == sorted(shares)
    [score] = PANEL.score_profiles([WEEKLY], [NOW], CONFIG, "EUR")
    assert shares[0] == pytest.approx(score.lost)


def test_of_who_left_long_ago_no_order_is_to_be_expected():
    found = outlook(WEEKLY, PANEL, NOW + 400 * WEEK, CONFIG, "EUR")

    assert found.next_order is None
    assert found.curve[-1].here < 0.01


def test_before_anything_fits_it_goes_by_numbers_set_by_hand():
    assert outlook(WEEKLY, Panel.cold(CONFIG), NOW, CONFIG, "EUR").model == TYPICAL.id


@pytest.mark.parametrize("day", [0, 1, 40_000])
def test_it_is_finite_for_anybody(day):
    for one in (buyer(0), buyer(*range(200))):
        found = outlook(one, PANEL, T0 + day * DAY, ChurnConfig(leaving_within="1d"), "JPY")

        assert np.isfinite(
            [*np.array(found.curve).ravel(), *found.year, found.at_risk, *(found.next_order or ())]
        ).all()


def test_of_who_never_ordered_nothing_is_to_be_expected():
    assert outlook(Profile("x"), PANEL, NOW, CONFIG, "EUR") is None
