"""Other engines give the rows that DuckDB gives: ClickHouse in this process (chDB), and a real Spark.

Spark takes seconds for each; one of each shape is compared, all with RAPPORT_TEST_NIGHTLY=1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.archive.folder import Folder
from analysis.engines.duck import Duck
from analysis.engines.engine import Engine
from analysis.engines.opening import open_engine
from analysis.registry import analyses
from analysis.running import run
from benchmarks.analyses import make
from plan import Plan, parse_plan
from profiles.errors import Misconfigured
from tests import REPOSITORY

SHAPES = ("retention", "funnel", "active")
NIGHTLY = bool(os.environ.get("RAPPORT_TEST_NIGHTLY"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plan() -> Plan:
    text = (REPOSITORY / "tracking_plan.yaml").read_text()
    goals = "goals: [{segment: valuable, measure: value, target: 500, by: 2027-01-01}, {segment: app_user, target: 9,"
    goals += " by: 2027-01-01}]"
    return parse_plan(text.replace("session_gap: 30m}", f"session_gap: 30m, {goals}}}"), "goals.yaml", {})


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("archive")
    make(folder, 8_000, 150, lambda words: None)
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


def rows(name: str, engine: Engine) -> list[dict[str, Any]]:
    analysis = analyses()[name]
    found = run(analysis, engine, analysis.parameters()).rows
    keys = [column.name for column in analysis.dimensions]
    return sorted(found, key=lambda row: [str(row[key]) for key in keys])


def assert_equal(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert row == {key: pytest.approx(value, rel=1e-9) if type(value) is float else value
                       for key, value in other.items()}  # fmt: skip


@pytest.mark.parametrize("name", analyses())
def test_clickhouse_gives_the_same_rows(name: str, duck: Duck, clickhouse: Engine) -> None:
    assert_equal(rows(name, clickhouse), rows(name, duck))


@pytest.mark.parametrize("name", [name for name in analyses() if NIGHTLY or name in SHAPES])
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_gives_the_same_rows(name: str, duck: Duck, spark: Engine) -> None:
    assert_equal(rows(name, spark), rows(name, duck))


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
