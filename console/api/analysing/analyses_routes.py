"""The analyses over the history: for each declaration its table and the list behind its figures, as JSON and CSV."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field, create_model

from analysis.declaration import Analysis
from analysis.parameters import Parameters
from analysis.registry import ROOMS, analyses
from console.access.masking import sight_of
from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, viewer_of, wants
from console.pages.languages import language_of
from console.services.ports import ApiDeps
from console.views.analysing.analysis_desk import NoArchive, TookTooLong
from console.views.analysing.analysis_documents import (
    AnalysisResult,
    AnalysisSummary,
    Listed,
    figures_of,
    result_view,
    summary_of,
)
from console.views.analysing.csv_files import listed_csv, table_csv
from console.views.document import Page
from console.views.label import label
from profiles.errors import WrongUse

__all__ = ["analyses_router", "asked_of", "listed_of", "told"]

_PATIENCE = 4
"""Times the patience of other routes: a question may take a minute, after one that is under way."""

_AT_ONCE = 500  # profiles of one read

CSV = "text/csv"

Made = TypeVar("Made")


def analyses_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/analyses, those of each analysis from its declaration."""
    router = APIRouter(route_class=guarded(deps, times=_PATIENCE), prefix="/analyses", tags=["analyses"])

    @router.get("", summary="The analyses that there are")
    @wants("analyses:read")
    async def listed(
        request: Request, room: Annotated[str, Query(description=f"Only those of one of: {', '.join(ROOMS)}.")] = ""
    ) -> Page[AnalysisSummary]:
        language = language_of(request)
        found = [summary_of(each, language) for each in analyses().values() if room in ("", each.room)]
        return Page(data=found, next=None)

    for analysis in analyses().values():
        _add(router, deps, analysis)

    @router.get("/{name}", include_in_schema=False)
    @router.get("/{name}/customers", include_in_schema=False)
    @wants("analyses:read")
    async def unknown(name: Annotated[str, Path()]) -> None:
        raise ApiError(404, "unknown_analysis", f"there is no analysis {name[:100]!r}; /v1/analyses lists them")

    return router


def _add(router: APIRouter, deps: ApiDeps, analysis: Analysis[Any]) -> None:
    """The routes of one analysis."""
    asked_model, behind_model = analysis.parameters, _behind_model(analysis.name)
    title = analysis.title.en

    async def table(request: Request, asked: Parameters) -> Any:
        result = await told(deps.analyses.run(analysis, asked_of(analysis, asked)))
        if _wants_csv(request):
            return Response(table_csv(result), media_type=f"{CSV}; charset=utf-8")
        return result_view(analysis, result, language_of(request))

    async def customers(request: Request, asked: Parameters) -> Any:
        about(f"analysis:{analysis.name}")
        key = {column.name: getattr(asked, _in_cell(column.name)) for column in analysis.dimensions}
        figure = asked.measure  # type: ignore[attr-defined]
        viewer = viewer_of(request)
        quotes = sight_of(viewer, deps.plan).shows("free_text")
        found = await told(deps.analyses.behind(analysis, asked_of(analysis, asked), key, figure))
        if found.quoted and quotes:
            about(f"analysis:{analysis.name}", found.quoted)
        rows = await listed_of(deps, figures_of(found, quotes=quotes), masked=not viewer.sees_names)
        if _wants_csv(request):
            return Response(listed_csv(rows), media_type=f"{CSV}; charset=utf-8", headers={"X-Total": str(found.total)})
        return Behind(data=rows, next=None, total=found.total, measure=figure, cell=key)

    # The types of what is asked are those of this analysis: what FastAPI goes by.
    table.__annotations__ = {"request": Request, "asked": Annotated[asked_model, Query()], "return": Any}
    customers.__annotations__ = {"request": Request, "asked": Annotated[behind_model, Query()], "return": Any}
    table.__doc__ = f"{analysis.question.en}\n\n{analysis.how.en} `Accept: text/csv`, or `.csv` after the name: a file."
    customers.__doc__ = "Who is behind one number of the table: `cell.…` are the dimensions of its row."
    wants("analyses:read")(table)
    wants("analyses:read", "profiles:read", audit="analysis.customers")(customers)
    path, errors = f"/{analysis.name}", describe_errors(404, 409)
    router.get(path, summary=title, responses=errors, response_model=AnalysisResult, name=analysis.name)(table)
    router.get(f"{path}.csv", include_in_schema=False)(table)
    summary = f"{title}: the customers behind a number"
    router.get(f"{path}/customers", summary=summary, responses=errors, response_model=Behind)(customers)
    router.get(f"{path}/customers.csv", include_in_schema=False)(customers)


class Behind(Page[Listed]):
    """The customers behind one number, 10,000 at most."""

    total: int = Field(description="How many there are: the number.")
    measure: str
    cell: dict[str, str]


async def told(answer: Awaitable[Made]) -> Made:
    """What the desk answers.

    Raises:
        ApiError: what it could not do, for who asked.
    """
    with _as_errors():
        return await answer


def asked_of(analysis: Analysis[Any], asked: BaseModel) -> Parameters:
    """The parameters of an analysis among what was asked."""
    made: Parameters = analysis.parameters.model_validate(
        {name: getattr(asked, name) for name in analysis.parameters.model_fields if name in asked.model_fields_set}
    )
    return made


async def listed_of(deps: ApiDeps, rows: list[tuple[str, dict[str, Any]]], *, masked: bool) -> list[Listed]:
    """Customers by their ids, companies by their keys, with what they are called; whom nobody knows has no name."""
    listed = []
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        known = await deps.reader.profiles([id_ for id_, _ in some])
        firms = {}
        if deps.plan.group:  # events name companies by their keys
            keys = {id_: deps.plan.company(id_) for id_, _ in some if id_ not in known}
            found = await deps.reader.profiles(list(keys.values())) if keys else {}
            firms = {key: id_ for key, id_ in keys.items() if id_ in found}
            known |= {key: found[id_] for key, id_ in firms.items()}
        for id_, figures in some:
            called = label(known[id_], deps.plan, masked=masked) if id_ in known else ""
            listed.append(Listed(profile=firms.get(id_, id_), label=called, figures=figures))
    return listed


@contextmanager
def _as_errors() -> Iterator[None]:
    try:
        yield
    except NoArchive as error:
        raise ApiError(409, "no_archive", str(error)) from None
    except TookTooLong as error:
        raise ApiError(504, "too_long", str(error)) from None
    except WrongUse as error:
        raise ApiError(400, "invalid_request", str(error)) from None


@cache
def _behind_model(name: str) -> type[Parameters]:
    """What is asked of a list: the parameters, the figure, and the cell."""
    analysis = analyses()[name]
    listed = [measure.name for measure in analysis.measures if measure.listed]
    fields: Mapping[str, Any] = {
        _in_cell(column.name): (str, Field(alias=f"cell.{column.name}", description=f"{column.label.en} of the row."))
        for column in analysis.dimensions
    }
    figure = (str, Field(description=f"Whose number it is: {', '.join(listed)}."))
    return create_model(f"Behind_{analysis.name}", __base__=analysis.parameters, measure=figure, **fields)


def _in_cell(name: str) -> str:
    return f"cell_{name}"


def _wants_csv(request: Request) -> bool:
    return request.url.path.endswith(".csv") or request.headers.get("accept", "").startswith(CSV)
