"""Who needs somebody: cases of customers and companies, those with most at risk first, and what people do."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from console.access.masking import company_trait, sight_of
from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.live.streaming import stream
from console.pages.tables.csv_tables import cell
from console.services.assignees import assignees
from console.services.cases import MINE, Filters, Listed, all_cases, list_cases
from console.services.first_steps import FirstSteps
from console.services.open_cases import Sort
from console.services.ports import ApiDeps
from console.views.matters.cases import CaseRowView, case_row_view
from console.views.matters.outcomes import OutcomesView, outcomes_view
from models.cases.following import RETENTION, WIN_BACK
from plan import Plan
from profiles.types import Profile

__all__ = ["at_risk_router"]

NOBODY = "nobody"
"""As the person who has a case."""

_PER_PAGE = 50
_PER_READ = 200  # cases of the table as CSV that are read at once
_TABS = ("new", MINE, "acknowledged", "snoozed", "done")
_CHOSEN = ("segment", "band", "rule", "owner")  # by any value
_PARTS = ("outcomes", "tabs", "cases")
_GRAINS = ("customer", "company")
_KINDS = ("case",)
_LOOKS = 5.0  # seconds after which values and risks are looked at anew, if nothing happens to a case


def at_risk_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /, its stream and its table as CSV."""
    router = APIRouter(include_in_schema=False)
    reads, first_steps = Depends(entry.may("alerts:read")), FirstSteps(deps)

    @router.get("/")
    async def at_risk(request: Request, viewer: Viewer = reads) -> Response:
        guide = await first_steps.of(viewer, str(request.base_url))
        guide = guide if guide and not guide.done else None
        return await frame.page(request, viewer, "at_risk", guide=guide, **await values(request, viewer))

    @router.get("/live/at-risk")
    async def live(request: Request, guided: bool = False, viewer: Viewer = reads) -> Response:
        language = language_of(request)

        async def render() -> dict[str, str]:
            shared = {**await frame.shared(request, viewer), **await values(request, viewer)}
            state = await frame.fragments(language, "at_risk", _PARTS, shared)
            if guided:
                guide = await first_steps.of(viewer, str(request.base_url))
                state["guide"] = frame.fragment(language, "guide", "guide", {**shared, "guide": guide})
            return state

        still, beside = entry.still(request, viewer), partial(first_steps.follow, viewer) if guided else None
        return stream(
            frame.boards, request, viewer, render, still, kinds=_KINDS, every=1.0, looks=_LOOKS, beside=beside
        )

    @router.get("/at-risk.csv")
    async def table(request: Request, viewer: Viewer = reads) -> Response:
        entry.note(request, viewer, "table.csv", "at-risk", fields=_HEAD)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="at-risk.csv"'}
        return StreamingResponse(lines(request, viewer), media_type="text/csv; charset=utf-8", headers=headers)

    async def lines(request: Request, viewer: Viewer) -> AsyncIterator[str]:
        yield _csv([_HEAD])
        filters, sort = await asked(request)
        async for customers in all_cases(deps.reader, deps.cases, filters, sort, _PER_READ, viewer.name):
            yield _csv(map(_cells, _rows(customers, deps.plan, viewer)))

    async def listed(request: Request, viewer: Viewer) -> Listed:
        filters, sort = await asked(request)
        after = request.query_params.get("after") or None
        return await list_cases(
            deps.reader, deps.cases, filters, sort, _PER_PAGE, after, deps.plan.currency, viewer.name
        )  # fmt: skip

    async def asked(request: Request) -> tuple[Filters, Sort]:
        filters, sort = _asked(request)
        if filters.assignee is not None:
            filters = filters._replace(people=await deps.access.accounts())
        return filters, sort

    async def ended(filters: Filters) -> OutcomesView:
        now = await deps.now()
        ended, acting = await deps.outcomes.of_the_week(deps.reader, now), await deps.outcomes.acting(deps.models)
        return outcomes_view(ended, acting, now, deps.plan, filters.kind, filters.grain)

    async def values(request: Request, viewer: Viewer) -> Mapping[str, Any]:
        filters, sort = _asked(request)
        found = await listed(request, viewer)
        chosen = {name: value for name in (*_CHOSEN, "grain") if (value := getattr(filters, name))}
        if filters.kind != RETENTION:
            chosen["kind"] = filters.kind
        if filters.assignee is not None:
            chosen["with"] = filters.assignee or NOBODY
        whom = await assignees(deps) if viewer.may("alerts:write") else []
        clock = await deps.clocks.state()
        return {
            "past": clock.watermark if clock.phase not in ("new", "live") else None,
            "ended": await ended(filters),
            "tab": filters.state,
            "tabs": _TABS,
            "counts": dict(found.counts),
            "own": found.own,
            "rows": _rows(found.customers, deps.plan, viewer),
            "grains": _GRAINS if deps.plan.group else (),
            "whose": _whose(found.customers, deps.plan, viewer),
            "start": found.start,
            "total": found.total,
            "previous": found.previous,
            "following": found.following,
            "as_of": found.as_of,
            "lost": found.lost,
            "chosen": chosen,
            "sort": sort,
            "address": urlencode({"tab": filters.state, "sort": sort, **chosen}),
            "filters": urlencode({"sort": sort, **chosen}),
            "after": request.query_params.get("after") or "",
            "segments": [rule.name for rule in deps.plan.segments],
            "rules": [rule.name for rule in deps.plan.alerts],
            "owners": deps.plan.teams,
            "may_act": viewer.may("alerts:write"),
            "whom": whom,
            "people": [NOBODY, *(one.name for one in whom if one.kind == "person")],
        }

    return router


