"""Score: the churn risk of every touched customer who allows profiling, in one vectorised call for all batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.churn.panel import Panel
from models.churn.scores import next_rescore
from models.config import ChurnConfig
from models.segments.lifecycle import AT_RISK, move
from profiles.consent import PROFILING, Consent
from profiles.types import Profile, is_company
from streams.steps.work import Together, Work

__all__ = ["score"]


def score(panel: Callable[[], Panel], config: ChurnConfig, currency: str, consent: Consent) -> Together:
    """The step that scores whoever allows profiling, and forgets the score of whoever does not.

    Args:
        panel: answers the models that score now.
        config: of churn, from the plan.
        currency: of the plan.
        consent: who may be scored.
    """

    def together(works: Sequence[Work]) -> None:
        profiles: list[Profile] = []
        times: list[float] = []
        for work in works:
            for profile in work.live():
                now = work.at(profile)
                if is_company(profile.id):  # no model has learned of any
                    move(profile, now, config)
                elif consent.allows(profile, PROFILING):
                    profiles.append(profile)
                    times.append(now)
                else:
                    _forget(profile, now, config)
        if not profiles:
            return
        scores = panel().score_profiles(profiles, times, config, currency)
        for profile, now, scored in zip(profiles, times, scores, strict=True):
            profile.score = scored
            profile.rescore_at = next_rescore(profile, now, config) or 0
            move(profile, now, config)

    return Together("score", together)


def _forget(profile: Profile, now: float, config: ChurnConfig) -> None:
    """No score, none to come, and no earlier stage that tells what it was."""
    profile.score = None
    profile.rescore_at = 0
    move(profile, now, config)
    profile.stages = [earlier for earlier in profile.stages if earlier[0] != AT_RISK]
