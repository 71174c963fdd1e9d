"""The tables of the pages as files: the same rows as the page, from where it begins, as whoever asks may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from console.access.scopes import Viewer
from console.api.companies import known_company, page_of_members
from console.api.models import known_churn
from console.api.profiles import known_segment
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.tables.csv_tables import MOST, at, paged, table
from console.services.ports import ApiDeps
from console.services.segments import Segments
from console.views.companies import summary_of_company
from console.views.label import label
from console.views.models import models_view
from console.views.operating.jobs import read_jobs
from console.views.operating.pipeline import read_pipeline, rejected_groups
from console.views.profile import ProfileSummary, summary_view
from console.views.tracking_plan import plan_view
from profiles.types import Profile

__all__ = ["tables_router"]

_AT_ONCE = 200  # rows of one read

Cursor = Annotated[str | None, Query(max_length=200)]

Columns = Mapping[str, Callable[[Any], Any]]


def tables_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes that end in .csv, of all pages that have no further business with theirs."""
    router = APIRouter(include_in_schema=False)
    reads, segments_read = Depends(entry.may("profiles:read")), Depends(entry.may("segments:read"))
    pipeline, models_read = Depends(entry.may("pipeline:read")), Depends(entry.may("models:read"))

    @router.get("/customers.csv")
    async def customers(
        request: Request,
        order: Annotated[str, Query(pattern="^(risk|recent)$")] = "recent",
        cursor: Cursor = None,
        viewer: Viewer = reads,
    ) -> Response:
        ask = deps.reader.by_risk if order == "risk" else deps.reader.recent
        found, following = await paged(lambda at: ask(limit=_AT_ONCE, cursor=at), cursor)
        rows = [_customer(one, viewer) for one in found]
        return table(request, entry, frame, viewer, "customers", rows, _CUSTOMER, following=following)

    @router.get("/companies.csv")
    async def companies(request: Request, cursor: Cursor = None, viewer: Viewer = reads) -> Response:
        found, following = await paged(lambda at: deps.reader.companies(limit=_AT_ONCE, cursor=at), cursor)
        rows = [summary_of_company(one) for one in found]
        return table(request, entry, frame, viewer, "companies", rows, _COMPANY, following=following)

    @router.get("/company/{name}/members.csv")
    async def company_members(request: Request, name: str, cursor: Cursor = None, viewer: Viewer = reads) -> Response:
        company = await known_company(deps, name)
        found = await page_of_members(deps, company, MOST, cursor)
        return table(
            request, entry, frame, viewer, "members", found.data, _MEMBER, following=found.next, about=company.id
        )  # fmt: skip

    @router.get("/segments.csv")
    async def segments(request: Request, viewer: Viewer = segments_read) -> Response:
        return table(request, entry, frame, viewer, "segments", await Segments(deps).sizes(), _SEGMENT)

    @router.get("/segments/{name}/members.csv")
    async def segment_members(
        request: Request, name: str, cursor: Cursor = None, viewer: Viewer = segments_read
    ) -> Response:
        await known_segment(deps, name)

        async def ask(at: str | None) -> tuple[list[tuple[Any, float]], str | None]:
            rows, following = await deps.reader.members(name, limit=_AT_ONCE, cursor=at)
            known = await deps.reader.profiles([id_ for id_, _ in rows])
            people = {id_: one for id_, one in known.items() if one.company is None}
            return [(_customer(people[id_], viewer), since) for id_, since in rows if id_ in people], following

        rows, following = await paged(ask, cursor)
        columns = {title: _first(of) for title, of in _CUSTOMER.items()} | {"in it since": lambda row: at(row[1])}
        return table(
            request, entry, frame, viewer, "segment-members", rows, columns, following=following, about=name
        )  # fmt: skip

    @router.get("/segments/{name}/companies.csv")
    async def segment_companies(
        request: Request, name: str, cursor: Cursor = None, viewer: Viewer = segments_read
    ) -> Response:
        await known_segment(deps, name)

        async def ask(at: str | None) -> tuple[list[tuple[Any, float]], str | None]:
            rows, following = await deps.reader.members(name, limit=_AT_ONCE, cursor=at)
            known = await deps.reader.profiles([id_ for id_, _ in rows])
            held = {id_: one for id_, one in known.items() if one.company is not None}
            return [(summary_of_company(held[id_]), since) for id_, since in rows if id_ in held], following

        rows, following = await paged(ask, cursor)
        columns = {title: _first(of) for title, of in _COMPANY.items()} | {"in it since": lambda row: at(row[1])}
        return table(
            request, entry, frame, viewer, "segment-companies", rows, columns, following=following, about=name
        )  # fmt: skip

    @router.get("/jobs.csv")
    async def jobs(request: Request, viewer: Viewer = pipeline) -> Response:
        return table(request, entry, frame, viewer, "jobs", (await read_jobs(deps)).jobs, _JOB)

    @router.get("/pipeline.csv")
    async def sources(request: Request, viewer: Viewer = pipeline) -> Response:
        return table(request, entry, frame, viewer, "sources", (await read_pipeline(deps)).sources, _SOURCE)

    @router.get("/pipeline/rejected.csv")
    async def rejected(request: Request, viewer: Viewer = pipeline) -> Response:
        return table(request, entry, frame, viewer, "rejected", await rejected_groups(deps), _REJECTED)

    @router.get("/models.csv")
    async def models(
        request: Request, churn: Annotated[str, Query(max_length=64)] = "", viewer: Viewer = models_read
    ) -> Response:
        report = await deps.models.report(known_churn(deps.plan, churn))
        view = models_view(report, deps.plan.churn.hold_out)
        return table(request, entry, frame, viewer, "models", view.models, _MODEL)

    whole = plan_view(deps.plan)

    @router.get("/plan.csv")
    async def plan(request: Request, q: Annotated[str, Query(max_length=200)] = "", viewer: Viewer = reads) -> Response:
        shown = whole.narrowed(q) if q.strip() else whole
        rows = [
            (kind.removesuffix("s"), one)
            for kind in ("events", "traits", "segments", "alerts", "purposes")
            for one in getattr(shown, kind)
        ]
        return table(request, entry, frame, viewer, "plan", rows, _PLAN)

    def _customer(profile: Profile, viewer: Viewer) -> ProfileSummary:
        """With the name as lists have it."""
        called = label(profile, deps.plan, masked=not viewer.sees_names)
        return _Named.of(summary_view(profile, deps.plan), called=called)

    return router


