"""Why the risk is what it is, in words for the person who talks to the customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.features.table import TABLE
from profiles.types import Profile, Reason

__all__ = ["Explanation", "explain"]

_SAY = {feature.name: feature.say for feature in TABLE}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason, ready to be shown."""

    feature: str  # the feature that says most of it
    text: str
    effect: Literal["raises", "lowers"]
    contribution: float  # log-odds of the risk
    value: float  # of the feature, in its own unit


def explain(profile: Profile, reasons: list[Reason] | None = None) -> list[Explanation]:
    """The reasons of the profile's score, or of an alert about it, the strongest first.

    Ages are as of the score, which the reader sees beside its time. An alert outlives its score when profiles merge;
    its reasons then have the names of their features in place of words.
    """
    score = profile.score
    if reasons is None:
        reasons = score.reasons if score is not None else []
    return [
        Explanation(
            feature=reason.feature,
            text=_SAY[reason.feature](profile, score.at, reason)
            if score is not None and reason.feature in _SAY
            else reason.feature,
            effect="raises" if reason.contribution > 0 else "lowers",
            contribution=reason.contribution,
            value=reason.value,
        )
        for reason in reasons
    ]
