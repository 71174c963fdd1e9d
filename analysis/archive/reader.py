"""Reading the event archive: as events, and as views in DuckDB. See docs/archive.md for its files and columns.

Reading goes on while the archive is written to, compacted, or has customers erased from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from analysis.archive.columns import EVENTS, LINKS, SAID, events_in
from analysis.archive.folder import Folder
from analysis.archive.manifests import File, State, load
from analysis.archive.profile_rows import PROFILES
from profiles.errors import RapportError
from profiles.types import Event

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "Vanished", "customer_view", "events", "events_of", "files", "profile_views", "progress", "slices", "tables",
    "views",
]  # fmt: skip

_ROWS = 250_000
"""Rows that are looked at together: what reading the archive takes of memory, whatever its size."""

_LETTERS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""Of profile ids, in order. Ids are digests, so each first letter has as many as any other."""

_CUSTOMERS = """
CREATE OR REPLACE TEMP VIEW customers AS
WITH RECURSIVE newest AS (
    SELECT home, arg_max(profile, (origin_offset, log_offset)) AS profile FROM links GROUP BY home
), chain(home, customer, depth) AS (
    SELECT home, profile, 1 FROM newest
    UNION ALL
    SELECT chain.home, newest.profile, depth + 1 FROM chain JOIN newest ON newest.home = chain.customer
    WHERE newest.profile <> chain.customer AND depth < 1000
)
SELECT home, arg_max(customer, depth) AS customer FROM chain GROUP BY home
"""

_EVENTS = """
CREATE OR REPLACE TEMP VIEW customer_events AS
SELECT coalesce(customers.customer, events.home) AS customer, events.* FROM events LEFT JOIN customers USING (home);

CREATE OR REPLACE TEMP VIEW consenting_events AS
SELECT * FROM customer_events WHERE customer NOT IN (
    SELECT customer FROM customer_events WHERE consent_analytics IS NOT NULL
    GROUP BY customer HAVING NOT arg_max(consent_analytics, (time, log_offset))
);
"""

_PROFILES = """
CREATE OR REPLACE TEMP VIEW profile_days AS
SELECT p.* EXCLUDE (log_partition, log_offset), lead(p.day) OVER theirs AS until
FROM profile_rows p LEFT JOIN customers ON customers.home = p.customer
WHERE coalesce(customers.customer, p.customer) = p.customer
WINDOW theirs AS (PARTITION BY p.customer ORDER BY p.day, p.changed, p.log_partition, p.log_offset)
QUALIFY until IS DISTINCT FROM p.day;  -- of one day the last row

CREATE OR REPLACE TEMP VIEW profiles AS SELECT * EXCLUDE (kind) FROM profile_days WHERE kind = 'customer';
CREATE OR REPLACE TEMP VIEW company_profiles AS SELECT * EXCLUDE (kind) FROM profile_days WHERE kind = 'company';
"""

_TABLES = {"events": ("events", EVENTS), "links": ("links", LINKS), "profiles": ("profile_rows", PROFILES)}
"""Their views in DuckDB, and their columns."""


class Vanished(Exception):
    """A file was replaced while it was about to be read: load the state again."""


def progress(archive_url: str) -> dict[int, int]:
    """Partition of `profile.events` → next offset to read: what is before it is in the archive."""
    return dict(load(Folder(archive_url)).read)


def files(archive_url: str) -> list[File]:
    """The Parquet files that count, by day and name."""
    state = load(Folder(archive_url))
    return state.of("events") + state.of("links") + state.of("profiles")


def events_of(
    archive_url: str,
    homes: Collection[str] | None,
    *,
    until: Mapping[int, int] | None = None,
    before: Mapping[str, int] | None = None,
) -> Iterator[Event]:
    """The events of these homes (None: of all), home by home, each home's in the order of the log.

    Every event comes once, even if the archive holds a repeat of it: an event is told by home, source and id, as the
    profiles do.

    Args:
        archive_url: folder or fsspec URL.
        homes: profile ids.
        until: partition → offset; only events before these offsets. Without it: all that is there at the start.
        before: home → offset of its own partition, before which its events are wanted, besides `until`.

    Raises:
        RapportError: this is no archive that can be read.
    """
    folder = Folder(archive_url)
    state = load(folder)
    bounds = dict(state.read if until is None else until)
    total = sum(file.rows for file in state.of("events"))
    for low, high in _ranges(total if homes is None else min(total, len(homes) * 1000)):
        chosen = None if homes is None else [home for home in homes if _within(home, low, high)]
        if chosen is None or chosen:
            table = _retrying(folder, low, high, chosen, bounds)
            yield from events_in(table if before is None else table.filter(_before(table, before, "home")))


def events(con: DuckDBPyConnection, archive_url: str) -> None:
    """Give a DuckDB connection views of the archive as it is now. Call it again for newer files.

    `events` and `links` are the files; `customers` says which customer a home with links belongs to now;
    `customer_events` are the events with a column `customer`; `consenting_events` are those without customers whose
    newest consent to analytics is no. `profiles` are customers as they were at the end of each day on which something
    about them changed, until the day `until`: as of a day, those with `day <= d` and no `until`, or `d < until`;
    `company_profiles` are companies likewise.
    """
    folder = Folder(archive_url)
    state = load(folder)
    tables(con, folder, state)
    views(con)
    profile_views(con)


