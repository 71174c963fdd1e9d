"""Conditions in plain words."""

from __future__ import annotations

import pytest

from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.words import duration_in_words


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"trait": "plan", "in": ["plus", "family"]}, "plan is plus or family"),
        ({"trait": "marketing_consent", "is": True}, "marketing_consent is yes"),
        ({"trait": "email", "exists": False}, "email is unknown"),
        ({"trait": "age", "at_least": 18, "below": 30}, "age below 30 and at least 18"),
        ({"identity": "user_id"}, "known by user_id"),
        ({"count": "purchase", "at_least": 3}, "purchase at least 3 times"),
        ({"count": "purchase", "at_least": 1}, "purchase at least 1 time"),
        (
            {"count": "purchase", "above": 1, "at_most": 11, "within": "1d"},
            "purchase above 1 and at most 11 times within 1 day",
        ),
        ({"count": "ticket_opened", "within": "30d", "at_least": 3}, "ticket_opened at least 3 times within 30 days"),
        ({"sum": "revenue", "within": "90d", "above": 100}, "revenue above 100 within 90 days"),
        ({"ratio": ["refunds", "revenue"], "above": 0.3}, "refunds above 0.3 times revenue"),
        ({"ratio": ["ticket_opened", "purchase"], "above": 0.5}, "ticket_opened above 0.5 times purchase"),
        ({"quantile": "revenue", "top": 0.1}, "in the top 10 % by revenue"),
        ({"quantile": "net", "at_most": 0.25}, "in the bottom 25 % by net"),
        ({"quantile": "net", "at_least": 0.4, "at_most": 0.6}, "between 40 % and 60 % by net"),
        ({"rfm": {"recency": "at least 4", "monetary": 5}}, "recency fifth 4 or 5 and monetary fifth 5"),
        ({"cluster": 2}, "in learned cluster 2"),
        ({"sum": "net", "above": 500.5}, "revenue less refunds above 500.5"),
        ({"decayed": "visit", "half_life": "2w", "below": 0.5}, "recent visit below 0.5 (each halves in 2 weeks)"),
        (
            {"since": "cart", "more_than": "2h", "less_than": "7d"},
            "last cart more than 2 hours and less than 1 week ago",
        ),
        ({"since": "any", "more_than": "30d", "or_never": True}, "(last seen more than 30 days ago, or never)"),
        ({"not_done": "visit", "for": "30d"}, "no visit for 30 days (but before)"),
        ({"not_done": "visit", "for": "30d", "or_never": True}, "no visit for 30 days (or never)"),
        ({"risk": "above 0.7"}, "churn risk above 0.7"),
        ({"band": ["medium", "high"]}, "churn risk is medium or high"),
        ({"stage": "new"}, "stage is new"),
        ({"open_tickets": "at least 1"}, "open tickets at least 1"),
        ({"gap_ratio": "above 1.5"}, "silence above 1.5 times the usual gap between orders"),
        ({"opinion": "csat", "average": "below 3"}, "average csat below 3"),
        ({"opinion": "nps", "last": "at most 6"}, "last nps at most 6"),
        (
            {"any": [{"segment": "a"}, {"all": [{"segment": "b"}, {"band": "high"}]}]},
            "in segment a or (in segment b and churn risk is high)",
        ),
        ({"not": {"any": [{"segment": "a"}, {"segment": "b"}]}}, "not (in segment a or in segment b)"),
    ],
)
def test_every_condition_has_words(condition, words):
    """What an analyst reads is what the rule does."""
    assert SegmentRule.model_validate({"name": "x", "when": condition}).when.in_words() == words


def test_an_alert_tells_when_it_opens_and_ends():
    """Threshold, segment, clear level and cooldown."""
    rule = AlertRule.model_validate({"name": "x", "threshold": 0.8, "clear": 0.6, "segment": "vip", "cooldown": "14d"})

    assert rule.in_words() == "churn risk at least 0.8 and in segment vip; ends below 0.6; not again for 2 weeks"


@pytest.mark.parametrize(("seconds", "words"), [(86400, "1 day"), (5400, "90 minutes"), (0.5, "0.5 seconds")])
def test_durations_are_written_in_the_largest_unit_that_fits(seconds, words):
    """No fractions where a smaller unit is whole."""
    assert duration_in_words(float(seconds)) == words
