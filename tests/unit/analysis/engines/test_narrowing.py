"""What nobody asks for is not written, and the rows are the same without it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace

import duckdb
import ibis
import ibis.expr.types as ir
import pytest

from analysis.base import Base
from analysis.engines.engine import FACTS
from analysis.engines.narrowing import narrowed
from analysis.framing import Frame
from analysis.registry import analyses
from analysis.running import cells

FRAME = Frame(now=datetime(2026, 6, 15, tzinfo=UTC), begins=date(2025, 6, 1))

LONGEST = 120_000
"""Characters of the SQL of an analysis; without narrowing some have 240,000, with it 60,000."""

GIVEN = {"a": "int64", "b": "int64", "c": "string", "d": "array<int64>"}


def _unnested(t: ir.Table) -> ir.Table:
    each = t.select("a", "b", each=t.d.unnest())
    return each.group_by("a").agg(n=each.count())


def _put_together(t: ir.Table) -> ir.Table:
    one, other = t.filter(t.b > 1), t.mutate(b=t.b * 10).select("d", "c", "b", "a")
    return one.union(other).select("b")


def _without_repeats(t: ir.Table) -> ir.Table:
    return t.select("a", "c").distinct().select("a")


def _joined(t: ir.Table) -> ir.Table:
    sums = t.group_by("a", "c").agg(b=t.b.sum(), most=t.b.max(), n=t.count())
    joined = t.left_join(sums, ["a", "c"])
    return joined.select(t.a, sums.n).filter(lambda x: x.n > 0)


def _over_others(t: ir.Table) -> ir.Table:
    placed = t.mutate(place=ibis.row_number().over(ibis.window(group_by="a", order_by="b")), unused=t.b + 1)
    placed = placed.filter(placed.place == 0).drop("place", "d")
    return placed.filter(placed.a.isin(t.filter(t.b > 1).a)).select("c")


def _counted(t: ir.Table) -> ir.Table:
    return t.mutate(more=t.b + 1).agg(n=lambda x: x.count())


def _all_in_one(t: ir.Table) -> ir.Table:
    sums = t.agg(b=t.b.sum(), n=t.count())
    return t.cross_join(sums).select(t.a).order_by("a").limit(3)


SHAPES = (_unnested, _put_together, _without_repeats, _joined, _over_others, _counted, _all_in_one)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__.strip("_"))
def test_the_rows_are_the_same(shape: Callable[[ir.Table], ir.Table]) -> None:
    con = duckdb.connect()
    con.execute("""CREATE TABLE given AS SELECT * FROM (VALUES
        (1, 1, 'x', [1, 2]), (1, 2, 'x', [3]), (1, 2, 'y', []), (2, 5, 'x', NULL), (2, 6, 'z', [7, 7, 7])
    ) t(a, b, c, d)""")
    expression = shape(ibis.table(GIVEN, name="given"))
    narrow = narrowed(expression)
    assert narrow.schema() == expression.schema()
    found, expected = (
        sorted(con.sql(str(ibis.to_sql(each, dialect="duckdb"))).fetchall(), key=repr) for each in (narrow, expression)
    )
    assert found == expected
    assert found


def test_steps_have_only_what_later_ones_ask_for() -> None:
    facts = ibis.table(FACTS, name="facts")
    placed = facts.mutate(place=ibis.row_number().over(ibis.window(group_by="customer", order_by="us")))
    text = str(ibis.to_sql(narrowed(placed.filter(placed.place == 0).select("customer", "role")), dialect="duckdb"))
    assert '"us"' in text
    assert not any(f'"{name}"' in text for name in FACTS if name not in ("customer", "role", "us"))


@pytest.mark.parametrize("name", analyses())
def test_the_sql_of_an_analysis_is_short(name: str) -> None:
    analysis = analyses()[name]
    expression = cells(analysis, Base(SimpleNamespace(frame=FRAME), analysis.parameters()))  # type: ignore[arg-type]
    assert len(str(ibis.to_sql(narrowed(expression), dialect="duckdb"))) < LONGEST
