"""Why the risk is what it is, in words for the person who talks to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from models.churn.scores import LIKE
from models.companies.words import PREFIX, reason_in_words
from models.features.table import NAMES, ORDERED, TABLE
from models.labels.groups import in_words
from profiles.types import Profile, Reason, Score

__all__ = ["GONE", "Departure", "Explanation", "departure", "explain", "remark"]

_SAY = {feature.name: feature.say for feature in TABLE}
_OF_ORDERS = frozenset(NAMES[:ORDERED])


GONE = 0.75
"""From this chance of having left on, a customer is told as one who has."""

_ACTS = ("login", "feature_use", "cart", "checkout", "ticket_opened", "complaint", "csat", "nps", "ces", "review")
"""What only customers do who are still there; who has left may still look at a page, or read a message."""


@dataclass(frozen=True, slots=True)
class Departure:
    """When a customer has left, and why."""

    around: float  # the time of the last thing that they did as a customer
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason, ready to be shown."""

    feature: str  # the feature that says most of it
    text: str
    effect: Literal["raises", "lowers"]
    contribution: float  # log-odds of the risk
    value: float  # of the feature, in its own unit
    cause: bool  # why somebody leaves: trouble or a fall of use beyond what is usual; else what follows, or keeps them


def explain(profile: Profile, reasons: list[Reason] | None = None, score: Score | None = None) -> list[Explanation]:
    """The reasons of the profile's score, or of an alert about it: causes first, then the strongest.

    Args:
        profile: the customer.
        reasons: those of the score unless given.
        score: by a further definition of churn; the profile's unless given, and of who has none, any that it has.

    Ages are as of the score, which the reader sees beside its time. An alert outlives its score when profiles merge;
    its reasons then have the names of their features in place of words.
    """
    score = score or profile.score or next((held.score for held in (profile.churns or {}).values()), None)
    if reasons is None:
        reasons = score.reasons if score is not None else []
    told = [(reason, _text(profile, reason, score)) for reason in reasons]
    return [
        Explanation(
            feature=reason.feature,
            text=text,
            effect="raises" if reason.contribution > 0 else "lowers",
            contribution=reason.contribution,
            value=reason.value,
            cause=reason.cause,
        )
        for reason, text in told
        if text
    ]


def remark(told: Sequence[Explanation], score: Score) -> str | None:
    """What reasons leave open, in a sentence: that nothing raises the risk, or that no cause of it shows.

    Args:
        told: all reasons of the score.
        score: whose reasons they are.
    """
    if not any(each.effect == "raises" for each in told):
        return "Nothing that is known of the customer raises the risk above that of the average customer"
    if score.band != "low" and not any(each.cause for each in told):
        return "No cause shows: no trouble and no fall of use that would be more than is usual"
    return None


def departure(profile: Profile, score: Score | None = None) -> Departure | None:
    """When a customer left who has, and what had gone wrong before; None of who is probably still there.

    Args:
        profile: the customer.
        score: as of `explain`.
    """
    score = score or profile.score
    if score is None or score.left is None or score.left < GONE:
        return None
    acts = [tally.last for role in _ACTS if (tally := profile.roles.get(role)) is not None]
    around = max([profile.purchases.last, *acts])
    day = datetime.fromtimestamp(around, UTC)
    causes = [_text(profile, reason, score) for reason in score.reasons if reason.cause]
    causes = [text[0].lower() + text[1:] for text in causes if text]
    after = f", after: {'; '.join(causes)}" if causes else ""
    return Departure(around, f"Has probably left, around {day.day} {day:%B %Y}{after}")


def _text(profile: Profile, reason: Reason, score: Score | None) -> str:
    """A reason in words that agree with its sign; none where they do not, as when the customer has gone on since."""
    if reason.feature.startswith(LIKE):
        group = reason.feature.removeprefix(LIKE)
        whose = f"Customers {in_words(group)}" if group else "Customers"
        return f"{whose} leave {'more' if reason.contribution > 0 else 'less'} often than what is known of them says"
    if reason.feature.startswith(PREFIX):
        return reason_in_words(reason.feature, reason.value)
    if score is None:
        return reason.feature
    if reason.feature in _OF_ORDERS and not profile.purchases.orders:  # who may leave in another way than by orders
        return "No order so far" if reason.contribution > 0 else ""
    return _SAY[reason.feature](profile, score.at, reason) if reason.feature in _SAY else reason.feature