class _Named(ProfileSummary):
    """A row of customers, with what this viewer sees them called."""

    called: str


def _first(of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda row: of(row[0])


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


_CUSTOMER: Columns = {
    "customer": lambda row: row.called,
    "profile": lambda row: row.id,
    "known as": lambda row: [f"{each.type}:{each.value}" for each in row.identities],
    "stage": lambda row: row.stage,
    "risk": lambda row: _figure(row.churn.risk if row.churn else None),
    "band": lambda row: row.churn.band if row.churn else None,
    "orders": lambda row: row.orders,
    "revenue": lambda row: row.revenue,
    "segments": lambda row: row.segments,
    "last seen": lambda row: at(row.last_seen),
}
_COMPANY: Columns = {
    "company": lambda row: row.company,
    "name": lambda row: row.name,
    "stage": lambda row: row.stage,
    "risk": lambda row: _figure(row.risk),
    "band": lambda row: row.band,
    "health": lambda row: _figure(row.health),
    "segments": lambda row: row.segments,
    "orders": lambda row: row.orders,
    "revenue": lambda row: row.revenue,
    "last seen": lambda row: at(row.last_seen),
}
_MEMBER: Columns = {
    "customer": lambda row: row.label,
    "profile": lambda row: row.profile,
    "company": lambda row: row.company,
    "since": lambda row: at(row.since),
    "until": lambda row: at(row.until),
    "champion": lambda row: row.key,
    "risk": lambda row: _figure(row.risk),
    "active days of 28": lambda row: row.active_days,
    "has stopped": lambda row: _figure(row.stopped),
    "events": lambda row: row.events,
    "last seen": lambda row: at(row.last_seen),
}
_SEGMENT: Columns = {
    "segment": lambda row: row.name,
    "called": lambda row: row.learned,
    "now": lambda row: row.size,
    "share": lambda row: _figure(row.census.share if row.census else None),
    "mean risk": lambda row: _figure(row.census.risk if row.census else None),
    "what it is": lambda row: row.description,
}
_JOB: Columns = {
    "job": lambda row: row.kind,
    "id": lambda row: row.id,
    "what": lambda row: row.name,
    "state": lambda row: row.state,
    "done": lambda row: row.done,
    "total": lambda row: row.total,
    "began": lambda row: at(row.began),
    "ended": lambda row: at(row.ended),
    "by": lambda row: row.by,
    "text": lambda row: row.text,
}
_SOURCE: Columns = {
    "source": lambda row: row.source,
    "a second": lambda row: f"{row.per_second:.2f}",
    "accepted in the last hour": lambda row: row.hour.accepted,
    "flagged": lambda row: row.hour.flagged,
    "rejected": lambda row: row.hour.rejected,
    "ignored": lambda row: row.hour.ignored,
    "paused": lambda row: row.paused is not None,
    "why": lambda row: row.paused.why if row.paused else None,
}
_REJECTED: Columns = {
    "events": lambda row: row.events,
    "source": lambda row: row.source,
    "reason": lambda row: row.reason,
    "event": lambda row: row.event,
    "property": lambda row: row.property,
    "what is wrong": lambda row: row.message,
    "last": lambda row: at(row.last),
    "passes now": lambda row: row.passes_now,
}
_MODEL: Columns = {
    "model": lambda row: row.name,
    "id": lambda row: row.id,
    "role": lambda row: row.role,
    "since": lambda row: at(row.since),
    "examples": lambda row: row.examples,
    "outcomes judged": lambda row: row.full.rows,
    "log loss": lambda row: _figure(row.full.log_loss),
    "AUC": lambda row: _figure(row.full.auc),
    "ECE": lambda row: _figure(row.full.ece),
    "difference from the champion": lambda row: _figure(row.standing.difference if row.standing else None),
    "refused": lambda row: row.refused,
}
_PLAN: Columns = {
    "kind": lambda row: row[0],
    "name": lambda row: getattr(row[1], "name", None) or row[1].path,
    "description": lambda row: row[1].description,
    "why": lambda row: getattr(row[1], "why", None),
    "rule": lambda row: getattr(row[1], "words", None),
    "owner": lambda row: getattr(row[1], "owner", None),
    "role": lambda row: getattr(row[1], "role", None),
    "sources": lambda row: getattr(row[1], "sources", None),
    "personal data": lambda row: getattr(row[1], "pii", None),
    "used in": lambda row: getattr(row[1], "used_in", None),
}
