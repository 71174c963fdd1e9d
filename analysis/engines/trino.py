"""Trino: a cluster whose Hive catalog has the archive's tables as external tables (docs/analyses.md says how)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

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

__all__ = ["Trino", "trino_sql"]

_SETTINGS = {
    "query_max_stage_count": "1000",  # each use of a step is a stage by itself: 226, of 150 that are allowed
    "join_reordering_strategy": "NONE",  # and its costs would be reckoned anew for every order of joins
    "join_distribution_type": "PARTITIONED",
}

_UNNESTED = re.compile(r'UNNEST\(("[^"()]+"\."[^"()]+")\) WITH ORDINALITY')


class Trino:
    """The analyses' relations in Trino.

    Args:
        url: `trino://USER@HOST:PORT/CATALOG/SCHEMA`, or `trino+https://USER:PASSWORD@…`; the schema has `made_facts`,
            `whose`, `people`, `spells` and so on (docs/analyses.md).
        duck: the same archive: it has made the tables that Trino reads.
        folder: of the archive.

    Raises:
        Misconfigured: the client is not installed, or the address is not whole.
    """

    name = "trino"

    def __init__(self, url: str, duck: Duck, folder: Folder) -> None:
        try:
            from trino.auth import BasicAuthentication  # noqa: PLC0415  (an extra)
            from trino.dbapi import connect  # noqa: PLC0415
        except ImportError as error:
            raise Misconfigured(
                "RAPPORT_ENGINE=trino://… needs its client: pip install 'rapport-cdp[trino]'"
            ) from error
        parts = urlsplit(url)
        catalog, _, schema = parts.path.strip("/").partition("/")
        if not (parts.hostname and parts.username and catalog and schema):
            raise Misconfigured("RAPPORT_ENGINE must be trino://USER@HOST:PORT/CATALOG/SCHEMA")
        secure = parts.scheme == "trino+https"
        self.frame = duck.frame
        self.number = duck.number
        self._con = connect(
            host=parts.hostname,
            port=parts.port or (443 if secure else 8080),
            user=unquote(parts.username),
            auth=BasicAuthentication(unquote(parts.username), unquote(parts.password)) if parts.password else None,
            http_scheme="https" if secure else "http",
            catalog=catalog,
            schema=schema,
            timezone="UTC",
            session_properties=_SETTINGS,
        )
        duck.publish(folder)
        self._duck = duck
        made = f"({_only('made_facts', duck.paths['facts'])}) f"
        facts = FACTS_VIEW.format(granted=duck.granted).replace("made_facts f", made)
        self._run(f"CREATE OR REPLACE VIEW facts AS {facts}")

    def read_texts(self) -> None:
        """Make the relation `readings`: DuckDB reads the texts."""
        self._run(f"CREATE OR REPLACE VIEW readings AS {_only('made_readings', self._duck.read_texts())}")

    def fetch(self, expression: ir.Table, sql: str = "") -> pa.Table:
        names, rows = self._run(sql or self.sql(expression))
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return typed(pa.Table.from_pylist(found, schema=expression.schema().to_pyarrow()), expression)

    def sql(self, expression: ir.Table) -> str:
        return trino_sql(expression)

    def _run(self, sql: str) -> tuple[list[str], list[list[object]]]:
        cursor = self._con.cursor()
        cursor.execute(sql)
        rows = cursor.fetchall()
        return [each[0] for each in cursor.description or ()], rows


def _only(table: str, paths: Sequence[str]) -> str:
    """A query for the rows of these files of a table: in its folder may be others, that were made for another plan."""
    names = ", ".join(quoted(path.rpartition("/")[2]) for path in paths)
    return f"""SELECT * FROM {table} WHERE regexp_extract("$path", '[^/]+$') IN ({names or "''"})"""


def trino_sql(expression: ir.Table) -> str:
    """An expression in Trino's SQL; needs no Trino.

    It knows quantiles only approximately: those are. The end of a text that is shorter is nothing to it, an empty text
    has no first letter, and a list of structs is spread to their fields, unless each is the one field of another.
    """

    def known(node: Any, changed: dict[str, Any] | None) -> Any:
        args = {**dict(zip(node.argnames, node.args, strict=True)), **(changed or {})}
        if isinstance(node, ops.Quantile):
            return ops.ApproxQuantile(**args)
        made = node.__recreate__(changed) if changed else node
        if isinstance(made, ops.StrRight):
            start = ops.Greatest((ops.Subtract(ops.StringLength(made.arg), made.nchars), ops.Literal(0, "int64")))
            return ops.Substring(made.arg, start)
        if isinstance(made, ops.StringAscii):
            none = ops.Literal(0, made.dtype)
            return ops.IfElse(ops.Equals(made.arg, ops.Literal("", "string")), none, made)
        return made

    sql = str(ibis.to_sql(narrowed(expression).op().replace(known).to_expr(), dialect="trino"))
    return _UNNESTED.sub(r"UNNEST(TRANSFORM(\1, _x -> ROW(_x))) WITH ORDINALITY", sql)
