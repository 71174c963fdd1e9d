"""Trino: a cluster whose Hive catalog has the archive's tables as external tables (docs/analyses.md says how)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import ibis
import ibis.expr.operations as ops
import pyarrow as pa

from analysis.archive.folder import Folder
from analysis.engines.duck import Duck
from analysis.engines.engine import FACTS_VIEW, typed
from analysis.engines.narrowing import narrowed
from profiles.errors import Misconfigured

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Trino", "trino_sql"]


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
        )
        duck.publish(folder)
        self._duck = duck
        self._run(f"CREATE OR REPLACE VIEW facts AS {FACTS_VIEW.format(granted=duck.granted)}")

    def read_texts(self) -> None:
        """Write the files of `readings`, an external table: DuckDB reads the texts."""
        self._duck.read_texts()

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


def trino_sql(expression: ir.Table) -> str:
    """An expression in Trino's SQL; needs no Trino. It knows quantiles only approximately: those are."""

    def known(node: Any, changed: dict[str, Any] | None) -> Any:
        if isinstance(node, ops.Quantile):
            return ops.ApproxQuantile(**(changed or dict(zip(node.argnames, node.args, strict=True))))
        return node.__recreate__(changed) if changed else node

    return str(ibis.to_sql(narrowed(expression).op().replace(known).to_expr(), dialect="trino"))
