import pytest

from models.churn.kinds.rules import rules
from models.churn.reasons import departure, explain, remark
from models.churn.scores import score_profiles
from models.durations import DAY
from models.features.table import NAMES
from profiles.types import Profile, Reason, Score
from tests.build import CONFIG, T0, buyer, customer, event


def told(profile, feature, day=100.0, contribution=0.5):
    value = 0.25 if feature == "refund_share" else 1.0
    profile.score = Score(0.6, "medium", T0 + day * DAY, "m", [Reason(feature, contribution, value)])
    return "".join(explanation.text for explanation in explain(profile))


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        ("recency", "Last order 63 days ago, usually every 20 days"),
        ("one_order", "Orders less often than the average customer: 3 orders in 3 months"),
        ("spend_8w", "Spent 75.00 EUR on 3 orders, less than the average customer"),
        ("mean_items", "1.0 items an order, fewer than the average customer"),
        ("visit_2w", ""),
        ("log_unseen", "Last seen today"),
        ("early", "Customer for only 3 months"),
        ("categories", ""),
        ("feature_use_2w", ""),
        ("login_decline", "Logged in about 1 time in the last two weeks, before that about 6"),
        ("cart_share", "Cart of today not ordered"),
        ("cart_2w", "Last cart today"),
        ("ticket_opened_8w", "2 tickets opened in the last 30 days"),
        ("ticket_reopened_8w", "1 ticket reopened in the last 30 days"),
        ("oldest_open", "2 open tickets, one for 8 days"),
        ("resolution", "Tickets took 48 days to be solved"),
        ("complaint_8w", "3 complaints in the last 30 days, the last 3 days ago"),
        ("inquiry_8w", ""),
        ("open_tickets", "2 open tickets, one for 8 days"),
        ("low_csat", "Answered CSAT 2 of 5, 4 days ago"),
        ("csat_drop", "Answered CSAT 2 of 5, 4 days ago, on average 3.5"),
        ("low_nps", ""),
        ("low_review", "Reviewed with 1 of 5, 3 days ago"),
        ("refund_8w", "1 refund in the last 30 days"),
        ("refund_share", "25% of the money spent was refunded"),
        ("payment_failed_8w", "Last payment refused 53 days ago"),
        ("contact_made_8w", ""),
        ("cancelled", "Subscription cancelled 7 days ago"),
        ("unsubscribe_8w", ""),
        ("contact_clicked_8w", ""),
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


@pytest.mark.parametrize(
    ("reasons", "band", "begins"),
    [
        ([], "high", "Nothing that is known"),
        ([Reason("recency", -0.5, 1.0)], "low", "Nothing that is known"),
        ([Reason("recency", 0.5, 9.0)], "high", "No cause shows"),
        ([Reason("recency", 0.5, 9.0)], "low", None),
        ([Reason("complaint_8w", 0.5, 1.0, cause=True)], "high", None),
    ],
)
def test_what_reasons_leave_open_is_said(reasons, band, begins):
    profile = customer(event("purchase", 0, amount=900), event("complaint", 60))
    score = Score(0.6, band, T0 + 63 * DAY, "rules-3", reasons)

    said = remark(explain(profile, reasons, score), score)

    assert said is None if begins is None else said is not None and said.startswith(begins)


def test_short_histories():
    assert told(buyer(0), "recency", 34) == "Only one order so far, 34 days ago"
    assert told(buyer(0), "recency", 1, -0.5) == "First order only yesterday"
    assert told(buyer(0, 12), "recency", 12, -0.5) == "Last order today, 12 days after the first"
    assert told(buyer(0, 12), "recency", 33) == "Last order 21 days ago, 12 days after the first"
    assert told(buyer(0, 12), "recency", 33, -0.5) == "Last order only 21 days ago"
    assert told(buyer(0, 12), "recency", 80, -0.5) == ""


def test_what_lowers_a_risk_is_told_in_other_words():
    regular = customer(
        *(event("purchase", day, amount=2500) for day in range(0, 100, 10)),
        *(event("visit", day) for day in range(98)), event("subscription_start", 1), event("contact_clicked", 97),
    )  # fmt: skip
    regular.purchases.mix = {"Books": 1, "Food": 2}

    texts = {name: told(regular, name, 98, -0.5) for name in NAMES}

    assert texts["recency"] == "Last order 8 days ago, usually every 10 days"
    assert texts["orders"] == "Orders more often than the average customer: 10 orders in 3 months"
    assert texts["log_revenue"] == "Spent 250.00 EUR on 10 orders, more than the average customer"
    assert texts["visit_2w"].startswith("Visited about 13 times in the last two weeks")
    assert texts["early"] == "Customer for 3 months"
    assert texts["categories"] == "Bought from 2 categories, mostly Food"
    assert texts["subscribed"] == "Subscribed for 3 months"
    assert texts["contact_clicked_8w"] == "Last click in our messages yesterday"


def test_of_nothing_nothing_is_told():
    """No sentence fails for who has done nothing, and none says what nobody did."""
    for name in NAMES:
        for contribution in (0.5, -0.5):
            assert not told(buyer(0), name, 100, contribution).startswith(("No ", "Nothing", "Has not"))
            text = told(customer(event("visit", 3)), name, 100, contribution)
            assert not text.startswith(("No ", "Nothing", "Has not")) or (text, contribution) == (
                "No order so far",
                0.5,
            )


@pytest.mark.parametrize(("left", "said"), [(None, False), (0.7, False), (0.8, True)])
def test_who_has_left_is_told_when_and_after_what(left, said):
    """A look at a page is no sign of a customer who is there."""
    gone = customer(
        event("purchase", 0, amount=2500), event("purchase", 20, amount=2500), event("login", 25),
        event("payment_failed", 24), event("payment_failed", 25), event("visit", 50),
    )  # fmt: skip
    reasons = [Reason("payment_failed_8w", 0.2, 1.3, cause=True), Reason("recency", 1.5, 5.0)]
    gone.score = Score(0.9, "high", T0 + 52 * DAY, "m", reasons, left=left, leaving=None if left is None else 0.05)

    found = departure(gone)

    assert (found is not None) is said
    if found is not None:
        assert found.around == T0 + 25 * DAY
        day, after = found.text.split(", after: ")
        assert day == "Has probably left, around 9 December 2023"
        assert after == "2 payments refused in the last 30 days, the last 27 days ago"


def test_an_alert_is_not_told_what_is_over():
    """Its reasons are those of when it opened; the customer has ordered since."""
    profile = buyer(0, 20, 40, 103)
    profile.score = Score(0.2, "low", T0 + 104 * DAY, "m")

    assert explain(profile, [Reason("recency", 1.5, 9.0)]) == []


def test_who_left_hears_of_silence_and_who_stays_of_what_keeps_them():
    gone, here = buyer(0, 20, 40, 60), buyer(300, 310, 320, 330, 340)
    now = T0 + 345 * DAY
    gone.score, here.score = score_profiles([gone, here], [now, now], rules(CONFIG), CONFIG, "EUR")

    assert explain(gone)[0].text == "Last order 9 months ago, usually every 20 days"
    assert explain(gone)[0].effect == "raises"
    assert explain(here)[0].effect == "lowers"
    assert explain(Profile("x")) == []