def _rows(customers: Iterable[Profile], plan: Plan, viewer: Viewer) -> list[CaseRowView]:
    """The rows of customers and companies, as somebody sees them."""
    return [case_row_view(one, one.case, plan, masked=not viewer.sees_names) for one in customers if one.case]


def _whose(customers: Iterable[Profile], plan: Plan, viewer: Viewer) -> Mapping[str, Any]:
    """Who looks after companies by their trait `owner`, as somebody sees it; by id."""
    sight = sight_of(viewer, plan)
    return {
        one.id: company_trait("owner", one.traits["owner"][0], sight)
        for one in customers
        if one.company is not None and "owner" in one.traits
    }


def _asked(request: Request) -> tuple[Filters, Sort]:
    query = request.query_params
    tab = query.get("tab") if query.get("tab") in _TABS else "new"
    chosen: dict[str, Any] = {name: query[name][:64] for name in _CHOSEN if query.get(name)}
    if query.get("grain") in _GRAINS:
        chosen["grain"] = query["grain"]
    if whose := query.get("with"):
        chosen["assignee"] = "" if whose == NOBODY else whose[:200]
    kind = WIN_BACK if query.get("kind") == WIN_BACK else RETENTION
    return Filters(tab, kind, **chosen), "newest" if query.get("sort") == "newest" else "value_at_risk"


_HEAD = (
    "customer", "company", "profile", "state", "risk", "value at risk", "currency", "rules", "reason", "owner",
    "assignee", "opened",
)  # fmt: skip


def _cells(row: CaseRowView) -> tuple[str, ...]:
    worth = row.value_at_risk.money if row.value_at_risk else None
    return (
        row.label, row.company or "", row.profile, row.state, "" if row.risk_now is None else f"{row.risk_now:.3f}",
        worth.amount if worth else "", worth.currency if worth else "", ", ".join(rule.name for rule in row.rules),
        row.reasons[0] if row.reasons else "", row.owner or "", row.assignee or "",
        datetime.fromtimestamp(row.opened, UTC).isoformat(),
    )  # fmt: skip


def _csv(rows: Any) -> str:
    """Lines of the table. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([cell(each) for each in row] for row in rows)
    return out.getvalue()
