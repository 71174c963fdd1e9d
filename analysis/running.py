"""Running an analysis: its members, summed by cell; and the members of one cell, not summed."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import reduce
from typing import Any, TypeVar

import ibis
import ibis.expr.types as ir

from analysis.against import Earlier, compared, comparing_columns, dated, notes_against
from analysis.base import Base
from analysis.declaration import (
    Analysis,
    Column,
    Count,
    Customers,
    Measure,
    Quantile,
    Ratio,
    Row,
    Share,
    Text,
    Total,
)
from analysis.engines.engine import Engine
from analysis.parameters import Parameters
from analysis.relations.yearly_margins import margins
from analysis.result import MARGIN, Behind, Result
from analysis.rules_of_all import few_of, notes_of, restated_of, why_not
from analysis.statistics import share
from profiles.errors import WrongUse

__all__ = ["LONGEST", "behind", "cells", "columns_of", "keyed_members", "run"]

P = TypeVar("P", bound=Parameters)

LONGEST = 10_000
"""Customers of a list behind a number, at most."""

_PLACES = 6
"""Of what is summed and no money, such as kilograms: what engines that add in another order have in common."""

_FEW = Column("few", Text("Few", "样本少"), "text", "note")
"""Names of the shares and means of a row that are of fewer customers than say much (rule R9)."""


def run(analysis: Analysis[P], engine: Engine, given: P, figures: Collection[str] | None = None) -> Result:
    """The table of an analysis.

    Args:
        analysis: whose table it is.
        engine: where it is computed.
        given: what was asked.
        figures: names of columns that `against` is about; None: all.

    Raises:
        WrongUse: it does not know what was asked.
    """
    began = time.monotonic()
    _refuse(analysis, given)
    given = given.by_plan(analysis.name, engine.frame)
    base = Base(engine, given)
    rows, raw, sql = _tabled(analysis, base)
    columns = columns_of(analysis)
    notes = notes_of(analysis, rows, base)
    if given.against:
        compare = [each for each in columns if each.kind == "measure" and (figures is None or each.name in figures)]

        def ask(other: Parameters) -> Earlier:
            then = Base(engine, other)
            finished, summed, _ = _tabled(analysis, then)
            return Earlier(then, {_key(analysis, row): row for row in finished}, summed)

        anything = compared(
            analysis, base, rows, raw, [each.name for each in compare], ask, lambda base: keyed_members(analysis, base)
        )
        columns += comparing_columns(compare)
        if rows:
            notes += notes_against(given, anything, base.frame, periods=bool(dated(analysis, rows, given)))
    since, until = given.period(base.frame)
    return Result(
        name=analysis.name,
        asked=given.model_dump() | {"since": since, "until": until},
        columns=columns,
        rows=rows,
        notes=notes,
        restated=restated_of(base),
        sentence=analysis.sentence(rows, base, given) if analysis.sentence and rows else None,
        chart=analysis.drawn(given) if analysis.drawn is not None else analysis.chart,
        currency=base.frame.currency,
        as_of=base.frame.now,
        open_from=base.frame.start_of(base.today, given.interval),
        link=base.frame.link,
        engine=engine.name,
        sql=sql,
        seconds=time.monotonic() - began,
    )


def _tabled(analysis: Analysis[Any], base: Base) -> tuple[list[Row], dict[tuple[Any, ...], Row], str]:
    """The rows of an analysis, what the engine summed by the key of their cell, and what it was asked."""
    expression = cells(analysis, base)
    sql = base.engine.sql(expression)
    rows = [_completed(row, analysis, base) for row in base.engine.fetch(expression, sql).to_pylist()]
    raw = {_key(analysis, row): dict(row) for row in rows} if base.given.against else {}
    if analysis.finish is not None:
        rows = analysis.finish(rows, base, base.given)
    resting = [column for column in columns_of(analysis) if column.whole]
    if resting:
        for row in rows:
            row["few"] = few_of(row, resting, base.frame.few)
    hidden = {measure.name for measure in analysis.measures if measure.hidden}
    if hidden:
        rows = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
    return rows, raw, sql


def _key(analysis: Analysis[Any], row: Row) -> tuple[Any, ...]:
    return tuple(row.get(column.name) for column in analysis.dimensions)


def behind(
    analysis: Analysis[P], engine: Engine, given: P, cell: Mapping[str, Any], measure: str, most: int = LONGEST
) -> Behind:
    """The customers behind a number: the same members, of one cell, not summed.

    Args:
        analysis: whose number it is.
        engine: where it is computed.
        given: what was asked.
        cell: the value of every dimension, as the row has it, or as text.
        measure: the name of the figure.
        most: customers to answer, those who brought most in twelve months first; `total` tells how many there are.

    Raises:
        WrongUse: there is no such dimension or no list behind such a figure.
    """
    figure = next((each for each in analysis.measures if each.name == measure), None)
    if figure is None or not figure.listed:
        known = ", ".join(each.name for each in analysis.measures if each.listed)
        raise WrongUse(f"no list stands behind {measure!r} of {analysis.name}; there is one behind {known}")
    _refuse(analysis, given)
    base = Base(engine, given.by_plan(analysis.name, engine.frame))
    members = keyed_members(analysis, base)
    for column in analysis.dimensions:
        if column.name not in cell:
            raise WrongUse(f"{column.name} of the cell is missing; a cell of {analysis.name} has "
                           f"{', '.join(each.name for each in analysis.dimensions)}")  # fmt: skip
        members = members.filter(members[column.name] == _literal(members[column.name], cell[column.name]))
    where = getattr(figure, "where", "")
    if where:
        members = members.filter(members[where])
    customers = members.group_by("customer").agg(**_known(members, analysis))
    worth = margins(engine, customers.select("customer"), given.grain)
    ordered = customers.left_join(worth, "customer").select(*customers.columns, MARGIN.name)
    ordered = ordered.order_by(ibis.desc(ordered[MARGIN.name].fill_null(0)), "customer").limit(most)
    rows = [
        {"customer": row.pop("customer"), MARGIN.name: row.pop(MARGIN.name), **row}
        for row in engine.fetch(ordered).to_pylist()
    ]
    total = len(rows)
    if total == most:
        total = engine.fetch(customers.agg(total=customers.count())).to_pylist()[0]["total"]
    return Behind(
        name=analysis.name, cell=dict(cell), measure=measure, customers=rows, total=total, as_of=base.frame.now,
        quoted=analysis.quoted.name if analysis.quoted is not None else "",
    )  # fmt: skip


def _refuse(analysis: Analysis[P], given: P) -> None:
    plain = analysis.parameters()
    asked = [name for name in analysis.refused if getattr(given, name) != getattr(plain, name)]
    if asked:
        raise WrongUse("; ".join(why_not(analysis, asked)))


def cells(analysis: Analysis[Any], base: Base) -> ir.Table:
    """The expression of an analysis: one row a cell, in the order of its dimensions."""
    keys = [column.name for column in analysis.dimensions]
    tallied = analysis.tally(base, base.given) if analysis.tally else None
    if tallied is not None:
        return tallied.order_by(keys)
    members = keyed_members(analysis, base)
    parts = []
    counts = [each for each in analysis.measures if isinstance(each, Customers)]
    of_rows = {each.name: _counted(members, each.where) for each in counts} if analysis.once else {}
    if counts and not analysis.once:
        flags = {each.where: members[each.where].max() for each in counts if each.where}
        each_once = members.group_by([*keys, "customer"]).agg(**flags)
        parts.append(_summed(each_once, keys, {each.name: _counted(each_once, each.where) for each in counts}))
    sums = {each.name: made for each in analysis.measures if (made := _aggregate(members, each, base)) is not None}
    sums |= of_rows
    if sums:
        parts.append(_summed(members, keys, sums))
    table = reduce(lambda left, right: _side_by_side(left, right, keys), parts)
    return table.order_by(keys) if keys else table


def columns_of(analysis: Analysis[Any]) -> list[Column]:
    """The columns of the result: dimensions, figures with the ends of their intervals, and what `finish` adds."""
    columns = list(analysis.dimensions)
    for measure in analysis.measures:
        if measure.hidden:
            continue
        shown = {each.name for each in analysis.measures if not each.hidden}
        part, whole = (measure.part, measure.whole) if isinstance(measure, Share | Ratio) else ("", "")
        columns.append(
            Column(measure.name, measure.label, measure.unit, part=part if part in shown else "", whole=whole)
        )
        if isinstance(measure, Share):
            columns += [
                Column(f"{measure.name}_low", Text("lowest", "下限"), "share", "note"),
                Column(f"{measure.name}_high", Text("highest", "上限"), "share", "note"),
            ]
    columns += analysis.columns
    return [*columns, _FEW] if any(column.whole for column in columns) else columns


def keyed_members(analysis: Analysis[Any], base: Base) -> ir.Table:
    """The members, with no null in a dimension: what is not known is ""."""
    members = analysis.members(base, base.given)
    if base.by_segments and any(column.name == "by" for column in analysis.dimensions):
        members = base.in_segments(members)
    blank = {
        column.name: members[column.name].fill_null("")
        for column in analysis.dimensions
        if members[column.name].type().is_string()
    }
    return members.mutate(**blank) if blank else members


def _counted(table: ir.Table, where: str) -> ir.Value:
    return table[where].fill_null(False).ifelse(1, 0).sum() if where else table.count()


def _aggregate(members: ir.Table, measure: Measure, base: Base) -> ir.Value | None:
    if isinstance(measure, Total):
        column = members[measure.value or measure.name]
        return (column.cast("decimal(38, 0)") if measure.unit == "money" else column).sum()
    if isinstance(measure, Count):
        return _counted(members, measure.where)
    if isinstance(measure, Quantile):
        return members[measure.value or measure.name].cast("float64").quantile(measure.q)
    return None


def _summed(table: ir.Table, keys: Sequence[str], figures: dict[str, ir.Value]) -> ir.Table:
    return table.group_by(list(keys)).agg(**figures) if keys else table.agg(**figures)


def _side_by_side(left: ir.Table, right: ir.Table, keys: Sequence[str]) -> ir.Table:
    if not keys:
        return left.cross_join(right)
    joined = left.inner_join(right, list(keys))
    others = [name for name in right.columns if name not in keys]
    return joined.select(*[left[name] for name in left.columns], *[right[name] for name in others])


def _known(members: ir.Table, analysis: Analysis[Any]) -> dict[str, ir.Value]:
    """What a list says of each customer beside who it is: the sums of what the analysis sums; what they wrote last."""
    totals = [each for each in analysis.measures if isinstance(each, Total)]
    known = {each.name: members[each.value or each.name].sum() for each in totals} or {"rows": members.count()}
    if analysis.quoted is not None:
        known[analysis.quoted.name] = members[analysis.quoted.name].argmax(members.us)
    return known


def _literal(column: ir.Value, value: Any) -> ir.Value:
    type_ = column.type()
    try:
        if type_.is_date() and isinstance(value, str):
            value = date.fromisoformat(value)
        elif type_.is_integer():
            value = int(value)
        elif type_.is_floating():
            value = float(value)
        elif type_.is_boolean() and isinstance(value, str):
            value = {"true": True, "false": False}[value.lower()]
    except (ValueError, KeyError):
        raise WrongUse(f"{value!r} is no {type_} of {column.get_name()}") from None
    return ibis.literal(value).cast(type_)


def _completed(row: Row, analysis: Analysis[Any], base: Base) -> Row:
    """A row with its shares and ratios, and whole numbers for money, and of what is counted where nothing is left."""
    of_customers = {each.name for each in analysis.measures if isinstance(each, Customers)}
    for measure in analysis.measures:
        if isinstance(measure, Total) and row[measure.name] is not None and measure.unit in ("money", "count"):
            value = round(row[measure.name], 0 if measure.unit == "money" else _PLACES)
            row[measure.name] = int(value) if value == int(value) else value
        elif isinstance(measure, Share | Ratio):
            part, whole = row[measure.part], row[measure.whole]
            row[measure.name] = float(part) / float(whole) if whole else None
            if isinstance(measure, Ratio) and measure.whole in of_customers and whole and whole < base.frame.smallest:
                row[measure.name] = None
            if isinstance(measure, Share):
                ends = share(part, whole, base.frame.confidence) if whole else (None, None)
                row[f"{measure.name}_low"], row[f"{measure.name}_high"] = ends
                if whole and whole < base.frame.smallest:
                    row[measure.name] = row[f"{measure.name}_low"] = row[f"{measure.name}_high"] = None
    return row
