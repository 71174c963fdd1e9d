import pytest

from models.churn.kinds.rules import rules
from models.churn.reasons import explain
from models.churn.scores import score_profiles
from models.durations import DAY
from models.features.table import NAMES
from profiles.types import Profile, Reason, Score
from tests.build import CONFIG, T0, buyer, customer, event


def told(profile, feature, day=100.0, contribution=0.5):
    value = 0.25 if feature == "refund_share" else 1.0
    profile.score = Score(0.6, "medium", T0 + day * DAY, "m", [Reason(feature, contribution, value)])
    [explanation] = explain(profile)
    return explanation.text


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        ("recency", "Last order 63 days ago, usually every 20 days"),
        ("one_order", "3 orders in 3 months as a customer"),
        ("spend_8w", "Spent 75.00 EUR on 3 orders"),
        ("mean_items", "1.0 items an order"),
        ("visit_2w", "Last visit yesterday"),
        ("log_unseen", "Last seen today"),
        ("early", "Customer for 3 months"),
        ("categories", "Bought from 2 categories, mostly Food"),
        ("feature_use_2w", "No use of the app so far"),
        ("login_decline", "Logged in about 1 time in the last two weeks, before that about 6"),
        ("cart_share", "Cart of today not ordered"),
        ("cart_2w", "Last cart today"),
        ("ticket_opened_8w", "2 tickets opened in the last 30 days"),
        ("ticket_reopened_8w", "1 ticket reopened in the last 30 days"),
        ("oldest_open", "2 open tickets, one for 8 days"),
        ("resolution", "Tickets took 48 days to be solved"),
        ("complaint_8w", "3 complaints in the last 30 days, the last 3 days ago"),
        ("inquiry_8w", "No inquiry so far"),
        ("open_tickets", "2 open tickets, one for 8 days"),
        ("low_csat", "Answered CSAT 2 of 5, 4 days ago"),
        ("csat_drop", "Answered CSAT 2 of 5, 4 days ago, on average 3.5"),
        ("low_nps", "No NPS answer yet"),
        ("low_review", "Reviewed with 1 of 5, 3 days ago"),
        ("refund_8w", "1 refund in the last 30 days"),
        ("refund_share", "25% of the money spent was refunded"),
        ("payment_failed_8w", "Last payment refused 53 days ago"),
        ("contact_made_8w", "No message sent by us so far"),
        ("cancelled", "Subscription cancelled 7 days ago"),
        ("unsubscribe_8w", "Has not unsubscribed"),
        ("contact_clicked_8w", "No click in our messages so far"),
        ("a_feature_of_tomorrow", "a_feature_of_tomorrow"),
    ],
)
def test_reasons_speak_of_the_customer(feature, text):
    profile = customer(
        event("purchase", 0, amount=2500), event("purchase", 20, amount=2500), event("purchase", 40, amount=2500),
        event("visit", 102), event("cart", 103), event("ticket_opened", 95, subject="A"),
        event("ticket_opened", 100, subject="B"), event("csat", 99, rating=2.0), event("refund", 93, amount=100),
        event("csat", 9, rating=5.0), event("review", 100, rating=1.0), event("payment_failed", 50),
        event("ticket_opened", 10, subject="C"), event("ticket_solved", 20, subject="C"),
        event("ticket_opened", 11, subject="D"), event("ticket_reopened", 95, subject="D"),
        event("ticket_solved", 96, subject="D"), event("complaint", 80), event("complaint", 85),
        event("complaint", 100), *(event("login", day * 14 / 6) for day in range(38)), event("login", 95),
        event("subscription_start", 1), event("subscription_cancel", 96),
    )  # fmt: skip
    profile.purchases.mix = {"Books": 1, "Food": 2}

    assert told(profile, feature, 103) == text


def test_short_histories():
    assert told(buyer(0), "recency", 1) == "Last order yesterday, the only one so far"
    assert told(buyer(0, 12), "recency", 12) == "Last order today, 12 days after the first"


def test_every_feature_has_words_even_for_an_empty_profile():
    for name in NAMES:
        assert told(Profile("x"), name)
        assert told(buyer(0), name)


def test_who_left_hears_of_silence_and_who_stays_of_what_keeps_them():
    gone, here = buyer(0, 20, 40, 60), buyer(300, 310, 320, 330, 340)
    now = T0 + 345 * DAY
    gone.score, here.score = score_profiles([gone, here], [now, now], rules(CONFIG), CONFIG, "EUR")

    assert explain(gone)[0].text == "Last order 9 months ago, usually every 20 days"
    assert explain(gone)[0].effect == "raises"
    assert explain(here)[0].effect == "lowers"
    assert explain(Profile("x")) == []
