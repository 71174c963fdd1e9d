"""What the rules know before anything was learned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.kinds.rules import rules
from models.churn.reasons import explain
from models.churn.scores import score_profiles
from models.config import ChurnConfig
from models.durations import DAY
from models.features.reading import raws
from profiles.state import apply
from tests.build import CONFIG, LIMITS, T0, buyer, customer, event

RULES = rules(CONFIG)


def risks(profile, days):
    at = T0 + np.array(days) * DAY
    return RULES.score(raws([profile] * len(days), "EUR"), at, CONFIG).risk


def answer(kind, day, rating):
    return event(kind, day, rating=rating)


happenings = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["complaint", "refund", "visit", "cart", "login", "feature_use", "payment_failed",
                             "unsubscribe", "contact_made", "ticket_opened", "ticket_reopened", "ticket_solved"]),
            st.none(),
        ),
        st.tuples(st.sampled_from(["csat", "review"]), st.sampled_from([1.0, 5.0])),
        st.tuples(st.just("nps"), st.sampled_from([0.0, 10.0])),
    ),
    max_size=8,
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.floats(0, 300), min_size=1, max_size=8), happenings, st.floats(0, 150))
def test_silence_raises_the_risk_whatever_went_before(orders, happened, later):
    profile = buyer(*orders)
    end = max(orders) + later
    for k, (role, rating) in enumerate(happened):
        subject = f"T{k % 2}" if role.startswith("ticket") else ""
        apply(profile, event(role, end - k, amount=100, subject=subject, rating=rating), "EUR", LIMITS)

    assert (np.diff(risks(profile, end + np.arange(0.0, 400.0, 8.0))) >= 0).all()


@settings(deadline=None)
@given(happenings, st.floats(14, 200))
def test_an_order_lowers_the_risk_whatever_went_before(happened, later):
    profile = buyer(0, 30)
    for k, (role, rating) in enumerate(happened):
        subject = f"T{k % 2}" if role.startswith("ticket") else ""
        apply(profile, event(role, 30 + later - k, amount=100, subject=subject, rating=rating), "EUR", LIMITS)
    at = 30 + later
    [before] = risks(profile, [at])

    apply(profile, event("purchase", at, amount=2500), "EUR", LIMITS)

    assert risks(profile, [at])[0] < before


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        ([event("ticket_opened", 1, subject="A")], "Waiting 19 days for an answer to a ticket"),
        ([event("payment_failed", 18), event("payment_failed", 19)], "2 payments refused in the last 30 days"),
        ([answer("csat", 2, 5.0), answer("csat", 19, 1.0)], "Answered CSAT 1 of 5, yesterday"),
    ],
)
def test_bad_support_speaks_from_the_first_day(happened, told):
    plain, troubled = buyer(0), customer(event("purchase", 0, amount=2500), *happened)
    now = [T0 + 20 * DAY] * 2
    plain.score, troubled.score = score_profiles([plain, troubled], now, RULES, CONFIG, "EUR")

    assert troubled.score.risk > plain.score.risk
    assert any(said.text.startswith(told) for said in explain(troubled) if said.effect == "raises")


def test_twice_as_many_contracts_end_in_twice_the_time() -> None:
    """About a fifth in a year, whatever the horizon: the level was the same for eight weeks and for a year."""
    ends = [{"name": f"in_{weeks}", "ends_by": {"subscription": "ended"}, "horizon": f"{weeks}w"} for weeks in (13, 26)]
    churn = ChurnConfig.model_validate({"definitions": ends})
    calm = customer(event("subscription_start", 0, subject="s"))

    quarter, half = (
        rules(churn.of(name)).score(raws([calm], "EUR"), np.array([T0 + DAY]), churn.of(name)).risk[0]
        for name in ("in_13", "in_26")
    )
    assert quarter / (1 - quarter) == pytest.approx(0.5 * half / (1 - half))
    assert 0.03 < quarter < 0.06
