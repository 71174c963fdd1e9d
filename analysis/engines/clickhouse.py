"""ClickHouse: a server, or chDB in this process; it reads the same tables from the archive's folder."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from analysis.archive.folder import Folder
from analysis.engines.duck import Duck
from analysis.engines.engine import FACTS_VIEW, typed
from analysis.engines.narrowing import narrowed
from analysis.tables.build import quoted
from profiles.errors import Misconfigured

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["ClickHouse", "clickhouse_sql", "reading"]

_SETTINGS = {
    # Else a row without a partner has zeros and "", and a sum of nothing is 0: the others say null.
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "session_timezone": "UTC",
    "max_query_size": 16_000_000,  # every step of a query names its columns
    "query_plan_max_optimizations_to_apply": 1_000_000,  # and each use of a step is planned by itself
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
}


class ClickHouse:
    """The analyses' relations in ClickHouse.

    Args:
        url: `clickhouse://USER:PASSWORD@HOST:PORT/DATABASE` of a server that can read the archive's object store, or
            `clickhouse://embedded` for chDB.
        duck: the same archive: it has made the tables that ClickHouse reads.
        folder: of the archive.

    Raises:
        Misconfigured: the client is not installed, or the archive lies where a server cannot read it.
    """

    name = "clickhouse"

    def __init__(self, url: str, duck: Duck, folder: Folder) -> None:
        self.frame = duck.frame
        self.number = duck.number
        embedded = url == "clickhouse://embedded"
        self._query: Callable[[str], pa.Table] = _embedded() if embedded else _server(url)
        self._duck, self._folder, self._is_embedded, self._reads = duck, folder, embedded, False
        published = {name: [path] for name, path in duck.publish(folder).items()}
        for name, paths in {"made_facts": duck.paths["facts"], **published}.items():
            self._view(name, paths)
        self._query(f"CREATE OR REPLACE VIEW facts AS {FACTS_VIEW.format(granted=duck.granted)}")

    def _view(self, name: str, paths: Sequence[str]) -> None:
        source = reading(paths, self._folder, embedded=self._is_embedded)
        self._query(f"CREATE OR REPLACE VIEW {name} AS {source}")

    def read_texts(self) -> None:
        """Make the relation `readings`, if there is none yet: DuckDB reads the texts."""
        if not self._reads:
            self._view("readings", self._duck.read_texts())
            self._reads = True

    def fetch(self, expression: ir.Table, sql: str = "") -> pa.Table:
        return typed(self._query(sql or self.sql(expression)), expression)

    def sql(self, expression: ir.Table) -> str:
        return clickhouse_sql(expression)


def clickhouse_sql(expression: ir.Table) -> str:
    """An expression in ClickHouse's SQL; needs no ClickHouse.

    Two of its types are not those of the others: counts have no sign, and mix with whole numbers to neither; and what
    cannot be null has a zero, not a null, before the first row of a window.
    """

    def alike(node: Any, changed: dict[str, Any] | None) -> Any:
        counts = isinstance(node, ops.CountStar | ops.Count | ops.RowNumber)
        if isinstance(node, ops.WindowFunction) and isinstance(node.func, ops.CountStar | ops.Count | ops.RowNumber):
            counts = True
            changed = {**_args(node), **(changed or {})}
            changed["func"] = changed["func"].arg  # the whole is cast, not the function in it
        made = node.__recreate__(changed) if changed else node
        if isinstance(made, ops.Lag | ops.Lead):
            made = made.__recreate__({**_args(made), "arg": ops.Cast(made.arg, made.arg.dtype)})
        return ops.Cast(made, "int64") if counts else made

    return str(ibis.to_sql(narrowed(expression).op().replace(alike).to_expr(), dialect="clickhouse"))


def _args(node: Any) -> dict[str, Any]:
    return dict(zip(node.argnames, node.args, strict=True))


def reading(paths: Sequence[str], folder: Folder, *, embedded: bool) -> str:
    """A query for the rows of files that lie in one folder."""
    places = {path.rpartition("/")[0] for path in paths}
    names = ",".join(path.rpartition("/")[2] for path in paths)
    where = f"{places.pop()}/{'{' + names + '}' if len(paths) > 1 else names}"
    if embedded and folder.local:
        return f"SELECT * FROM file({quoted(where)}, Parquet)"
    if not where.startswith("s3://"):
        raise Misconfigured(
            "a ClickHouse server reads the archive from an object store: RAPPORT_ARCHIVE must be s3://…, or use "
            "RAPPORT_ENGINE=clickhouse://embedded"
        )
    return f"SELECT * FROM s3({quoted(where)}, Parquet)"


def _embedded() -> Callable[[str], pa.Table]:
    try:
        from chdb.session import Session  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise Misconfigured(
            "RAPPORT_ENGINE=clickhouse://embedded needs chDB: pip install 'rapport-cdp[chdb]'"
        ) from error
    session = Session()
    session.query("CREATE DATABASE IF NOT EXISTS rapport ENGINE = Memory; USE rapport")
    for name, value in _SETTINGS.items():
        session.query(f"SET {name} = {value!r}")

    def query(sql: str) -> pa.Table:
        found = session.query(sql, "ArrowStream").bytes()
        return pa.ipc.open_stream(io.BytesIO(found)).read_all() if found else pa.table({})

    return query


def _server(url: str) -> Callable[[str], pa.Table]:
    try:
        import clickhouse_connect  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise Misconfigured(
            "RAPPORT_ENGINE=clickhouse://… needs its client: pip install 'rapport-cdp[clickhouse]'"
        ) from error
    client = clickhouse_connect.get_client(dsn=url, settings=_SETTINGS)

    def query(sql: str) -> pa.Table:
        if sql.lstrip().startswith("CREATE"):
            client.command(sql)
            return pa.table({})
        return client.query_arrow(sql, use_strings=True)

    return query