def tables(con: DuckDBPyConnection, folder: Folder, state: State, named: Collection[str] = tuple(_TABLES)) -> None:
    """Give a connection views of the files alone, of a state of the archive: `events`, `links` and `profile_rows`.

    Args:
        con: that gets them.
        folder: of the archive.
        state: of the archive.
        named: the tables that are wanted: `events`, `links`, `profiles`. Each costs a look into every file of it.
    """
    if not folder.local:
        con.register_filesystem(folder.fs)
    for table in named:
        view, schema = _TABLES[table]
        paths = [folder.url(file.path) for file in state.of(table)]
        query = _no_rows(schema)
        if paths:
            listed = ", ".join(f"'{path.replace(chr(39), 2 * chr(39))}'" for path in paths)
            query += f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], {_AS_NAMED})"
        con.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {query}")


def profile_views(con: DuckDBPyConnection) -> None:
    """Give a connection with `profile_rows` and `customers` the views that follow from them."""
    con.execute(_PROFILES)


def customer_view(con: DuckDBPyConnection) -> None:
    """Give a connection with `links` the view `customers`."""
    con.execute(_CUSTOMERS)


def views(con: DuckDBPyConnection) -> None:
    """Give a connection with `events` and `links` the views that follow from them."""
    customer_view(con)
    con.execute(_EVENTS)


_AS_NAMED = "hive_partitioning = false, union_by_name = true"


def _no_rows(schema: pa.Schema) -> str:
    """A query without rows that has all columns, with their types: files of earlier versions have fewer."""
    columns = ", ".join(f'NULL::{_sql_type(field.type)} AS "{field.name}"' for field in schema)
    return f"SELECT {columns} WHERE false"


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"{_sql_type(type_.value_type)}[]"
    if pa.types.is_struct(type_):
        fields = ", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in type_)
        return f"STRUCT({fields})"
    return _SQL[type_]


_SQL = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.date32(): "DATE",
}


def slices(folder: Folder, chosen: Sequence[File]) -> Iterator[pa.Table]:
    """All rows of these files in tables that fit into memory: by home, then in the order of the log, without repeats.

    Raises:
        Vanished: a file is no longer there.
    """
    for low, high in _ranges(sum(file.rows for file in chosen)):
        yield _slice(folder, chosen, low, high, None, None, EVENTS.names)


def _retrying(folder: Folder, low: str, high: str, homes: list[str] | None, bounds: Mapping[int, int]) -> pa.Table:
    number = -1
    while True:
        state = load(folder)
        try:
            return _slice(folder, state.of("events"), low, high, homes, bounds)
        except Vanished as error:  # replaced meanwhile, by a file with the same rows
            if state.number == number:
                raise RapportError(f"a file of the archive is missing; restore it: {error}") from error
            number = state.number


def _ranges(rows: int) -> Iterator[tuple[str, str]]:
    """Ranges of homes, [low, high), that hold some 250,000 rows each; "" is open."""
    count = min(max(1, -(-rows // _ROWS)), len(_LETTERS) ** 2)
    prefixes = ["".join(pair) for pair in itertools.product(_LETTERS, repeat=2)]
    borders = ["", *(prefixes[len(prefixes) * n // count] for n in range(1, count)), ""]
    return itertools.pairwise(borders)


def _within(home: str, low: str, high: str) -> bool:
    return home >= low and (not high or home < high)


def _slice(
    folder: Folder,
    chosen: Iterable[File],
    low: str,
    high: str,
    homes: list[str] | None,
    bounds: Mapping[int, int] | None,
    columns: Sequence[str] = SAID,
) -> pa.Table:
    home = ds.field("home")
    condition = pc.scalar(True)
    if homes is not None:
        condition = home.isin(homes)
    else:
        if low:
            condition &= home >= low
        if high:
            condition &= home < high
    paths = [folder.path(file.path) for file in chosen]
    if not paths:
        return EVENTS.empty_table().select(list(columns))
    try:
        source = ds.dataset(paths, schema=EVENTS, format="parquet", filesystem=folder.arrow())
        table = source.to_table(list(columns), filter=condition)
    except FileNotFoundError as error:
        raise Vanished(str(error)) from error
    if bounds is not None:
        table = table.filter(_before(table, bounds))
    return _each_once(table)


def _before(table: pa.Table, bounds: Mapping[int, int] | Mapping[str, int], column: str = "log_partition") -> pa.Array:
    known = pa.array(list(bounds), table.schema.field(column).type)
    place = pc.index_in(table[column], known)
    limits = pa.array(list(bounds.values()), pa.int64())
    return pc.fill_null(pc.less(table["log_offset"], limits.take(place.combine_chunks())), False)


def _each_once(table: pa.Table) -> pa.Table:
    """By home and place in the log; of repeats the first."""
    table = table.sort_by([("home", "ascending"), ("log_partition", "ascending"), ("log_offset", "ascending")])
    seen: set[tuple[str, str]] = set()
    last = None
    kept = []
    for home, source, id_ in zip(*(table[name].to_pylist() for name in ("home", "source", "id")), strict=True):
        if home != last:
            seen.clear()
            last = home
        kept.append((source, id_) not in seen)
        seen.add((source, id_))
    return table if all(kept) else table.filter(pa.array(kept, pa.bool_()))
