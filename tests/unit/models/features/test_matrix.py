import math

import numpy as np
import pytest

from models.churn.weights import Weights
from models.durations import DAY, WEEK
from models.features.matrix import ENGAGED, matrix, pack, rolled, unpack
from models.features.orders import occasions, usual_gap
from models.features.reading import RAW, raws
from models.features.table import NAMES, SCHEMA, TABLE
from profiles.types import Opinion, Profile, Purchases, Tally, Ticket
from tests.build import CONFIG, KINDS_COUNT, T0, buyer, customer, event, row


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


def test_the_share_of_carts_and_of_money_that_came_to_nothing():
    bought = customer(event("cart", 9), event("purchase", 10, amount=4000), event("refund", 11, amount=1000))
    left = customer(event("purchase", 0, amount=4000), event("cart", 9), event("cart", 10))

    assert values(bought, 10)["cart_left"] == 0
    assert values(bought, 10)["refund_share"] == pytest.approx(0.25)
    assert values(left, 10)["cart_left"] == pytest.approx(1)
    assert values(left, 24)["cart_left"] == pytest.approx(0.5)
    carts, orders = 1 + 2 ** (-1 / 56), 2 ** (-10 / 56)
    assert values(left, 10)["cart_share"] == pytest.approx(carts / (carts + orders + 1))
    assert values(buyer(0), 10)["cart_share"] == 0


def test_support_by_time_to_solve_and_to_wait():
    profile = customer(
        event("purchase", 0, amount=100),
        event("ticket_opened", 1, subject="A"), event("ticket_solved", 3, subject="A"),
        event("ticket_opened", 4, subject="B"), event("ticket_solved", 10, subject="B"),
        event("ticket_opened", 11, subject="C"), event("ticket_solved", 12, subject="C"),
        event("ticket_reopened", 20, subject="C"), event("ticket_opened", 25, subject="D"),
    )  # fmt: skip

    assert values(profile, 30)["resolution"] == pytest.approx(math.log(1 + 4))
    assert values(profile, 30)["oldest_open"] == pytest.approx(math.log(1 + 10))
    assert values(buyer(0), 30)["oldest_open"] == values(buyer(0), 30)["resolution"] == 0


def test_an_answer_is_measured_against_the_customers_own():
    profile = customer(
        event("purchase", 0), event("csat", 1, rating=5.0), event("csat", 2, rating=5.0), event("csat", 9, rating=2.0),
        event("nps", 9, rating=9.0), event("review", 9, rating=1.0),
    )  # fmt: skip
    x = values(profile, 9)

    assert (x["csat_drop"], x["nps_drop"], x["low_review"]) == (2, 0, 2)
    assert values(profile, 9 + 56)["csat_drop"] == pytest.approx(1)


def test_what_is_used_less_than_before_declines():
    steady = customer(event("purchase", 0), *(event("login", day) for day in range(0, 365, 2)))
    fewer = customer(event("purchase", 0), *(event("login", day) for day in [*range(0, 300, 2), 310, 340]))

    assert values(steady, 364)["login_decline"] == pytest.approx(0, abs=0.1)
    assert values(fewer, 364)["login_decline"] > 0.6
    assert values(fewer, 2000)["login_decline"] == pytest.approx(1)
    assert values(steady, 364)["visit_decline"] == 0


def test_how_long_nothing_was_seen_of_a_customer():
    profile = customer(event("purchase", 0), *(event("visit", day) for day in range(0, 400, 7)), event("cart", 402))
    x = values(profile, 413)

    assert x["visits_missed"] == pytest.approx(math.log(1 + 2), rel=0.1)
    assert x["log_unseen"] == pytest.approx(math.log(1 + 11 / 7))
    assert x["unseen_share"] == pytest.approx(11 / (413 + 7))
    assert x["logins_missed"] == 0
    only_orders = values(buyer(0), 413)
    assert only_orders["log_unseen"] == only_orders["unseen_share"] == 0


def test_contacts_and_their_answer():
    profile = customer(
        event("purchase", 0), *(event("contact_made", 10 + k / 10) for k in range(3)), event("contact_opened", 10.2),
        event("payment_failed", 10.2), event("contact_clicked", 10.2),
    )  # fmt: skip
    x = values(profile, 10.2)

    assert x["contact_answered"] == pytest.approx(1 / 4, rel=0.01)
    assert x["contact_made_8w"] == pytest.approx(math.sqrt(3), rel=0.01)
    assert x["payment_failed_8w"] == 1


def test_a_subscription_ages_while_it_lasts():
    begun = customer(event("purchase", 0), event("subscription_start", 1))
    ended = customer(event("purchase", 0), event("subscription_start", 1), event("subscription_cancel", 9))

    assert values(begun, 22)["log_subscribed"] == pytest.approx(math.log(1 + 3))
    assert values(ended, 22)["log_subscribed"] == 0


def test_what_is_bought_and_how_mixed():
    profile = buyer(0)
    profile.purchases.mix = {"Food": 3, "Books": 1}

    assert values(profile, 0)["categories"] == 2
    assert values(profile, 0)["concentration"] == pytest.approx(0.625)


