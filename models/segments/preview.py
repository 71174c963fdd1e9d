"""Who a segment would hold before it is in the plan, and who it would let in and out if it is there already."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Literal

from models.conditions.rules import SegmentRule
from models.conditions.tree import Condition, narrowed_in, segments_of, windows
from models.conditions.where import is_narrowed, narrowing, role_in
from models.population.snapshot import PopulationSnapshot
from models.segments.membership import compile_segments
from profiles.consent import Consent
from profiles.types import Profile

__all__ = ["Move", "Preview", "compile_preview", "placed", "too_short", "uncounted", "used_by"]

Move = Literal["enters", "stays", "leaves"]

Preview = Callable[[Profile, float], Move | None]
"""(profile, now) → what the rule would do with a customer, who is in the segments that the profile says."""


def compile_preview(
    rule: SegmentRule,
    others: Sequence[SegmentRule],
    currency: str,
    consent: Consent | None = None,
    population: Callable[[], PopulationSnapshot] = PopulationSnapshot.empty,
) -> Preview:
    """Compile one rule as the workers would after a plan that has it.

    Args:
        rule: takes the place of one with the same name, else it comes last (in its group, if it has one).
        others: the rules of that plan.
        currency: of the plan.
        consent: what holds for customers.
        population: answers the newest one.

    Raises:
        Misconfigured: the rules cannot be computed together.
    """
    segments = compile_segments(used_by(rule, others), currency, consent, population)
    name = rule.name

    def judge(profile: Profile, now: float) -> Move | None:
        inside = name in segments.evaluate(profile, now)
        if name in profile.segments:
            return "stays" if inside else "leaves"
        return "enters" if inside else None

    return judge


def used_by(rule: SegmentRule, others: Sequence[SegmentRule]) -> list[SegmentRule]:
    """A rule with those that it depends on: what it refers to, directly or not, and the rest of their groups."""
    rules = placed(rule, others)
    wanted = {rule.name}
    groups: set[str] = set()
    for each in reversed(rules):
        if each.name in wanted or (each.group is not None and each.group in groups):
            wanted |= {each.name, *segments_of(*each.conditions())}
            if each.group is not None and each.group not in groups:
                groups.add(each.group)
                members = [other for other in rules if other.group == each.group]
                wanted.update(name for member in members for name in (member.name, *segments_of(*member.conditions())))
    return [each for each in rules if each.name in wanted]


def too_short(conditions: Sequence[Condition], kept: Mapping[str, int]) -> dict[str, int]:
    """By role, how many of the latest times conditions count, where a profile keeps fewer."""
    return {
        role_in(key): most
        for key, most in windows(conditions).items()
        if kept.get(key, 0) < most and (not is_narrowed(key) or key in kept)
    }


def uncounted(conditions: Sequence[Condition], parts: Container[str]) -> list[str]:
    """The roles that conditions narrow in a way that profiles do not count."""
    return sorted({role for role, where in narrowed_in(conditions) if narrowing(role, where) not in parts})


def placed(rule: SegmentRule, others: Sequence[SegmentRule]) -> list[SegmentRule]:
    """The rules with this one: in the place of its name, else the last of its group, else the last of all."""
    names = [other.name for other in others]
    rules = list(others)
    if rule.name in names:
        rules[names.index(rule.name)] = rule
        return rules
    last = max(
        (i for i, other in enumerate(others) if rule.group and other.group == rule.group), default=len(rules) - 1
    )
    return [*rules[: last + 1], rule, *rules[last + 1 :]]
