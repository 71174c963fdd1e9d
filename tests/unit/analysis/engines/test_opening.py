"""Other engines give the rows that DuckDB gives: ClickHouse in this process (chDB), and a real Spark.

Spark takes seconds for each; one of each shape is compared, all of them `nightly`, and everything once more as asked
otherwise, and lists behind numbers: cut by week and country, broken down, of companies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.archive.folder import Folder
from analysis.declaration import Analysis
from analysis.engines.duck import Duck
from analysis.engines.engine import Engine
from analysis.engines.opening import open_engine
from analysis.registry import analyses
from analysis.running import behind, run
from plan import Plan, load_plan
from profiles.errors import Misconfigured
from tests import REPOSITORY
from tests.analyses.history import written

SHAPES = ("retention", "funnel", "active")

NOTHING = ("basket", "new_products", "segment_traits")
"""Of which there is nothing to say in this history, with nothing asked for."""

OTHERWISE: tuple[dict[str, Any], ...] = (
    {"since": "2025-06-02", "until": "2026-02-01", "interval": "week", "country": "NL", "as_of": "event",
     "by": "channel", "every": True},
    {"grain": "company", "interval": "quarter"},
)  # fmt: skip
"""As far as an analysis takes it."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(str(REPOSITORY / "tracking_plan.yaml"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("archive")
    written(folder)
    return str(folder)


@pytest.fixture(scope="module")
def duck(archive: str, plan: Plan) -> Duck:
    return Duck.open(archive, plan)


@pytest.fixture(scope="module")
def clickhouse(archive: str, plan: Plan) -> Engine:
    return open_engine("clickhouse://embedded", archive, plan)


@pytest.fixture(scope="module")
def spark(archive: str, plan: Plan) -> Iterator[Engine]:
    from pyspark.sql import SparkSession  # noqa: PLC0415  (it takes a second)

    yield open_engine("spark://local", archive, plan)
    SparkSession.builder.getOrCreate().stop()


def rows(name: str, engine: Engine, **asked: Any) -> list[dict[str, Any]]:
    analysis = analyses()[name]
    found = run(analysis, engine, analysis.parameters(**asked)).rows
    keys = [column.name for column in analysis.dimensions]
    return sorted(found, key=lambda row: [str(row[key]) for key in keys])


def otherwise(analysis: Analysis[Any]) -> list[dict[str, Any]]:
    known = set(analysis.parameters.model_fields) - set(analysis.without)
    return [given for asked in OTHERWISE if (given := {key: asked[key] for key in asked if key in known})]


def assert_equal(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert row == {key: pytest.approx(value, rel=1e-9) if type(value) is float else value
                       for key, value in other.items()}  # fmt: skip


def assert_answers_alike(name: str, engine: Engine, duck: Duck) -> None:
    """Whatever is asked: otherwise, and for the list behind the first number that has one."""
    analysis = analyses()[name]
    for asked in otherwise(analysis):
        assert_equal(rows(name, engine, **asked), rows(name, duck, **asked))
    keys = [column.name for column in analysis.dimensions]
    listed = [measure.name for measure in analysis.measures if measure.listed and not measure.hidden]
    for row in rows(name, duck):
        figure = next((measure for measure in listed if row.get(measure)), None)
        if figure and None not in (cell := {key: row[key] for key in keys}).values():
            found, expected = (behind(analysis, each, analysis.parameters(), cell, figure) for each in (engine, duck))
            assert_equal(found.customers, expected.customers)
            assert found.total == expected.total > 0
            return


def test_the_history_says_something_to_nearly_all(duck: Duck) -> None:
    """Else rows are equal that are none."""
    assert [name for name in analyses() if not rows(name, duck)] == [*NOTHING]


@pytest.mark.parametrize("name", analyses())
def test_clickhouse_gives_the_same_rows(name: str, duck: Duck, clickhouse: Engine) -> None:
    assert_equal(rows(name, clickhouse), rows(name, duck))


@pytest.mark.nightly
@pytest.mark.parametrize("name", analyses())
def test_clickhouse_answers_alike(name: str, duck: Duck, clickhouse: Engine) -> None:
    assert_answers_alike(name, clickhouse, duck)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SHAPES else pytest.mark.nightly) for name in analyses()]
)
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_gives_the_same_rows(name: str, duck: Duck, spark: Engine) -> None:
    assert_equal(rows(name, spark), rows(name, duck))


@pytest.mark.nightly
@pytest.mark.parametrize("name", analyses())
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_answers_alike(name: str, duck: Duck, spark: Engine) -> None:
    assert_answers_alike(name, spark, duck)


def test_an_unknown_engine_is_refused(archive: str, plan: Plan) -> None:
    with pytest.raises(Misconfigured, match="none of spark://"):
        open_engine("mysql://host", archive, plan)


def test_where_no_archive_is_it_says_so(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(Misconfigured, match="there is no archive in"):
        open_engine("", str(tmp_path / "nowhere"), plan)


def test_a_server_of_clickhouse_cannot_read_a_local_folder(duck: Duck, archive: str) -> None:
    from analysis.engines.clickhouse import reading  # noqa: PLC0415

    with pytest.raises(Misconfigured, match="object store"):
        reading(duck.paths["facts"], Folder(archive), embedded=False)
