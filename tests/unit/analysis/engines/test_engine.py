"""What analyses are compiled to is kept beside this file, so that it does not change unnoticed.

One of each shape is there whole, as DuckDB is asked, and of every analysis a digest for each engine; of the others than
these the digests are compared at night. A change that is meant is written down by

    python -m tests.unit.analysis.engines.test_engine

and looked at in the difference: what is computed anew, joined or kept that was not before?
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import ibis
import pytest

from analysis.base import Base
from analysis.engines.clickhouse import clickhouse_sql
from analysis.engines.engine import FACTS
from analysis.engines.narrowing import narrowed
from analysis.engines.spark import spark_sql
from analysis.engines.trino import trino_sql
from analysis.framing import Frame
from analysis.registry import analyses
from analysis.running import cells

KEPT = Path(__file__).with_name("compiled")

SHAPES = ("active", "funnel", "retention")
"""Days of events; chains of them; orders of cohorts."""

FRAME = Frame(now=datetime(2026, 6, 15, tzinfo=UTC), begins=date(2025, 6, 1))


def compiled(name: str) -> tuple[str, dict[str, str]]:
    """The SQL of an analysis in DuckDB, and digests of it in all engines."""
    analysis = analyses()[name]
    expression = cells(analysis, Base(SimpleNamespace(frame=FRAME), analysis.parameters()))  # type: ignore[arg-type]
    written = {
        "duckdb": str(ibis.to_sql(narrowed(expression), dialect="duckdb")),
        "clickhouse": clickhouse_sql(expression),
        "spark": spark_sql(expression),
        "trino": trino_sql(expression),
    }
    digests = {engine: hashlib.blake2b(sql.encode(), digest_size=8).hexdigest() for engine, sql in written.items()}
    return written["duckdb"], digests


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SHAPES else pytest.mark.nightly) for name in analyses()]
)
def test_it_is_compiled_to_what_is_kept(name: str) -> None:
    sql, digests = compiled(name)
    if name in SHAPES:
        assert sql + "\n" == (KEPT / f"{name}.sql").read_text(encoding="utf-8"), "see above, if that is meant"
    kept = json.loads((KEPT / "digests.json").read_text(encoding="utf-8"))
    assert digests == kept.get(name), "see above, if that is meant"


def test_spark_takes_no_number_for_a_decimal() -> None:
    """Else a share of orders is rounded, and comes back as what no column of numbers takes."""
    facts = ibis.table(FACTS, name="facts")
    assert "CAST(1.0 AS DOUBLE) / " in spark_sql(facts.select(share=1.0 / facts.us))


def test_trino_spreads_no_struct_and_reads_short_texts() -> None:
    """As a Trino 435 wants it: of a list of structs it makes a column a field, and of an empty text no letter."""
    facts = ibis.table(FACTS, name="facts")
    items = trino_sql(facts.select("customer", item=facts["items"].unnest()))
    assert 'UNNEST(TRANSFORM("t0"."items", _x -> ROW(_x))) WITH ORDINALITY' in items
    letter = trino_sql(facts.select(letter=facts.customer.right(3).ascii_str()))
    assert 'SUBSTR("t0"."customer", -3' not in letter
    assert "= ''" in letter


def main() -> None:
    KEPT.mkdir(exist_ok=True)
    digests = {}
    for name in analyses():
        sql, digests[name] = compiled(name)
        if name in SHAPES:
            (KEPT / f"{name}.sql").write_text(sql + "\n", encoding="utf-8")
    (KEPT / "digests.json").write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
