"""A segment before it is saved: who would be in it, found among all customers, part by part."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from heapq import nlargest
from typing import Any

from fastapi import APIRouter

from console.api.errors import ApiError, describe_errors
from console.api.personas import read_findings
from console.services.ports import ApiDeps
from console.views.preview_documents import PreviewRequest, PreviewRow, SegmentPreview
from console.views.profile import Described, may_be_scored, summary_view
from models.conditions.rules import SegmentRule
from models.conditions.tree import measures_of
from models.population.snapshot import PopulationSnapshot
from models.segments.preview import Move, Preview, compile_preview, too_short
from plan import PlanError, parse_segment
from profiles.errors import Misconfigured
from profiles.times import rfc3339
from profiles.types import Profile

__all__ = ["PART", "preview_router"]

PART = 1000
"""About how many profiles one answer is about: some tenth of a second, in which others are served as well."""

_UNNAMED = "preview"


def preview_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/segments/preview."""
    router = APIRouter(prefix="/segments", tags=["segments"])

    @router.post("/preview", summary="Who would be in a segment", responses=describe_errors(400, 401))
    async def preview(asked: PreviewRequest) -> SegmentPreview:
        plan = deps.plan
        if plan is None:
            raise ApiError(400, "no_plan", "this API was started without a plan, which the segments belong to")
        others = plan.segments if asked.others is None else [_read(other, "others") for other in asked.others]
        rule = _rule(asked, plan, others)
        population = (await read_findings(deps)).population
        try:
            judge = compile_preview(rule, others, plan.currency, plan.consent, lambda: population)
        except Misconfigured as error:
            raise ApiError(400, "invalid_segment", str(error)) from None
        now = await deps.now()
        profiles, following = await deps.reader.scan(limit=PART, cursor=asked.cursor)
        moves, inside, leaving = await asyncio.to_thread(_judge, profiles, now, judge, asked.limit, plan)
        return SegmentPreview(
            name=rule.name,
            words=rule.when.in_words(),
            at=rfc3339(now),
            total=await deps.reader.count(),
            looked_at=len(profiles),
            inside=moves["enters"] + moves["stays"],
            enters=moves["enters"],
            leaves=moves["leaves"],
            sample=[PreviewRow(**dict(summary_view(profile, plan)), change=move) for profile, move in inside],
            leaving=[PreviewRow(**dict(summary_view(profile, plan)), change=move) for profile, move in leaving],
            population=population.version,
            warnings=_warnings(rule, plan, population),
            next=following,
        )

    return router


def _rule(asked: PreviewRequest, plan: Described, others: Sequence[SegmentRule]) -> SegmentRule:
    given = asked.rule if asked.rule is not None else asked.condition
    if given is None or (asked.rule is not None and asked.condition is not None):
        raise ApiError(400, "invalid_request", "give a condition, or a rule")
    rule = _read(given, "rule" if asked.rule is not None else "condition", asked.name or _UNNAMED)
    if problems := plan.problems_of(rule, others):
        raise ApiError(400, "invalid_segment", "; ".join(problems))
    return rule


def _read(given: dict[str, Any], what: str, name: str = _UNNAMED) -> SegmentRule:
    try:
        return parse_segment(json.dumps(given), what, name)
    except PlanError as error:
        parts = ((problem.path, problem.message) for problem in error.problems)
        message = "; ".join(": ".join(filter(None, (what, *part))) for part in parts)
        raise ApiError(400, "invalid_segment", message) from None


_Found = list[tuple[Profile, Move]]


def _judge(
    profiles: Sequence[Profile], now: float, judge: Preview, limit: int, plan: Described
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


def _warnings(rule: SegmentRule, plan: Described, population: PopulationSnapshot) -> list[str]:
    """What the customers' state of now cannot tell of the rule."""
    conditions = rule.conditions()
    found = [
        f"profiles keep the latest {plan.windows.get(role, 0)} times of {role} so far, and this needs {most}: who has "
        "more is not found. Once the plan asks for it they are kept, from then on or by `rapport rebuild`"
        for role, most in too_short(conditions, plan.windows).items()
    ]
    measures, clusters = measures_of(*conditions)
    unknown = sorted(measures - population.edges.keys()) + (
        ["clusters"] if clusters and not population.clusters else []
    )
    if unknown:
        found.append(f"nobody is ranked by {', '.join(unknown)} yet: the workers count the customers now and then")
    return found
