"""What happened: the analyses by room, one with its filters, chart and table, and who is behind a number."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from analysis.declaration import Analysis, Text
from analysis.parameters import Parameters
from analysis.result import MARGIN, Result
from console.access.masking import sight_of
from console.access.scopes import Viewer
from console.api.analysing.analyses_routes import listed_of, told
from console.api.error_answers import ApiError
from console.pages.analysing.fields import fields_of, read, written
from console.pages.analysing.overview_page import drawn_of, known, overview_router, spoken, writing
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.services.ports import ApiDeps
from console.views.analysing.analysis_documents import figures_of, spelled
from console.views.analysing.figures_written import Written, title_of

__all__ = ["analyses_pages_router"]

_ROWS = 300
"""Of a table on a page; the file has all."""

_LISTED = 500


class Shown(NamedTuple):
    """A cell of a table."""

    value: str
    ends: str  # of its interval
    link: str  # to who is behind it
    few: bool  # it is of few customers
    right: bool
    before: str  # in the period that it is compared with; "" where that is not known
    course: str  # up, down, same, or ""


def analyses_pages_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes below /analyses."""
    router = APIRouter(include_in_schema=False)
    router.include_router(overview_router(deps, entry, frame))
    reads = Depends(entry.may("analyses:read"))

    @router.get("/analyses/{name}")
    async def one(request: Request, name: str, viewer: Viewer = reads) -> Response:
        analysis, language = known(name), language_of(request)
        given = [(key, value) for key, value in request.query_params.multi_items() if value]
        asked, problem = read(analysis.parameters, given)
        result = None
        if not problem:
            try:
                result = await told(deps.analyses.run(analysis, asked))
            except ApiError as error:
                problem = error.message
        return await frame.page(
            request, viewer, "analysis",
            name=analysis.name,
            title=analysis.title.of(language),
            question=analysis.question.of(language),
            how=analysis.how.of(language),
            fields=fields_of(analysis, _taken(analysis, result) | dict(given), companies=bool(deps.plan.group)),
            query=urlencode(given),
            problem=problem,
            result=result,
            drawn=drawn_of(analysis, result, language) if result is not None else "",
            sentence=result.sentence.of(language) if result is not None and result.sentence else "",
            notes=[note.of(language) for note in result.notes] if result is not None else [],
            table=_table(analysis, result, language, given) if result is not None else None,
            as_of=result.as_of.timestamp() if result is not None else None,
        )  # fmt: skip

    @router.get("/analyses/{name}/customers")
    async def customers(
        request: Request, name: str, measure: Annotated[str, Query(max_length=100)], viewer: Viewer = reads
    ) -> Response:
        analysis, language = known(name), language_of(request)
        given = [(key, value) for key, value in request.query_params.multi_items() if value]
        asked, problem = read(analysis.parameters, given)
        if problem:
            raise ApiError(400, "invalid_request", problem)
        cell = {column.name: request.query_params.get(f"cell.{column.name}", "") for column in analysis.dimensions}
        quotes = sight_of(viewer, deps.plan).shows("free_text")
        fields = [analysis.quoted.name] if analysis.quoted is not None and quotes else []
        entry.note(request, viewer, "analysis.customers", f"analysis:{analysis.name}", fields=fields)
        found = await told(deps.analyses.behind(analysis, asked, cell, measure))
        figures = figures_of(found, quotes=quotes)[:_LISTED]
        rows = await listed_of(deps, figures, masked=not viewer.sees_names)
        figure = next(each for each in analysis.measures if each.name == measure)
        labels = {each.name: each.label.of(language) for each in analysis.measures}
        labels |= {each.name: each.label.of(language) for each in (MARGIN, analysis.quoted) if each is not None}
        write = Written([MARGIN, *_columns(analysis)], deps.plan.currency, language, spoken(language), asked.by)
        names = list(rows[0].figures) if rows else []
        return await frame.page(
            request, viewer, "analysis_customers",
            name=analysis.name,
            title=analysis.title.of(language),
            figure=figure.label.of(language),
            cell=[(column.label.of(language), write(cell[column.name], column.name)) for column in analysis.dimensions],
            headings=[labels.get(each, title_of(each)) for each in names],
            rows=[(row, [write(row.figures[each], each) for each in names]) for row in rows],
            quoted=names.index(found.quoted) if found.quoted in names else None,
            total=found.total,
            back=urlencode([(key, value) for key, value in given if key != "measure" and not key.startswith("cell.")]),
            query=urlencode(given),
        )  # fmt: skip

    return router


def _taken(analysis: Analysis[Any], result: Result | None) -> dict[str, str]:
    """Of the analysis' own parameters what was taken: also what the plan says where nobody asked."""
    own = set(analysis.parameters.model_fields) - set(Parameters.model_fields)
    asked = result.asked if result is not None else {}
    return {name: written(asked[name]) for name in own if asked.get(name) is not None}


def _columns(analysis: Analysis[Any]) -> list[Any]:
    from analysis.running import columns_of  # noqa: PLC0415  (ibis: see the desk)

    return columns_of(analysis)


def _table(analysis: Analysis[Any], result: Result, language: str, given: list[tuple[str, str]]) -> dict[str, Any]:
    """Headings and lines: ends of intervals stand beside their figure, and a number leads to who is behind it."""
    write = writing(result, language)
    names = {column.name for column in result.columns}
    beside = {f"{name}_{end}" for name in names for end in ("low", "high", "of") if f"{name}_{end}" in names}
    compared = {name for name in names if f"{name}_course" in names}
    beside |= {f"{name}_{what}" for name in compared for what in ("before", "course")}
    beside |= {"complete", "few"}
    columns = [column for column in result.columns if column.name not in beside]
    listed = {measure.name for measure in analysis.measures if measure.listed}
    keys = [column.name for column in analysis.dimensions]
    changed = set(result.restated)
    opens = result.open_from
    lines = []
    for row in result.rows[:_ROWS]:
        whole = all(row.get(key) is not None for key in keys)
        cell = [(f"cell.{key}", "" if row.get(key) is None else str(spelled(row[key]))) for key in keys]
        is_open = row.get("complete") is False or any(
            isinstance(row.get(key), date) and row[key] >= opens for key in keys
        )
        shown = []
        for column in columns:
            value = row.get(column.name)
            low, high = row.get(f"{column.name}_low"), row.get(f"{column.name}_high")
            ends = f"{write(low, column.name)} – {write(high, column.name)}" if low is not None else ""
            link = ""
            if column.name in listed and whole and value:
                link = urlencode([*given, ("measure", column.name), *cell])
            text = write(value, column.name)
            if value is None and column.kind == "dimension":
                text = Text("all", "全部").of(language)
            few = column.name in (row.get("few") or ())
            before = row.get(f"{column.name}_before") if column.name in compared else None
            was = write(before, column.name) if before is not None else ""
            course = row[f"{column.name}_course"] if column.name in compared else ""
            shown.append(Shown(text, ends, link, few, column.unit not in ("text", "date"), was, course))
        lines.append((is_open, any(row.get(key) in changed for key in keys), shown))
    headings = [(column.label.of(language), column.unit not in ("text", "date")) for column in columns]
    return {"headings": headings, "lines": lines, "more": max(0, len(result.rows) - _ROWS)}
