"""Making the tables of a unit in DuckDB: each event once, with local days and money in one currency."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import duckdb
import ibis
import msgspec
import pyarrow as pa
from ibis.backends.sql.datatypes import DuckDBType

from analysis.archive.folder import Folder
from analysis.archive.manifests import State, load
from analysis.engines.engine import FACTS
from analysis.tables.units import KINDS, Unit, mark, prune, prune_ways, units
from plan import Plan
from profiles.consent import INTERNAL
from profiles.doings import NOT_OF_THEIR_OWN
from profiles.money import exponent

__all__ = ["SUMS", "Way", "facts_query", "refresh", "traits_query", "way_of"]

_VERSION = 3
"""Of the tables: raised when what follows from the same events changes."""

_MADE = {
    "us": "epoch_us(e.time)",
    "received_us": "epoch_us(e.received)",
    "day": "CAST(timezone('{zone}', e.time) AS DATE)",
    "hour": "CAST(hour(timezone('{zone}', e.time)) AS INTEGER)",
}

_MONEY = ("amount", "cost", "discount", "shipping", "mrr")

_ITEMS = (
    "list_transform(e.items, lambda x: struct_pack(product := x.product, category := x.category, "
    "quantity := x.quantity, price := {price}, cost := {cost}))"
)


SUMS = {
    "homes": f"""
        SELECT home, min(day) FILTER (WHERE role NOT IN ({", ".join(f"'{role}'" for role in NOT_OF_THEIR_OWN)})) AS seen
        FROM {{facts}} WHERE role <> '' GROUP BY home ORDER BY home""",
    "days": """
        SELECT day, min(received_us) AS first_us, max(received_us) AS last_us FROM {facts} GROUP BY day ORDER BY day""",
}
"""What opening asks of all facts, by the kind of table that has it of each unit: every home of whom there is more than
what has no meaning, with the first local day of something that they did themselves; and when events of a local day were
received first and last."""


class Way(msgspec.Struct, frozen=True):
    """How tables are made: what of a plan they depend on."""

    zone: str
    currency: str
    rates: tuple[tuple[str, int, float], ...] = ()  # code, since (µs), minor units of the plan's for one of its own

    @property
    def digest(self) -> str:
        """Stands for it in names."""
        return hashlib.blake2b(msgspec.json.encode((_VERSION, self)), digest_size=4).hexdigest()


def way_of(plan: Plan, zone: str) -> Way:
    """How a plan wants tables, in a zone."""
    rates = []
    for spec in plan.file.rates:
        since = int(pa.scalar(spec.since).cast(pa.timestamp("us")).value)
        for code, worth in spec.rates.items():
            rates.append((code, since, worth * 10.0 ** (exponent(plan.currency) - exponent(code))))
    return Way(zone, plan.currency, tuple(sorted(rates)))


def refresh(
    con: duckdb.DuckDBPyConnection,
    folder: Folder,
    state: State,
    way: Way,
    tell: Callable[[int, int], None],
    clock: Callable[[], float],
    others: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Make the tables that are missing, and delete those that are out of date or not used; answer the paths
    of all, by kind.

    May run in several processes at once, and be killed at any time.

    Args:
        con: a connection, whose views are replaced.
        folder: of the archive.
        state: of the archive.
        way: how the tables are made.
        tell: hears how many units of how many are there.
        clock: answers the seconds since 1970.
        others: digests of ways in which further tables of these units are made, which stay.

    Raises:
        duckdb.IOException, FileNotFoundError: a file of the archive was replaced meanwhile; load the state again.
    """
    mark(folder, way.digest, clock())
    prune(folder, state)
    held = set(folder.names("tables"))
    wanted = units(state)
    for done, unit in enumerate(wanted):
        tell(done, len(wanted))
        paths = {kind: unit.path(kind, way.digest) for kind in KINDS}
        missing = {kind: path for kind, path in paths.items() if path not in held}
        if missing:
            _build(con, folder, unit, way, missing)
            mark(folder, way.digest, clock())  # all of them may take longer than a mark lasts
    prune_ways(folder, (way.digest, *others), clock())
    tell(len(wanted), len(wanted))
    prune(folder, load(folder))  # who was erased while a table was made would be in it until the next one
    return {kind: [folder.url(unit.path(kind, way.digest)) for unit in wanted] for kind in KINDS}


