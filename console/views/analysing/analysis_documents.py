"""Analyses and their results as documents: of the API, and of the command's `--json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from pydantic import Field

from console.access.hiding import hidden
from console.views.document import Document, Time

if TYPE_CHECKING:
    from analysis.declaration import Analysis, Column
    from analysis.result import Behind, Result

__all__ = ["AnalysisResult", "AnalysisSummary", "Listed", "Measured", "result_view", "spelled", "summary_of"]


class Measured(Document):
    """A column of a result."""

    name: str
    label: str
    unit: str = Field(
        description="count, customers, share (1 is all of it), money:CURRENCY in whole minor units, days, seconds, "
        "points, factor (times as much), number, date or text."
    )
    kind: str = Field(description="`dimension`: part of the cell's key; `measure`: a figure; `note`: beside them.")
    part: str = Field("", description="Of a share or a mean: the column above the line.")
    whole: str = Field("", description="Of a share or a mean: the column below the line.")
    listed: bool = Field(False, description="Whether `…/customers` lists who is behind the figure.")


class AnalysisSummary(Document):
    """What an analysis is."""

    name: str
    room: str
    title: str
    question: str
    how: str = Field(description="The definition, with what is left out.")
    needs: list[str] = Field(description="What of the plan it takes.")
    parameters: dict[str, Any] = Field(description="What may be asked, as a JSON schema.")


class AnalysisResult(Document):
    """The table of an analysis."""

    name: str
    title: str
    asked: dict[str, Any] = Field(description="The parameters, with their defaults.")
    columns: list[Measured]
    rows: list[dict[str, Any]] = Field(description="By the name of a column; figures are not rounded.")
    notes: list[str] = Field(description="What a reader has to know of these rows.")
    restated: list[str] = Field(
        description="First days of periods that have changed since they were closed, by events that came late."
    )
    sentence: str | None
    chart: dict[str, Any] = Field(description="How it is drawn: kind, and which columns.")
    sql: str = Field(description="What was asked of the engine.")
    as_of: Time = Field(description="What was received later is not in it.")
    link: int = Field(description="Offset of the newest merge or split that it knows of; -1: none.")
    engine: str
    seconds: float = Field(description="That the engine took.")


class Listed(Document):
    """One customer behind a number, or company."""

    profile: str = Field(description="Id of the profile, or of the company's document.")
    label: str = Field(description="What they are called, as whoever asks may see it; empty where nobody knows.")
    figures: dict[str, Any] = Field(
        description="`margin_12m`, what they brought in twelve months in whole minor units, by which the list is "
        "ordered; and what the rows behind the number sum up to for this customer. Of `text` also `text`, what they "
        "wrote last, without `pii:read` only how long it is."
    )


def summary_of(analysis: Analysis[Any], language: str = "en") -> AnalysisSummary:
    """What an analysis is, in a language."""
    return AnalysisSummary(
        name=analysis.name,
        room=analysis.room,
        title=analysis.title.of(language),
        question=analysis.question.of(language),
        how=analysis.how.of(language),
        needs=[f"{need.role}: {', '.join(need.facts)}" if need.facts else need.role for need in analysis.needs],
        parameters=analysis.parameters.model_json_schema(),
    )


def result_view(analysis: Analysis[Any], result: Result, language: str = "en") -> AnalysisResult:
    """A result, in a language."""
    listed = {measure.name for measure in analysis.measures if measure.listed}
    return AnalysisResult(
        name=result.name,
        title=analysis.title.of(language),
        asked={name: spelled(value) for name, value in result.asked.items()},
        columns=[_column(column, result, language, listed) for column in result.columns],
        rows=spelled_rows(result.rows),
        notes=[note.of(language) for note in result.notes],
        sentence=result.sentence and result.sentence.of(language),
        chart={name: getattr(result.chart, name) for name in ("kind", "x", "y", "color", "low", "high")},
        sql=result.sql,
        restated=[day.isoformat() for day in result.restated],
        as_of=result.as_of.timestamp(),
        link=result.link,
        engine=result.engine,
        seconds=round(result.seconds, 3),
    )


def spelled_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    return [{name: spelled(value) for name, value in row.items()} for row in rows]


def spelled(value: Any) -> Any:
    """A value of a row as JSON has it: days as YYYY-MM-DD, nothing that is no number."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list | tuple):
        return [spelled(each) for each in value]
    return value


def figures_of(behind: Behind, *, quotes: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Of each customer of a list the id, and what is known of them there; what they wrote only if it may be quoted."""

    def figure(name: str, value: Any) -> Any:
        return hidden(value, "free_text") if name == behind.quoted and not quotes else spelled(value)

    return [
        (row["customer"], {name: figure(name, value) for name, value in row.items() if name != "customer"})
        for row in behind.customers
    ]


def _column(column: Column, result: Result, language: str, listed: set[str]) -> Measured:
    shown = {each.name for each in result.columns}
    return Measured(
        name=column.name,
        label=column.label.of(language),
        unit=f"money:{result.currency}" if column.unit == "money" else column.unit,
        kind=column.kind,
        part=column.part if column.part in shown else "",
        whole=column.whole if column.whole in shown else "",
        listed=column.name in listed,
    )
