"""What is suggested: by the strongest reason that something can be done about; nothing where there is nothing to do."""

from __future__ import annotations

import pytest

from models.companies.words import _SAY, PREFIX
from models.features.table import NAMES
from models.features.tones import CAUSES
from streams.sinks.messages import Consents, Reason
from streams.sinks.wording import suggestions
from tests.told import alert, customer


def because(*features):
    """An alert for these reasons, the weakest first."""
    reasons = [Reason("…", "raises", 1.0 + place, feature) for place, feature in enumerate(features)]
    return alert(reasons=[*reasons, Reason("…", "lowers", -9.0, "payment_failed_8w")])


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (["complaint_8w", "open_tickets"], "See to what they asked of the support"),
        (["open_tickets", "complaint_8w"], "Make good what they complained about"),
        (["complaint_8w", "recency"], "Make good what they complained about"),
        (["recency"], "Get in touch"),
        ([f"{PREFIX}overdue"], "Help them to pay: a payment was refused"),
        ([f"{PREFIX}silent", f"{PREFIX}ends"], "Talk with them about the next contract"),
        ([], "Get in touch"),
    ],
)
def test_the_strongest_reason_that_can_be_done_something_about(features, text):
    assert suggestions.suggestion(because(*features)) == text


def test_nothing_for_what_has_ended_nor_for_who_does_not_want_to_be_reached():
    assert suggestions.suggestion(alert(state="resolved")) is None
    assert suggestions.suggestion(alert(state="cleared")) is None
    assert suggestions.suggestion(alert(customer=customer(consent=Consents("denied", "granted")))) is None


def test_who_has_left_is_won_back_and_who_allows_no_profiling_spoken_to():
    assert suggestions.suggestion(alert(customer=customer(stage="churned"))) == "Win them back"
    assert suggestions.suggestion(alert(reasons=None, risk=None)) == "Get in touch"


def test_every_cause_has_its_suggestion_and_every_feature_of_one_exists():
    assert suggestions._OF.keys() >= CAUSES
    assert suggestions._OF.keys() <= {*NAMES, *(f"{PREFIX}{name}" for name in _SAY)}
