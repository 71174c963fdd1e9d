"""Score: the churn risk of every touched customer, in one vectorised call for the batch."""

from __future__ import annotations

from collections.abc import Callable

from models.churn import Weights, next_rescore, score_profiles
from models.config import ChurnConfig
from models.lifecycle import move
from streams.steps.work import Work

__all__ = ["score"]


def score(champion: Callable[[], Weights], config: ChurnConfig, currency: str) -> Callable[[Work], None]:
    """The step.

    Args:
        champion: answers the weights that score now.
        config: of churn, from the plan.
        currency: of the plan.
    """

    def run(work: Work) -> None:
        profiles = work.live()
        if not profiles:
            return
        times = [work.at(profile) for profile in profiles]
        scores = score_profiles(profiles, times, champion(), config, currency)
        for profile, now, scored in zip(profiles, times, scores, strict=True):
            profile.score = scored
            profile.rescore_at = next_rescore(profile, now, config) or 0
            move(profile, now, config)

    return run
