"""Score: the churn risk of every touched customer who allows profiling, in one vectorised call for the batch."""

from __future__ import annotations

from collections.abc import Callable

from models.churn.panel import Panel
from models.churn.scores import next_rescore
from models.config import ChurnConfig
from models.segments.lifecycle import AT_RISK, move
from profiles.consent import PROFILING, Consent
from profiles.types import Profile
from streams.steps.work import Work

__all__ = ["score"]


def score(panel: Callable[[], Panel], config: ChurnConfig, currency: str, consent: Consent) -> Callable[[Work], None]:
    """The step that scores whoever allows profiling, and forgets the score of whoever does not.

    Args:
        panel: answers the models that score now.
        config: of churn, from the plan.
        currency: of the plan.
        consent: who may be scored.
    """

    def run(work: Work) -> None:
        profiles = []
        for profile in work.live():
            if consent.allows(profile, PROFILING):
                profiles.append(profile)
            else:
                _forget(profile, work.at(profile), config)
        if not profiles:
            return
        times = [work.at(profile) for profile in profiles]
        scores = panel().score_profiles(profiles, times, config, currency)
        for profile, now, scored in zip(profiles, times, scores, strict=True):
            profile.score = scored
            profile.rescore_at = next_rescore(profile, now, config) or 0
            move(profile, now, config)

    return run


def _forget(profile: Profile, now: float, config: ChurnConfig) -> None:
    """No score, none to come, and no earlier stage that tells what it was."""
    profile.score = None
    profile.rescore_at = 0
    move(profile, now, config)
    profile.stages = [earlier for earlier in profile.stages if earlier[0] != AT_RISK]
