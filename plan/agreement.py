"""Whether all living processes have the same plan; if not, which rules are held, for how long, and who has to know.

While workers that decide have different plans, only the rules that are the same in all of them are evaluated
(`models.segments.held`). A change that rolls through the workers takes seconds. After a minute somebody is stuck with
the old plan: then workers with the newest one go ahead, the others still hold, so that no customer is sent to and fro.
The newest is the one of the highest version, and of the same version the one that was in use last for the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from models.segments.held import Held
from profiles.units import PlanRules, PlanSign, PlansInUse

__all__ = ["PATIENCE", "Agreement", "agree"]

PATIENCE = 60.0
"""Seconds of disagreement after which the newest plan goes ahead."""

_SHOWN = 8  # names


@dataclass(frozen=True, slots=True)
class Agreement:
    """What living processes say of their plans."""

    plans: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)  # version, processes; newest first
    since: float = 0.0  # when they began to differ; 0: they have not for `PATIENCE`
    last: float = 0.0  # when they were seen to differ last
    held: Held = field(default_factory=Held)  # by all, and once `overdue` by who has not the newest plan
    lasts: float = 0.0  # seconds that they have differed…
    overdue: bool = False  # …which is longer than a rolling change takes

    @property
    def differ(self) -> bool:
        """Whether there is more than one plan."""
        return len(self.plans) > 1

    @property
    def settling(self) -> bool:
        """Whether something is held by all, as it is for a minute at most."""
        return not self.overdue and any(self.held)

    def held_by(self, plan: str) -> Held:
        """The rules that a process with this plan holds."""
        return Held() if self.overdue and plan == next(iter(self.plans), plan) else self.held

    def in_words(self) -> str:
        """Which plans there are, who has them, and what is held."""
        plans = "; ".join(f"version {version} ({plan}): {_some(who)}" for plan, (version, who) in self.plans.items())
        if not self.differ:
            return plans
        rules = [*sorted(self.held.segments), *sorted(self.held.alerts)]
        if not rules:
            return f"{plans}. Those who move customers have the same segments and alerts"
        goes_on = "; who has the first goes ahead with them, the others hold them" if self.overdue else ""
        return f"{plans}. What differs is held, nobody enters or leaves: {_some(rules)}{goes_on}"


def agree(found: PlansInUse, before: Agreement | None = None) -> Agreement:
    """Compare the plans of living processes.

    Args:
        found: what they show.
        before: what was found at the last look, if there was one. A worker that comes and goes with an old plan does
            not make the minute begin anew: that takes a minute in which all agree.
    """
    who: dict[str, list[str]] = {}
    for process, sign in sorted(found.signs.items()):
        who.setdefault(sign.plan, []).append(process)
    deciding = [sign for sign in found.signs.values() if sign.decides]
    decides = {sign.plan for sign in deciding}
    newest_first = sorted(who, key=lambda plan: (plan in decides, *_age(plan, found)), reverse=True)
    plans = {plan: (_version(plan, found.signs.values()), tuple(who[plan])) for plan in newest_first}
    since, last = (before.since, before.last) if before is not None else (0.0, 0.0)
    if len(plans) < 2:
        return Agreement(plans, since, last) if found.now - last <= PATIENCE else Agreement(plans)
    began = max(min(sign.began for sign in found.signs.values() if sign.plan == plan) for plan in plans)
    since = min(since or began, began)
    lasts = found.now - since
    return Agreement(plans, since, found.now, _differing(found, decides), lasts, lasts > PATIENCE)


def _age(plan: str, found: PlansInUse) -> tuple[int, float]:
    rules = found.rules.get(plan)
    return _version(plan, found.signs.values()), rules.first if rules is not None else found.now


def _version(plan: str, signs: Iterable[PlanSign]) -> int:
    return max(sign.version for sign in signs if sign.plan == plan)


def _differing(found: PlansInUse, plans: Iterable[str]) -> Held:
    """The rules that are not the same in all of these plans. Of a plan that is not told yet, none is known to be."""
    rules = [found.rules.get(plan, PlanRules(version=0, segments={}, alerts={})) for plan in plans]
    return Held(_not_the_same([each.segments for each in rules]), _not_the_same([each.alerts for each in rules]))


def _not_the_same(maps: list[Mapping[str, str]]) -> frozenset[str]:
    names = {name for each in maps for name in each}
    return frozenset(name for name in names if len({each.get(name) for each in maps}) > 1)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
