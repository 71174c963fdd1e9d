"""A segment before it is saved: who would be in it, found among all customers, part by part."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from console.services.ports import ApiDeps
from console.views.churn import may_be_scored
from console.views.profile import summary_view
from console.views.segments import PreviewRequest, PreviewRow, SegmentPreview
from models.conditions.rules import SegmentRule
from models.conditions.tree import measures_of
from models.population.snapshot import PopulationSnapshot
from models.segments.preview import Move, Preview, compile_preview, too_short, uncounted
from plan import Plan, PlanError, parse_segment
from profiles.errors import Misconfigured
from profiles.types import Profile
from streams.background import aside

__all__ = ["Previewed", "compile_request", "preview", "rule_of"]

_UNNAMED = "preview"
_TOLD = 20  # mistakes of one rule that are told


@dataclass(frozen=True, slots=True)
class Previewed:
    """A segment that is asked about, compiled."""

    rule: SegmentRule
    judge: Preview
    population: PopulationSnapshot


def compile_request(asked: PreviewRequest, plan: Plan, population: PopulationSnapshot) -> Previewed:
    """The segment that a request asks about.

    Raises:
        Misconfigured: a plan would not take it.
    """
    others = plan.segments if asked.others is None else [_read(other, "others") for other in asked.others]
    rule = rule_of(asked)
    if problems := plan.problems_of(rule, others):
        raise Misconfigured("; ".join(problems))
    judge = compile_preview(rule, others, plan.currency, plan.consent, lambda: population)
    return Previewed(rule, judge, population)


def rule_of(asked: PreviewRequest) -> SegmentRule:
    """The rule that a request is about.

    Raises:
        Misconfigured: it is none.
    """
    if asked.rule is not None:
        return _read(asked.rule, "rule", asked.name or _UNNAMED)
    return _read(asked.condition or {}, "condition", asked.name or _UNNAMED)


async def preview(asked: PreviewRequest, segment: Previewed, deps: ApiDeps) -> SegmentPreview:
    """What the segment would make of the part of the customers, or of the companies, that the request is about.

    Raises:
        BadCursor: the request's cursor is none.
    """
    rule, plan, now = segment.rule, deps.plan, await deps.now()
    of_companies = rule.grain == "company"
    read = deps.reader.companies if of_companies else deps.reader.scan
    profiles, following = await read(limit=deps.part, cursor=asked.cursor)
    moves, inside, leaving = await aside(_judge, profiles, now, segment.judge, asked.limit, plan)
    return SegmentPreview(
        name=rule.name,
        words=rule.when.in_words(),
        at=now,
        total=len(profiles) if of_companies else await deps.reader.count(),
        looked_at=len(profiles),
        inside=moves["enters"] + moves["stays"],
        enters=moves["enters"],
        leaves=moves["leaves"],
        sample=[PreviewRow.of(summary_view(profile, plan), change=move) for profile, move in inside],
        leaving=[PreviewRow.of(summary_view(profile, plan), change=move) for profile, move in leaving],
        population=segment.population.version,
        warnings=_warnings(rule, plan, segment.population),
        next=following,
    )


def _read(given: dict[str, Any], what: str, name: str = _UNNAMED) -> SegmentRule:
    try:
        return parse_segment(json.dumps(given), what, name)
    except PlanError as error:
        parts = [(problem.path, problem.message) for problem in error.problems[:_TOLD]]
        told = [": ".join(filter(None, (what, *part))) for part in parts]
        more = len(error.problems) - len(parts)
        raise Misconfigured("; ".join([*told, *([f"and {more} more"] if more else [])])) from None


_Found = list[tuple[Profile, Move]]


def _judge(
    profiles: Sequence[Profile], now: float, judge: Preview, limit: int, plan: Plan
) -> tuple[Counter[str], _Found, _Found]:
    """How many enter, stay and leave, and the riskiest of those inside and of those who leave."""
    moves: Counter[str] = Counter()
    inside: _Found = []
    leaving: _Found = []
    for profile in profiles:
        move = judge(profile, now)
        if move is not None:
            moves[move] += 1
            (leaving if move == "leaves" else inside).append((profile, move))

    def risk(found: tuple[Profile, Move]) -> tuple[float, str]:
        score = found[0].score
        return score.risk if score is not None and may_be_scored(found[0], plan) else -1.0, found[0].id

    return moves, nlargest(limit, inside, key=risk), nlargest(limit, leaving, key=risk)


def _warnings(rule: SegmentRule, plan: Plan, population: PopulationSnapshot) -> list[str]:
    """What the customers' state of now cannot tell of the rule."""
    conditions = rule.conditions()
    found = [
        f"profiles keep the latest {plan.windows.get(role, 0)} times of {role} so far, and this needs {most}: who has "
        "more is not found. Once the plan asks for it they are kept, from then on or by `rapport rebuild`"
        for role, most in too_short(conditions, plan.windows).items()
    ]
    found += [
        f"profiles do not count {role} in this way so far, so nobody is found by it: what `where` asks for is counted "
        "once the plan has it, from then on or by `rapport rebuild`"
        for role in uncounted(conditions, plan.parts)
    ]
    measures, clusters = measures_of(*conditions)
    unknown = sorted(measures - population.edges.keys()) + (
        ["clusters"] if clusters and not population.clusters else []
    )
    if unknown:
        found.append(f"nobody is ranked by {', '.join(unknown)} yet: the workers count the customers now and then")
    return found
