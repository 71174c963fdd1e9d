"""What of the analyses a plan makes possible: computed from what they need and what its events mean."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from analysis.archive.facts import planned_facts
from analysis.declaration import Analysis, Need
from analysis.registry import analyses
from plan import Plan

__all__ = ["Covered", "Missing", "coverage"]

_OF_EVENTS = frozenset({"amount", "quantity", "subject", "rating", "category", "refund"})
"""Facts that a plan maps by its `facts`, besides those of the archive's columns."""

_OF_CONTEXT = frozenset(
    {"channel", "device", "os", "browser", "locale", "language", "referrer", "utm_source", "utm_medium", "utm_campaign"}
)
"""What SDKs say of themselves with every event."""


class Missing(NamedTuple):
    """Something that a plan does not give."""

    what: str  # a role, or a fact of one
    figures: tuple[str, ...]  # that are not there without it; () if the analysis cannot be made
    hint: str  # what would give it


class Covered(NamedTuple):
    """How far an analysis is possible."""

    analysis: Analysis[Any]
    state: Literal["full", "partly", "not possible"]
    missing: list[Missing]


def coverage(plan: Plan) -> list[Covered]:
    """Of every analysis how far a plan's events make it possible."""
    given = _given(plan)
    return [_covered(analysis, given) for analysis in analyses().values()]


def _covered(analysis: Analysis[Any], given: dict[str, set[str]]) -> Covered:
    missing = [found for need in analysis.needs for found in _lacking(need, given)]
    if any(not each.figures for each in missing):
        return Covered(analysis, "not possible", missing)
    return Covered(analysis, "partly" if missing else "full", missing)


def _lacking(need: Need, given: dict[str, set[str]]) -> list[Missing]:
    roles = list(given) if need.role == "*" else [role for role in need.role.split("|") if role in given]
    if not roles:
        names = " or ".join(need.role.split("|"))
        return [Missing(names, need.figures, f"an event with `role: {names}`")]
    there = set.union(*(given[role] for role in roles))
    lacking = [fact for fact in need.facts if fact not in there]
    where = " or ".join(roles)
    return [Missing(f"{fact} of {where}", need.figures, f"a property for `facts: {{{fact}: …}}`") for fact in lacking]


def _given(plan: Plan) -> dict[str, set[str]]:
    """Of each role that the plan's events have, the facts that they may carry."""
    found: dict[str, set[str]] = {}
    for rule in plan.rules:
        if not rule.role:
            continue
        said = {name for name in _OF_EVENTS if getattr(rule.spec.facts, name, None)}
        company = {"company"} if plan.group else set()
        found.setdefault(rule.role, set()).update(said, planned_facts(rule), _OF_CONTEXT, company)
    return found
