"""DuckDB, embedded: the archive's files as they are, in this process."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
from ibis.backends.sql.datatypes import DuckDBType
from msgspec import structs

from analysis.archive.folder import Folder
from analysis.archive.manifests import load
from analysis.archive.reader import events
from analysis.engines.engine import FACTS, PEOPLE, typed
from analysis.framing import Frame, framed
from plan import Plan

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

__all__ = ["Duck"]

_FACTS = """
CREATE OR REPLACE TEMP VIEW facts AS
WITH said AS (
    SELECT coalesce(c.customer, e.home) AS customer,
        arg_max(e.consent_analytics, (e.time, e.log_partition, e.log_offset)) AS agrees
    FROM events e LEFT JOIN customers c USING (home) WHERE e.consent_analytics IS NOT NULL GROUP BY 1
), once AS (
    SELECT * FROM events
    QUALIFY row_number() OVER (PARTITION BY home, source, id ORDER BY log_partition, log_offset) = 1
)
SELECT {columns}
FROM once e LEFT JOIN customers c USING (home) LEFT JOIN said s ON s.customer = coalesce(c.customer, e.home)
WHERE coalesce(s.agrees, {granted})
"""

_PEOPLE = """
CREATE OR REPLACE TEMP VIEW people AS
SELECT coalesce(c.customer, e.home) AS customer, {traits}
FROM events e LEFT JOIN customers c USING (home) GROUP BY 1
"""

_MADE = {
    "customer": "coalesce(c.customer, e.home)",
    "us": "epoch_us(e.time)",
    "received_us": "epoch_us(e.received)",
    "day": "CAST(timezone('{zone}', e.time) AS DATE)",
    "hour": "CAST(hour(timezone('{zone}', e.time)) AS INTEGER)",
}


class Duck:
    """The analyses' tables over the views `events`, `links`, `customers` of a connection. Safe to use from threads.

    Args:
        con: with the views of `analysis.archive.reader`.
        plan: whose zone, currency, roles and consent hold.
        number: of the state of the archive.
        zone: in which periods are cut, if not the plan's.
    """

    name = "duckdb"

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan, number: int = 0, zone: str | None = None) -> None:
        self._con = con
        self._con.execute("SET TimeZone = 'UTC'")
        self._lock = threading.Lock()
        self.number = number
        self.frame = self._framed(plan, zone)
        self._make(plan)

    @classmethod
    def open(cls, archive_url: str, plan: Plan, *, memory: str = "1500MB") -> Duck:
        """An archive as it is now.

        Args:
            archive_url: folder or fsspec URL.
            plan: as above.
            memory: what DuckDB may take, as it writes sizes; what is more goes to the disk.

        Raises:
            Misconfigured: there is no such archive.
        """
        con = duckdb.connect(config={"memory_limit": memory})
        events(con, archive_url)
        return cls(con, plan, load(Folder(archive_url)).number)

    def _framed(self, plan: Plan, zone: str | None) -> Frame:
        frame = framed(plan, datetime.now(UTC), datetime.now(UTC).date())
        zone = zone or frame.zone
        found = self._con.execute(
            "SELECT epoch_us(max(received)), CAST(timezone(?, min(time)) AS DATE) FROM events", [zone]
        ).fetchone()
        newest, begins = found or (None, None)
        now = datetime.now(UTC) if newest is None else datetime.fromtimestamp(newest / 1e6, UTC)
        return structs.replace(frame, now=now, begins=begins or now.date(), zone=zone)

    def _make(self, plan: Plan) -> None:
        held = {row[0] for row in self._con.execute("DESCRIBE events").fetchall()}
        columns = [f"{self._column(name, type_, held)} AS {name}" for name, type_ in FACTS.items()]
        granted = plan.consent.defaults.get("analytics", True) if hasattr(plan.consent, "defaults") else True
        self._con.execute(_FACTS.format(columns=", ".join(columns), granted=str(granted).lower()))
        traits = [f"{_trait(name, type_)} AS {name}" for name, type_ in PEOPLE.items() if name != "customer"]
        self._con.execute(_PEOPLE.format(traits=", ".join(traits)))

    def _column(self, name: str, type_: str, held: set[str]) -> str:
        if name in _MADE:
            return _MADE[name].format(zone=self.frame.zone)
        return f'e."{name}"' if name in held else f"CAST(NULL AS {_duck(type_)})"

    def fetch(self, expression: ir.Table, sql: str = "") -> pa.Table:
        with self._lock:
            found = self._con.sql(sql or self.sql(expression)).to_arrow_table()
        return typed(found, expression)

    def sql(self, expression: ir.Table) -> str:
        return str(ibis.to_sql(expression, dialect="duckdb"))


def _trait(name: str, type_: str) -> str:
    if name in ("country", "region", "plan"):
        said = f"json_extract_string(e.traits, '$.{name}')"
        return f"arg_max({said}, (e.time, e.log_partition, e.log_offset)) FILTER (WHERE {said} IS NOT NULL)"
    return f"CAST(NULL AS {_duck(type_)})"


def _duck(type_: str) -> Any:
    return DuckDBType.to_string(ibis.dtype(type_))
