import math

import numpy as np
import pytest

from models.config import DAY, WEEK
from models.features import NAMES, RAW, SCHEMA, matrix, occasions, pack, raws, rolled, unpack, usual_gap
from profiles.types import Profile, Purchases, Tally
from tests.models.build import T0, buyer, customer, event, row


def values(profile, day):
    return dict(zip(NAMES, row(profile, day).tolist(), strict=True))


def test_a_regular_customer_in_figures():
    x = values(buyer(0, 14, 28, 42, amount=2000), 42 + 21)

    assert x["recency"] == pytest.approx(3)
    assert x["tenure"] == pytest.approx(9)
    assert x["orders"] == 4
    assert x["usual_gap"] == pytest.approx((6 + 20) / (3 + 2))
    assert x["gap_ratio"] == pytest.approx(3 / 5.2)
    assert x["last_gap"] == pytest.approx(2)
    assert x["gap_spread"] == pytest.approx(0, abs=1e-9)
    assert x["mean_order"] == pytest.approx(20)
    assert x["log_revenue"] == pytest.approx(math.log(81))
    assert x["orders_2w"] == pytest.approx((1 + 0.5 + 0.25 + 0.125) * 2**-1.5)
    assert x["order_rate"] == pytest.approx(3.5 / 19)
    assert x["one_order"] == 0


def test_orders_within_twelve_hours_are_one_occasion():
    profile = buyer(0, 0.4, 10, 10.1, 10.2)

    assert values(profile, 20)["orders"] == occasions(profile) == 2
    assert values(profile, 20)["last_gap"] == pytest.approx(10 / 7)


def test_the_single_definitions_agree_with_the_matrix():
    profile = buyer(0, 0.1, 9, 30, 55)

    assert usual_gap(profile) / WEEK == pytest.approx(values(profile, 60)["usual_gap"])


def test_behaviour_fades_and_missing_sources_say_nothing():
    silent = values(buyer(0), 10)
    active = customer(event("purchase", 0, amount=100), event("visit", 10), event("complaint", 10))

    assert silent["visit_2w"] == silent["complaint_8w"] == silent["low_csat"] == silent["open_tickets"] == 0
    assert values(active, 10)["visit_2w"] == pytest.approx(1)
    assert values(active, 24)["visit_2w"] == pytest.approx(math.sqrt(0.5))


def test_support_opinion_and_subscription():
    profile = customer(
        event("purchase", 0, amount=100),
        event("ticket_opened", 1, subject="A"), event("ticket_opened", 2, subject="B"),
        event("ticket_solved", 3, subject="A"), event("ticket_reopened", 4, subject="A"),
        event("csat", 5, rating=1.0), event("subscription_start", 1), event("subscription_cancel", 6),
    )  # fmt: skip
    x = values(profile, 5)

    assert (x["open_tickets"], x["low_csat"], x["subscribed"], x["cancelled"]) == (2, 2, 0, 1)


def test_rolling_ahead_is_the_same_as_waiting():
    people = [buyer(0, 9, 30), buyer(2), customer(event("visit", 3), event("csat", 4, rating=2.0)), Profile("x")]
    state = raws(people, "EUR")
    now = np.full(4, T0 + 40 * DAY)
    ahead = np.arange(7) * 4 * WEEK

    for step, later in enumerate(ahead):
        np.testing.assert_allclose(rolled(state, now, ahead)[:, step].T, matrix(state, now + later), rtol=1e-12)


def test_one_row_does_not_depend_on_its_neighbours():
    people = [buyer(0, 9, 30), Profile("x"), buyer(2), buyer(1, 1.1, 5, 8), customer(event("visit", 3))]

    together = raws(people, "EUR")

    for profile, line in zip(people, together, strict=True):
        np.testing.assert_array_equal(raws([profile], "EUR")[0], line)


def test_no_profile_makes_a_feature_that_is_not_finite():
    absurd = Profile(
        "x",
        purchases=Purchases(
            orders=10**12, first=1e300, last=-1e300, items=math.inf, revenue={"EUR": 10**30}, last_amount=-(10**30),
            decayed=[math.nan] * 5, spend=[-math.inf, math.inf], recent=[-1e300, 0.0, 1e300],
        ),
        roles={"visit": Tally(1, 1e300, 1e300, [math.nan, -5.0])},
    )  # fmt: skip

    assert np.isfinite(row(absurd, 0)).all()
    assert np.isfinite(row(Profile("y"), 0)).all()
    assert raws([], "EUR").shape == (0, RAW)


def test_a_snapshot_keeps_the_row_in_four_bytes_a_feature():
    x = row(buyer(0, 10), 20)

    assert len(pack(x)) == 4 * len(NAMES)
    np.testing.assert_allclose(unpack(pack(x)), x, rtol=1e-6)


def test_the_schema_names_these_definitions():
    """If this fails, the features changed: stored snapshots and models of the old ones are refused, as they must be."""
    assert SCHEMA == "32cae309"
