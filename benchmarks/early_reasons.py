"""Do the reasons of a score name why a customer leaves? As told by the product at the end of each leaver's last week.

The models are those at the end of the log; the profile is as it was at the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from models.backtest.playback import Log
from models.churn.panel import Panel
from models.churn.reasons import explain
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.table import COLUMN, TABLE
from profiles.state import Limits, apply
from profiles.types import Event, Profile

__all__ = ["Leaver", "Named", "judge_reasons", "named_causes", "reasons_of"]

NAMES: dict[str, frozenset[str]] = {
    "support": frozenset({"support"}),
    "opinion": frozenset({"support"}),
    "delivery": frozenset({"delivery"}),
    "refunds": frozenset({"delivery"}),
    "returns": frozenset({"delivery"}),
    "price": frozenset({"price"}),
    "use": frozenset({"usage"}),
    "visits": frozenset({"usage"}),
}
"""Which causes a group of features speaks of. Silence and habit are none: they are what follows."""

FEATURES: dict[str, frozenset[str]] = {
    "cart_left": frozenset({"price"}),
    "cart_share": frozenset({"price"}),
}
"""Features that speak of other causes than their group."""


@dataclass(frozen=True)
class Leaver:
    """Somebody who left for a cause that shows."""

    profile: str
    week: int  # the first without them
    cause: str


@dataclass(frozen=True)
class Named:
    """How often the true cause was named."""

    leavers: int
    first: float  # by the first reason that raises the risk
    three: float  # by one of the first three


def named_causes(feature: str) -> frozenset[str]:
    """The causes that a reason under this feature speaks of."""
    if feature in FEATURES:
        return FEATURES[feature]
    group = TABLE[COLUMN[feature]].group if feature in COLUMN else feature
    return NAMES.get(group, frozenset())


def reasons_of(profile: Profile) -> list[str]:
    """The features of the reasons that raise the risk, in the order in which they are told."""
    return [told.feature for told in explain(profile) if told.effect == "raises"]


def judge_reasons(
    log: Log, leavers: Sequence[Leaver], panel: Panel, config: ChurnConfig, currency: str, limits: Limits
) -> dict[str, Named]:
    """By cause, and `all`: how often the reasons at the end of the last week name it."""
    profiles = _scored(log, leavers, panel, config, currency, limits)
    hits: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for leaver, profile in zip(leavers, profiles, strict=True):
        if profile.score is not None:
            told = [leaver.cause in named_causes(feature) for feature in reasons_of(profile)[:3]]
            hit = (any(told[:1]), any(told))
            hits[leaver.cause].append(hit)
            hits["all"].append(hit)
    return {
        cause: Named(len(found), sum(one for one, _ in found) / len(found), sum(any_ for _, any_ in found) / len(found))
        for cause, found in sorted(hits.items())
    }


def _scored(
    log: Log, leavers: Sequence[Leaver], panel: Panel, config: ChurnConfig, currency: str, limits: Limits
) -> list[Profile]:
    until = {leaver.profile: log.start + leaver.week * WEEK for leaver in leavers}
    profiles = {name: Profile(name) for name in until}
    for record in log.records:
        if isinstance(record, Event) and record.time <= until.get(record.profile, 0.0):
            apply(profiles[record.profile], record, currency, limits)
    found = [profiles[leaver.profile] for leaver in leavers]
    scores = panel.score_profiles(found, [until[leaver.profile] for leaver in leavers], config, currency)
    for profile, score in zip(found, scores, strict=True):
        profile.score = score
    return found
