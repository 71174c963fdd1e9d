"""What a rule is for, and so what a customer must allow before it may hold for them.

A rule needs the purpose that it names, and `profiling` as soon as it looks at the risk: at the risk itself, its band, a
measure of it, the stage `at_risk`, or a segment that does. Such a rule does not hold at all for who does not allow it,
not even its parts under `not`: that nobody may look at a risk must not read as "their risk is low".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import Condition, leaves
from profiles.consent import PROFILING

__all__ = ["alert_needs", "looks_at_risk", "segment_needs"]


def segment_needs(rules: Sequence[SegmentRule]) -> dict[str, tuple[str, ...]]:
    """The purposes that each segment needs. A rule refers to segments before it only."""
    needs: dict[str, tuple[str, ...]] = {}
    for rule in rules:
        profiled = _profiled(needs)
        looks = any(
            _looks_at_risk(condition, profiled) for condition in (rule.when, rule.exit) if condition is not None
        )
        needs[rule.name] = _together(rule.purpose, looks)
    return needs


def alert_needs(rule: AlertRule, segments: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The purposes that an alert needs, given those of the plan's segments."""
    return _together(rule.purpose, looks_at_risk(rule, segments))


def looks_at_risk(rule: AlertRule, segments: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether an alert depends on the risk, given the purposes of the plan's segments."""
    profiled = _profiled(segments)
    looks = rule.threshold is not None or rule.segment in profiled
    return looks or (rule.when is not None and _looks_at_risk(rule.when, profiled))


def _profiled(needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {name for name, purposes in needs.items() if PROFILING in purposes}


def _looks_at_risk(condition: Condition, profiled: Collection[str]) -> bool:
    return any(leaf.looks_at_risk(profiled) for leaf in leaves(condition))


def _together(purpose: str | None, looks_at_risk: bool) -> tuple[str, ...]:
    named = () if purpose is None else (purpose,)
    return (*named, PROFILING) if looks_at_risk and purpose != PROFILING else named
