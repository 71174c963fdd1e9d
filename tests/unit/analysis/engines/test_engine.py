"""What analyses of each shape are compiled to is kept beside this file, so that it does not change unnoticed.

One whole, as DuckDB is asked, and a digest for each engine. A change that is meant is written down by

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


@pytest.mark.parametrize("name", SHAPES)
def test_it_is_compiled_to_what_is_kept(name: str) -> None:
    sql, digests = compiled(name)
    assert sql + "\n" == (KEPT / f"{name}.sql").read_text(encoding="utf-8"), "see above, if that is meant"
    assert digests == json.loads((KEPT / "digests.json").read_text(encoding="utf-8"))[name]


def main() -> None:
    KEPT.mkdir(exist_ok=True)
    digests = {}
    for name in SHAPES:
        sql, digests[name] = compiled(name)
        (KEPT / f"{name}.sql").write_text(sql + "\n", encoding="utf-8")
    (KEPT / "digests.json").write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
