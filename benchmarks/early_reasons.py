"""Do the reasons of a score name why a customer leaves, and only then? As the product tells them at a time of the log.

What counts as named is what the product tells as a cause: that they have not been seen for long is none. The models are
those at the end of the log; the profile is as it was at the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from models.backtest.playback import Log
from models.churn.panel import Panel
from models.churn.reasons import Explanation, explain
from models.config import ChurnConfig
from models.features.table import COLUMN, TABLE
from profiles.state import Limits, apply
from profiles.types import Event, Profile

__all__ = ["NO_CAUSE", "Moment", "Named", "judge_reasons", "named_causes", "raising"]

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

NO_CAUSE = ("base", "")
"""Who leaves for nothing that shows, and who stays: a cause that is told of them is a false one."""


@dataclass(frozen=True)
class Moment:
    """A customer at a time at which their reasons are asked for."""

    profile: str
    at: float
    cause: str  # why they leave; "" of who stays


@dataclass(frozen=True)
class Named:
    """How often the true cause was named; of NO_CAUSE, how often any was."""

    customers: int
    first: float  # by the first reason that raises the risk
    three: float  # by one of the first three


def named_causes(told: Explanation) -> frozenset[str]:
    """The causes of the simulated shop that a reason speaks of."""
    if not told.cause or told.feature not in COLUMN:
        return frozenset()
    return NAMES.get(TABLE[COLUMN[told.feature]].group, frozenset())


def raising(profile: Profile) -> list[Explanation]:
    """The first three reasons that raise the risk."""
    return [told for told in explain(profile) if told.effect == "raises"][:3]


def judge_reasons(
    log: Log, moments: Sequence[Moment], panel: Panel, config: ChurnConfig, currency: str, limits: Limits
) -> dict[str, Named]:
    """By cause, and `all` that show: how often the reasons name it."""
    hits: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for moment, profile in zip(moments, _scored(log, moments, panel, config, currency, limits), strict=True):
        if profile.score is None:
            continue
        named = [named_causes(told) for told in raising(profile)]
        told = [bool(causes) if moment.cause in NO_CAUSE else moment.cause in causes for causes in named]
        for cause in (moment.cause, *(() if moment.cause in NO_CAUSE else ("all",))):
            hits[cause].append((any(told[:1]), any(told)))
    return {
        cause: Named(len(found), sum(one for one, _ in found) / len(found), sum(any_ for _, any_ in found) / len(found))
        for cause, found in sorted(hits.items())
    }


def _scored(
    log: Log, moments: Sequence[Moment], panel: Panel, config: ChurnConfig, currency: str, limits: Limits
) -> list[Profile]:
    due: dict[str, list[int]] = defaultdict(list)
    for place, moment in sorted(enumerate(moments), key=lambda each: -each[1].at):
        due[moment.profile].append(place)  # the next one last
    people = {name: Profile(name) for name in due}
    packed = [b""] * len(moments)

    def keep(name: str, until: float) -> None:
        while due[name] and moments[due[name][-1]].at < until:
            packed[due[name].pop()] = msgspec.msgpack.encode(people[name])

    for record in sorted((each for each in log.records if isinstance(each, Event)), key=attrgetter("time")):
        if record.profile in people:
            keep(record.profile, record.time)
            apply(people[record.profile], record, currency, limits)
    for name in people:
        keep(name, float("inf"))
    found = [msgspec.msgpack.decode(each, type=Profile) for each in packed]
    scores = panel.score_profiles(found, [moment.at for moment in moments], config, currency)
    for profile, score in zip(found, scores, strict=True):
        profile.score = score
    return found
