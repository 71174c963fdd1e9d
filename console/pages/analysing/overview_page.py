"""The overview of the analyses: how the figures that tell most stand, the course of some, and the list of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from analysis.charts import draw
from analysis.declaration import Analysis, Text
from analysis.kpis import KPI, KPIS, standing
from analysis.registry import ROOMS, analyses
from analysis.result import Result
from console.access.scopes import Viewer
from console.api.analysing.analyses_routes import told
from console.api.analysing.today_routes import read_today
from console.api.error_answers import ApiError
from console.pages.analysing.fields import fields_of, read
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of, translations
from console.services.ports import ApiDeps
from console.views.analysing.figures_written import Written

__all__ = ["drawn_of", "known", "overview_router", "spoken", "writing"]

_OVERVIEW = ("base", "retention", "satisfaction", "tickets", "profit_deciles", "funnel")
"""Analyses whose course is shown above the list, as far as there are any."""

_SHARED = ("interval", "country", "region", "segment", "without", "company")
"""Parameters of the overview, which hold for all figures of it."""

_AGAINST = "against"
"""Of its tiles alone; the period before where nobody says otherwise."""

_ROOM_TITLES: Mapping[str, Text] = {
    "growth": Text("Growth and use", "增长与使用"),
    "keeping": Text("Keeping and losing", "留存与流失"),
    "products": Text("Products", "产品"),
    "service": Text("Service and opinion", "服务与口碑"),
    "marketing": Text("Marketing", "营销"),
    "money": Text("Money", "收益"),
    "quality": Text("Quality of the data", "数据质量"),
}


class Tile(NamedTuple):
    """A figure of the overview."""

    title: str
    value: str
    period: str
    change: str
    course: str  # up, down, same, or ""
    tone: str  # well, bad, or "": whether that is good
    values: Sequence[float | None]
    few: bool
    link: str


def overview_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /analyses, and those of the parts that it loads."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("analyses:read"))

    @router.get("/analyses")
    async def overview(request: Request, viewer: Viewer = reads) -> Response:
        language = language_of(request)
        every = analyses().values()
        rooms = [
            (_ROOM_TITLES[room].of(language), [(one, one.title.of(language), one.question.of(language))
                                               for one in every if one.room == room])
            for room in ROOMS
        ]  # fmt: skip
        cards = [(name, analyses()[name].title.of(language)) for name in _OVERVIEW if name in analyses()]
        given = _given(request, (*_SHARED, _AGAINST))
        fields = [
            each._replace(choices=tuple(choice for choice in each.choices if choice or each.name != _AGAINST))
            for each in fields_of(analyses()["base"], dict(given), companies=bool(deps.plan.group))
            if each.name in (*_SHARED, _AGAINST)
        ]
        return await frame.page(
            request, viewer, "analyses", rooms=rooms, cards=cards, query=urlencode(given),
            fields=sorted(fields, key=lambda each: (*_SHARED, _AGAINST).index(each.name)),
            figures=list(dict.fromkeys(kpi.analysis for kpi in KPIS)), today=await read_today(deps),
        )  # fmt: skip

    @router.get("/analyses/{name}/figures")
    async def figures(request: Request, name: str, viewer: Viewer = reads) -> Response:
        analysis, language = known(name), language_of(request)
        given = _given(request, [each for each in _SHARED if each not in analysis.refused])
        given.append((_AGAINST, request.query_params.get(_AGAINST) or "previous"))
        tiles = []
        problem = ""
        kpis = [each for each in KPIS if each.analysis == name]
        for kpi in kpis:
            asked, problem = read(analysis.parameters, [*given, *kpi.asked.items()])
            figures = [each.column for each in kpis if each.asked == kpi.asked]
            try:
                result = await told(deps.analyses.run(analysis, asked, figures)) if not problem else None
            except ApiError as error:
                problem = error.message
            if problem or result is None:
                break
            tiles.append(_tile(kpi, result, language, given))
        return await frame.part(request, viewer, "analysis_figures", "figures", name=name, problem=problem, tiles=tiles)

    @router.get("/analyses/{name}/card")
    async def card(request: Request, name: str, viewer: Viewer = reads) -> Response:
        analysis, language = known(name), language_of(request)
        result = None
        given = _given(request, [each for each in _SHARED if each not in analysis.refused])
        asked, problem = read(analysis.parameters, given)
        try:
            result = await told(deps.analyses.run(analysis, asked)) if not problem else None
        except ApiError as error:
            problem = error.message
        sentence = result.sentence.of(language) if result is not None and result.sentence else ""
        drawn = drawn_of(analysis, result, language) if result is not None else Markup("")
        return await frame.part(
            request, viewer, "analysis_card", "card", problem=problem, sentence=sentence, drawn=drawn,
            empty=result is not None and not result.rows,
        )  # fmt: skip

    return router


def known(name: str) -> Analysis[Any]:
    """The analysis of a name.

    Raises:
        ApiError: there is none.
    """
    found = analyses().get(name)
    if found is None:
        raise ApiError(404, "not_found", f"there is no analysis {name[:100]!r}")
    return found


def _given(request: Request, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(key, value) for key, value in request.query_params.multi_items() if value and key in names]


def _tile(kpi: KPI, result: Result, language: str, given: list[tuple[str, str]]) -> Tile:
    found = standing(kpi, result)
    column = next(each for each in result.columns if each.name == kpi.column)
    write = writing(result, language)
    change = ""
    if found.change is not None:
        points = Text("points", "个百分点").of(language) if column.unit == "share" else ""
        number = found.change * 100 if column.unit == "share" else found.change
        change = f"{number:+.1f} {points}".rstrip() if column.unit in ("share", "points") else f"{number:+.1%}"
    good = {"more": "up", "less": "down"}.get(kpi.better)
    tone = "" if found.course not in ("up", "down") or good is None else "well" if found.course == good else "bad"
    return Tile(
        kpi.title.of(language), write(found.value, kpi.column), found.period.isoformat() if found.period else "",
        change, found.course, tone, found.values, found.few, urlencode([*given, *kpi.asked.items()]),
    )  # fmt: skip


def spoken(language: str) -> Callable[[str], str] | None:
    """Says words of Rapport's own in a language; None in English, which they are in."""
    return None if language == "en" else translations(language).gettext


def writing(result: Result, language: str) -> Written:
    """Writes the values of a result."""
    return Written(result.columns, result.currency, language, spoken(language), result.asked.get("by", ""))


def drawn_of(analysis: Analysis[Any], result: Result, language: str) -> Markup:
    """The chart of a result."""
    write = writing(result, language)
    svg = draw(result.chart, result.columns, result.rows, language=language, shown=write, open_from=result.open_from)
    return Markup(svg)
