"""Every analysis keeps to what all engines have, and can be written for each of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import ibis
import pytest

from analysis.base import Base
from analysis.engines.clickhouse import clickhouse_sql
from analysis.engines.engine import FACTS
from analysis.engines.spark import spark_sql
from analysis.engines.subset import outside
from analysis.engines.trino import trino_sql
from analysis.framing import Frame
from analysis.registry import analyses
from analysis.running import cells

FRAME = Frame(now=datetime(2026, 6, 15, tzinfo=UTC), begins=date(2025, 6, 1))


@pytest.mark.parametrize("name", analyses())
def test_an_analysis_is_the_same_in_every_engine(name: str) -> None:
    analysis = analyses()[name]
    asked = analysis.parameters()
    expression = cells(analysis, Base(SimpleNamespace(frame=FRAME), asked))  # type: ignore[arg-type]
    assert outside(expression) == set(), "analysis.engines.subset says why; another way, or add it with its proof"
    assert spark_sql(expression)
    assert trino_sql(expression)
    assert clickhouse_sql(expression)
    assert ibis.to_sql(expression, dialect="duckdb")


@pytest.mark.parametrize(
    "expression",
    [
        lambda t: t.agg(n=t.customer.nunique()),
        lambda t: t.mutate(n=ibis.ntile(5).over(ibis.window(order_by=t.us))),
        lambda t: t.group_by(t.role).agg(n=t.customer.collect()),
        lambda t: t.mutate(n=t.starts.epoch_seconds()),
        lambda t: t.agg(n=t.us.approx_median()),
    ],
)
def test_what_differs_is_found(expression: Any) -> None:
    assert outside(expression(ibis.table(FACTS, name="facts")))
