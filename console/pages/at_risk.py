"""Who needs somebody: cases of customers, those with most at risk first, and what people do about them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, Response

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.api.matters.cases import Action, CaseDecision, decide_case
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.streaming import stream
from console.services.cases import Filters, Sort, list_cases
from console.services.first_steps import FirstSteps
from console.services.ports import ApiDeps
from console.views.matters.cases import CaseRowView, case_row_view
from models.cases.decisions import OUTCOMES
from models.cases.following import RETENTION

__all__ = ["at_risk_router"]

_MOST = 200  # cases of one page
_TABS = ("new", "mine", "acknowledged", "snoozed", "done")
_CHOSEN = ("segment", "band", "rule", "owner")
_HOURS = {"4h": 4, "1d": 24, "3d": 72, "7d": 168}
"""How long a snooze may last, in hours; `worse` has no end."""


def at_risk_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /, its stream and its table as CSV, and what is decided on cases from any page."""
    router = APIRouter(include_in_schema=False)
    reads, writes = Depends(entry.may("alerts:read")), Depends(entry.may("alerts:write"))
    first_steps = FirstSteps(deps)

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
            state = {name: frame.fragment(language, "at_risk", name, shared) for name in ("tabs", "cases")}
            if guided:
                guide = await first_steps.of(viewer, str(request.base_url))
                state["guide"] = frame.fragment(language, "guide", "guide", {**shared, "guide": guide})
            return state

        still, beside = entry.still(request, viewer), partial(first_steps.follow, viewer) if guided else None
        return stream(deps.feed, render, still, kinds=("alert", "profile"), every=1.0, beside=beside)

    @router.get("/at-risk.csv")
    async def table(request: Request, viewer: Viewer = reads) -> Response:
        shown = await values(request, viewer)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="at-risk.csv"'}
        return Response(_csv(shown["rows"]), media_type="text/csv; charset=utf-8", headers=headers)

    @router.post("/cases/{action}")
    async def decide(
        request: Request,
        action: Action,
        case: Annotated[str, Form(max_length=100)],
        assignee: Annotated[str | None, Form(max_length=200)] = None,
        snooze: Annotated[Literal["4h", "1d", "3d", "7d", "worse"] | None, Form()] = None,
        outcome: Annotated[str | None, Form(max_length=20)] = None,
        note: Annotated[str, Form(max_length=2000)] = "",
        viewer: Viewer = writes,
    ) -> Response:
        if outcome is not None and outcome not in OUTCOMES:
            raise ApiError(400, "invalid_request", f"an outcome is one of {', '.join(OUTCOMES)}")
        until = None
        if snooze in _HOURS:
            until = datetime.fromtimestamp(await deps.now() + _HOURS[snooze] * 3600, UTC)
        said = CaseDecision.model_validate(
            {
                "by": viewer.name, "note": note, "outcome": outcome, "until": until, "until_worse": snooze == "worse",
                "assignee": viewer.name if action == "assign" and assignee is None else assignee,
            }
        )  # fmt: skip
        profile, _, _ = await decide_case(deps, case, action, said, viewer.name)
        entry.note(request, viewer, "case.decide", profile.id, fields=(action,))
        return Response(status_code=204, headers=HEADERS)  # what it came to comes with the stream of each page

    async def values(request: Request, viewer: Viewer) -> Mapping[str, Any]:
        query = request.query_params
        tab = query.get("tab") if query.get("tab") in _TABS else "new"
        chosen = {name: query[name][:64] for name in _CHOSEN if query.get(name)}
        mine = Filters(kind=RETENTION, assignee=viewer.name)
        filters = Filters(None if tab == "mine" else tab, RETENTION, **chosen)
        if tab == "mine":
            filters = filters._replace(assignee=viewer.name)
        sort: Sort = "newest" if query.get("sort") == "newest" else "value_at_risk"
        currency = deps.plan.currency
        found = await list_cases(deps.reader, filters, sort, _MOST, None, currency)
        counts = dict((await list_cases(deps.reader, filters._replace(assignee=None), sort, 1, None, currency)).counts)
        own = (await list_cases(deps.reader, mine._replace(**chosen), sort, 1, None, currency)).counts
        masked = not viewer.sees_names
        return {
            "tab": tab,
            "tabs": _TABS,
            "counts": counts,
            "own": sum(own[state].count for state in ("new", "acknowledged", "snoozed")),
            "rows": [case_row_view(one, one.case, deps.plan, masked=masked) for one in found.customers if one.case],
            "chosen": chosen,
            "sort": sort,
            "address": urlencode({"tab": tab, "sort": sort, **chosen}),
            "filters": urlencode({"sort": sort, **chosen}),
            "segments": [rule.name for rule in deps.plan.segments],
            "rules": [rule.name for rule in deps.plan.alerts],
            "owners": sorted({rule.owner for rule in deps.plan.alerts if rule.owner}),
            "may_act": viewer.may("alerts:write"),
        }

    return router


def _csv(rows: list[CaseRowView]) -> str:
    """The table. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("customer", "profile", "state", "risk", "value at risk", "currency", "rules", "reason", "owner", "assignee",
         "opened")
    )  # fmt: skip
    for row in rows:
        worth = row.value_at_risk.money if row.value_at_risk else None
        cells = (
            row.label, row.profile, row.state, "" if row.risk_now is None else f"{row.risk_now:.3f}",
            worth.amount if worth else "", worth.currency if worth else "", ", ".join(rule.name for rule in row.rules),
            row.reasons[0] if row.reasons else "", row.owner or "", row.assignee or "",
            datetime.fromtimestamp(row.opened, UTC).isoformat(),
        )  # fmt: skip
        writer.writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@")) or (cell[:1] in "\t\r" and cell) else cell
