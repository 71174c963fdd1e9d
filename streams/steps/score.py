"""Score: the churn risk of every touched customer who allows profiling, in one vectorised call for all batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

from models.churn.panel import Panel
from models.churn.scores import next_rescore
from models.companies.judging import Judging
from models.config import ChurnConfig
from models.labels import outcomes, snapshots
from models.learning.checkpoint import ends_by
from models.segments.lifecycle import AT_RISK, Lifecycles
from profiles.consent import PROFILING, Consent
from profiles.types import Churn, Profile, is_company
from streams.steps.work import Together, Work

__all__ = ["score"]


def score(
    panel: Callable[[], Panel],
    config: ChurnConfig,
    currency: str,
    consent: Consent,
    companies: Judging | None = None,
) -> Together:
    """The step that scores whoever allows profiling, and forgets the score of whoever does not.

    Args:
        panel: answers the models that score now.
        config: of churn, from the plan.
        currency: of the plan.
        consent: who may be scored.
        companies: looks at those; None of a plan without any.
    """

    further, lifecycles = config.each()[1:], Lifecycles(config)
    meanings = {definition.name: crc32(ends_by(definition).encode()) for definition in further}

    def together(works: Sequence[Work]) -> None:
        profiles: list[Profile] = []
        times: list[float] = []
        for work in works:
            for profile in work.live():
                now = work.at(profile)
                if is_company(profile.id):  # what members allow is heeded in their shares
                    if companies is not None:
                        companies.look(profile, now, panel().companies)
                elif consent.allows(profile, PROFILING):
                    profiles.append(profile)
                    times.append(now)
                    if profile.churns:
                        _follow_plan(profile, meanings, work.labels)
                else:
                    _forget(profile, now, lifecycles)
        if not profiles:
            return
        scores = panel().score_profiles(profiles, times, config, currency)
        for profile, now, scored in zip(profiles, times, scores, strict=True):
            profile.score = scored
            profile.rescore_at = next_rescore(profile, now, config) or 0
        for definition in further:
            score_by(definition, profiles, times)
        for profile, now in zip(profiles, times, strict=True):  # by whichever definition the stage goes
            lifecycles.move(profile, now)

    def score_by(definition: ChurnConfig, profiles: Sequence[Profile], times: Sequence[float]) -> None:
        """The same by a further definition of churn, of whom it is or was about."""
        name = definition.name
        concerned = [
            (profile, now)
            for profile, now in zip(profiles, times, strict=True)
            if (profile.churns and name in profile.churns) or outcomes.can_leave(profile, now, definition)
        ]
        if not concerned:
            return
        whose, at = [profile for profile, _ in concerned], [now for _, now in concerned]
        scores = panel().of(name).score_profiles(whose, at, definition, currency)
        for profile, now, scored in zip(whose, at, scores, strict=True):
            churn = outcomes.keep(profile, definition)
            assert isinstance(churn, Churn)
            churn.score, churn.meaning = scored, meanings[name]
            churn.rescore_at = next_rescore(profile, now, definition) or 0
            outcomes.move(profile, now, definition)

    return Together("score", together)


def _follow_plan(profile: Profile, meanings: Mapping[str, int], tally: snapshots.Tally) -> None:
    """Keep nothing of a definition that the plan no longer has, and no labels to come of one with another meaning."""
    profile.churns = {name: churn for name, churn in (profile.churns or {}).items() if name in meanings} or None
    for name, churn in (profile.churns or {}).items():
        snapshots.follow(churn, meanings[name], tally)


def _forget(profile: Profile, now: float, lifecycles: Lifecycles) -> None:
    """No score, none to come, and no earlier stage that tells what it was."""
    profile.score = None
    profile.rescore_at = 0
    for churn in (profile.churns or {}).values():
        churn.score, churn.rescore_at, churn.stage, churn.stage_since = None, 0, "", 0.0
    lifecycles.move(profile, now)
    profile.stages = [earlier for earlier in profile.stages if earlier[0] != AT_RISK]