def everything(start: float = 0) -> Profile:
    """A customer of whom every feature has something to say."""
    roles = ("visit", "view", "search", "cart", "checkout", "login", "feature_use", "complaint", "inquiry", "refund",
             "contact_made", "contact_opened", "contact_clicked", "unsubscribe", "payment_failed", "coupon_denied",
             "order_cancelled", "return", "undelivered", "delivery_late", "uninstalled")  # fmt: skip
    profile = customer(
        *(event("purchase", start + day, amount=40_000 + 50 * day) for day in (-400, -399, -250, -100, 0, 9, 23)),
        event("purchase", start + 20, amount=2000, properties={"of": ["discount"]}),
        *(event(role, start + day, amount=100) for role in roles for day in (24, 31, 32)),
        *(event(kind, start + day, rating=rating) for kind in ("csat", "nps", "review", "ces")
          for day, rating in ((3, 5.0), (30, 1.0))),
        *(event(role, start + 29 + k / 9, subject=f"K{k}", properties={"of": [kind]})
          for role in ("complaint", "ticket_opened") for k, kind in enumerate(("price", "delivery", "product"))),
        event("delivered", start + 30, properties={"of": ["late"]}),
        event("return", start + 30, properties={"of": ["delivery"]}),
        event("ticket_opened", start + 1, subject="A"), event("ticket_solved", start + 1.5, subject="A"),
        event("ticket_opened", start + 4, subject="B"), event("ticket_reopened", start + 5, subject="B"),
        event("subscription_start", start + 2, amount=900), event("subscription_renew", start + 30, amount=1200),
        event("subscription_pause", start + 31),
        *(event("feature_use", start + day, subject=f"f{day}") for day in (1, 20, 31)),
        limits=KINDS_COUNT,
    )  # fmt: skip
    profile.purchases.mix = {"Food": 2, "Books": 1}
    return profile


def test_every_feature_has_something_to_say_of_somebody():
    x = values(everything(), 33)

    assert [name for name in NAMES if x[name] == 0] == ["one_order", "season_due", "season_missed", "cancelled"]
    assert values(everything(), 130)["season_due"] > 0
    assert values(everything(), 500)["season_missed"] > 0


def test_contributions_of_every_feature_sum_to_the_log_odds():
    rng, n = np.random.default_rng(5), len(NAMES)
    model = Weights("x", SCHEMA, rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(0, 0.1, n), -1.0, 4 * WEEK)
    scores = model.score(raws([everything(), everything(5)], "EUR"), np.full(2, T0 + 50 * DAY), CONFIG)

    np.testing.assert_allclose(
        scores.baseline + scores.contributions.sum(axis=1), np.log(scores.risk / (1 - scores.risk)), atol=1e-9
    )
    assert np.count_nonzero(scores.contributions[0]) == n


def test_rolling_ahead_is_the_same_as_waiting_but_for_visits_that_go_on_for_a_while():
    people = [
        buyer(0, 9, 30),
        buyer(2),
        customer(event("visit", 3), event("csat", 4, rating=2.0)),
        Profile("x"),
        everything(),
    ]
    state = raws(people, "EUR")
    now = np.full(5, T0 + 40 * DAY)
    ahead = np.arange(7) * 4 * WEEK

    engagement = np.array([feature.group in ("visits", "use", "shopping") for feature in TABLE])
    present = matrix(state, now)
    for step, later in enumerate(ahead):
        waited = matrix(state, now + later)
        goes_on = engagement * 2 ** (-later / ENGAGED)
        expected = goes_on * present + (1 - goes_on) * waited
        np.testing.assert_allclose(rolled(state, now, ahead)[:, step].T, expected, rtol=1e-12, atol=1e-12)


def test_one_row_does_not_depend_on_its_neighbours():
    people = [buyer(0, 9, 30), Profile("x"), buyer(2), buyer(1, 1.1, 5, 8), customer(event("visit", 3)), everything(9)]

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
        roles={role: Tally(1, 1e300, -1e300, [math.nan, -5.0]) for role in ("visit", "cart", "contact_made")},
        tickets=[Ticket("a", 1e300, 0.0, 0.0), Ticket("b", 1.0, 1e300, 0.0), Ticket("c", math.nan, math.nan, 1.0)],
        opinions={"csat": Opinion(3, math.inf, -math.inf, 1e300), "review": Opinion(1, 1.0, math.nan, -1e300)},
    )  # fmt: skip
    absurd.purchases.mix, absurd.purchases.refunds = {"a": 10**300, "b": 1}, {"EUR": 10**40}

    assert np.isfinite(row(absurd, 0)).all()
    assert np.isfinite(row(Profile("y"), 0)).all()
    assert raws([], "EUR").shape == (0, RAW)


def test_a_snapshot_keeps_the_row_in_four_bytes_a_feature():
    x = row(buyer(0, 10), 20)

    assert len(pack(x)) == 4 * len(NAMES)
    np.testing.assert_allclose(unpack(pack(x)), x, rtol=1e-6)


def test_the_schema_names_these_definitions():
    """If this fails, the features changed: stored snapshots and models of the old ones are refused, as they must be."""
    assert SCHEMA == "072fd5ed"