def _build(con: duckdb.DuckDBPyConnection, folder: Folder, unit: Unit, way: Way, paths: dict[str, str]) -> None:
    """Make the tables of a unit that are missing; `paths` has their paths by kind."""
    listed = ", ".join(quoted(folder.url(file.path)) for file in unit.files)
    con.execute(
        "CREATE OR REPLACE TEMP VIEW unit_events AS SELECT * FROM "
        f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
    )
    placed = "log_partition, log_offset"
    if "facts" in paths:
        query = f"SELECT * FROM ({facts_query(con, 'unit_events', way)}) ORDER BY role, home, us, {placed}"
        _write(con, folder, paths["facts"], query)
    if "traits" in paths:
        query = f"SELECT * FROM ({traits_query(con, 'unit_events', way)}) ORDER BY home, us, {placed}"
        _write(con, folder, paths["traits"], query)
    facts = quoted(folder.url(unit.path("facts", way.digest)))
    for kind, query in SUMS.items():
        if kind in paths:
            _write(con, folder, paths[kind], query.format(facts=f"read_parquet({facts}, hive_partitioning = false)"))


def _write(con: duckdb.DuckDBPyConnection, folder: Folder, path: str, query: str) -> None:
    reader = con.sql(query).to_arrow_reader(65_536)
    with folder.writer(path, reader.schema, shared=True) as writer:
        for batch in reader:
            writer.write_batch(batch)


def facts_query(con: duckdb.DuckDBPyConnection, table: str, way: Way) -> str:
    """The query that makes `facts` of a table of the archive, by `home`, with what it `agrees` to."""
    con.execute("CREATE OR REPLACE TEMP TABLE rates (code VARCHAR, since BIGINT, rate DOUBLE)")
    if way.rates:
        con.executemany("INSERT INTO rates VALUES (?, ?, ?)", [list(rate) for rate in way.rates])
    held = {row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()}
    columns = [f"{_column(name, type_, held, way)} AS {name}" for name, type_ in FACTS.items() if name != "customer"]
    return f"""
        WITH once AS (
            SELECT * FROM {table} QUALIFY row_number() OVER (
                PARTITION BY home, source, id ORDER BY log_partition, log_offset) = 1
        )
        SELECT {", ".join(columns)}, e.consent_analytics AS agrees
        FROM once e ASOF LEFT JOIN rates r ON e.currency = r.code AND epoch_us(e.time) >= r.since
    """


def traits_query(con: duckdb.DuckDBPyConnection, table: str, way: Way) -> str:
    """The query for what events say of people, as far as analyses ask for it: null where one says nothing of it."""
    said = {name: f"json_extract_string(traits, '$.{name}')" for name in ("country", "region", "plan")}
    said["birth_year"] = "TRY_CAST(left(json_extract_string(traits, '$.birthday'), 4) AS INTEGER)"
    said["outreach"] = "TRY_CAST(json_extract_string(traits, '$.\"consent.outreach\"') AS BOOLEAN)"
    said["internal"] = f"TRY_CAST(json_extract_string(traits, '$.\"{INTERNAL}\"') AS BOOLEAN)"
    columns = ", ".join(f"{words} AS {name}" for name, words in said.items())
    any_ = ", ".join(f"CAST({words} AS VARCHAR)" for words in said.values())
    return f"""
        SELECT home, epoch_us(time) AS us, log_partition, log_offset, {columns} FROM {table}
        WHERE traits <> '{{}}' AND coalesce({any_}) IS NOT NULL
    """


def _column(name: str, type_: str, held: set[str], way: Way) -> str:
    if name in _MADE:
        return _MADE[name].format(zone=way.zone)
    if name not in held:
        return f"CAST(NULL AS {duck_type(type_)})"
    if name in _MONEY:
        return _converted(f'e."{name}"', way)
    if name == "items":
        return _ITEMS.format(price=_converted("x.price", way), cost=_converted("x.cost", way))
    if type_ == "string":
        return f"coalesce(e.\"{name}\", '')"
    return f'e."{name}"'


def _converted(money: str, way: Way) -> str:
    """Money in the plan's currency; null where there is no rate."""
    own = f"e.currency IN ('', {quoted(way.currency)})"
    return f"CASE WHEN {own} THEN {money} ELSE CAST(round({money} * r.rate) AS BIGINT) END"


def duck_type(type_: str) -> str:
    """A type as DuckDB writes it."""
    return str(DuckDBType.to_string(ibis.dtype(type_)))


def quoted(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"
