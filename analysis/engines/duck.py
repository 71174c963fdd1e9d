"""DuckDB, embedded: the archive's tables as files, in this process."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import pyarrow as pa
from msgspec import structs

from analysis.archive.folder import Folder
from analysis.archive.manifests import State, load
from analysis.archive.reader import customer_view, profile_views, tables
from analysis.engines.engine import CATALOGUE, FACTS_VIEW, READINGS, SPELLS, typed
from analysis.engines.narrowing import narrowed
from analysis.framing import Frame, framed
from analysis.tables.build import SUMS, duck_type, facts_query, quoted, refresh, traits_query, way_of
from analysis.tables.readings import read_archive, read_table, reading_way_of
from analysis.tables.units import FOLDER as TABLES
from analysis.tables.units import MARK_EVERY, mark, prune
from models.labels.treatment import held_out_of
from models.segments.builtin import INTERNAL_SEGMENT
from plan import Plan
from plan.analysing.catalogue import Product
from profiles.errors import Misconfigured

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = ["Duck"]

_HELD = pa.schema([("customer", pa.string())])
_READINGS = pa.schema([(name, ibis.dtype(type_).to_pyarrow()) for name, type_ in READINGS.items()])
_PRODUCTS = pa.schema([(name, ibis.dtype(type_).to_pyarrow()) for name, type_ in CATALOGUE.items()])

_VIEWS = """
CREATE OR REPLACE TEMP TABLE merged AS SELECT home, customer FROM customers;

CREATE OR REPLACE TEMP VIEW own_profiles AS
SELECT p.* FROM profile_rows p LEFT JOIN merged m ON m.home = p.customer
WHERE p.kind = 'customer' AND coalesce(m.customer, p.customer) = p.customer;

CREATE OR REPLACE TEMP TABLE whose AS
WITH said AS (
    SELECT coalesce(m.customer, f.home) AS customer,
        arg_max(f.agrees, (f.us, f.log_partition, f.log_offset)) AS agrees
    FROM made_facts f LEFT JOIN merged m USING (home) WHERE f.agrees IS NOT NULL GROUP BY 1
), homes AS (
    SELECT home, customer FROM merged UNION SELECT customer, customer FROM merged
    UNION SELECT customer, customer FROM said
)
SELECT home, customer, agrees FROM homes LEFT JOIN said USING (customer);

CREATE OR REPLACE TEMP VIEW facts AS {facts};

CREATE OR REPLACE TEMP TABLE people AS
WITH known_profiles AS (
    SELECT customer, unnest(arg_max(
        struct_pack(company := company, stage := stage, risk := risk, segments := segments),
        (day, changed, log_partition, log_offset)
    )) FROM own_profiles GROUP BY customer
), known AS (
    SELECT coalesce(w.customer, t.home) AS customer, t.* EXCLUDE (home)
    FROM made_traits t LEFT JOIN whose w USING (home)
), said AS (
    SELECT customer, {traits}, bool_or(internal) AS internal FROM known GROUP BY customer
), every AS (
    SELECT coalesce(w.customer, f.home) AS customer, min(f.seen) AS seen
    FROM (SELECT home, min(seen) AS seen FROM made_homes GROUP BY home) f LEFT JOIN whose w USING (home)
    WHERE coalesce(w.agrees, {granted}) GROUP BY 1
)
SELECT every.customer, said.country, said.region, said.plan, known_profiles.company, known_profiles.stage,
    known_profiles.risk, known_profiles.segments, said.birth_year, coalesce(said.outreach, {outreach}) AS outreach,
    false AS held_out, every.seen,
    coalesce(said.internal, list_contains(known_profiles.segments, '{internal}'), false) AS internal
FROM every LEFT JOIN said USING (customer) LEFT JOIN known_profiles USING (customer);

CREATE OR REPLACE TEMP VIEW people_by_day AS
WITH said AS (
    SELECT coalesce(w.customer, t.home) AS customer,
        CAST(timezone('{zone}', make_timestamptz(t.us)) AS DATE) AS day, {traits}
    FROM made_traits t LEFT JOIN whose w USING (home) GROUP BY 1, 2
), kept AS (
    SELECT customer, day, struct_pack(company := company, stage := stage, segments := segments) AS profile
    FROM profiles
), days AS (
    SELECT customer, day FROM said UNION SELECT customer, day FROM kept
), filled AS (
    SELECT customer, day, {filled}
    FROM days LEFT JOIN said USING (customer, day) LEFT JOIN kept USING (customer, day)
    WINDOW before AS (PARTITION BY customer ORDER BY day ROWS UNBOUNDED PRECEDING),
        after AS (PARTITION BY customer ORDER BY day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
)
SELECT customer, country, region, plan, profile.company AS company, profile.stage AS stage,
    profile.segments AS segments,
    CASE WHEN row_number() OVER theirs = 1 THEN DATE '1900-01-01' ELSE day END AS since,
    lead(day) OVER theirs AS until
FROM filled WINDOW theirs AS (PARTITION BY customer ORDER BY day);

CREATE OR REPLACE TEMP VIEW spells AS
SELECT {spells} FROM profiles WHERE customer IN (SELECT customer FROM people);
"""

_LEFT_OUT = """
SELECT (SELECT count(*) FROM people WHERE internal),
    (SELECT count(DISTINCT customer) FROM whose WHERE NOT coalesce(agrees, {granted})),
    (SELECT min(day) FROM own_profiles), (SELECT coalesce(max(log_offset), -1) FROM links),
    (SELECT count(*) FROM customers WHERE customer <> home), (SELECT max(epoch_us(time)) FROM links)
"""

_LATE = """
SELECT day FROM made_days GROUP BY day
HAVING max(last_us) >= {lateness} + greatest(min(first_us), epoch_us(timezone('{zone}', day + INTERVAL 1 DAY)))
ORDER BY day
"""
"""Days that were closed, `lateness` after their end or after the first event of them came, and then had another."""

_LATENESS = 86_400_000_000


def _seconds() -> float:
    return datetime.now(UTC).timestamp()


class _Use:
    """Says now and then that tables are in use."""

    def __init__(self, folder: Folder, how: str, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._ways = [how]
        self._clock = clock
        self._said = clock()

    def __call__(self) -> None:
        now = self._clock()
        if now - self._said > MARK_EVERY:
            for how in self._ways:
                mark(self._folder, how, now)
            self._said = now

    def also(self, how: str) -> None:
        """Tables made in this way are in use as well, from now on."""
        mark(self._folder, how, self._clock())
        self._ways.append(how)


class Duck:
    """The analyses' relations over the tables `made_facts` and `made_traits` of a connection. Safe to use from threads.

    Args:
        con: with them, with `made_homes` and `made_days`, which follow from the first, and with the views `links`,
            `customers`, `profile_rows` and `profiles` of `analysis.archive.reader`.
        plan: whose calendar, currency and consent hold.
        frame: of the archive.
        number: of the state of the archive.
    """

    name = "duckdb"

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan, frame: Frame, number: int = 0) -> None:
        self._con = con
        self._lock = threading.Lock()
        self._kept: dict[str, ir.Table] = {}
        self.number = number
        self.paths: dict[str, list[str]] = {}  # of the tables as files, by kind
        self._use: Callable[[], None] = lambda: None  # says that they are in use
        self._use_also: Callable[[str], None] = lambda how: None
        self._given_up = False
        self._made_of: tuple[Folder, State] | None = None  # None: of tables in memory
        latest = "arg_max({0}, (us, log_partition, log_offset)) FILTER (WHERE {0} IS NOT NULL) AS {0}"
        traits = ", ".join(latest.format(name) for name in ("country", "region", "plan", "birth_year", "outreach"))
        self.granted, outreach = (
            str(plan.consent.defaults.get(purpose, True)).lower() for purpose in ("analytics", "outreach")
        )
        self._reading = reading_way_of(plan)
        facts = FACTS_VIEW.format(granted=self.granted)
        filled = ", ".join(
            f"coalesce(last_value({name} IGNORE NULLS) OVER before, first_value({name} IGNORE NULLS) OVER after) "
            f"AS {name}"
            for name in ("country", "region", "plan", "profile")
        )
        con.execute(
            _VIEWS.format(
                facts=facts,
                granted=self.granted,
                traits=traits,
                filled=filled,
                zone=frame.zone,
                internal=INTERNAL_SEGMENT,
                outreach=outreach,
                spells=", ".join(SPELLS),
            )
        )
        _hold_out(con, plan.churn.hold_out)
        _catalogue(con, plan.products)
        found = con.execute(_LEFT_OUT.format(granted=self.granted)).fetchall()[0]
        internal, objecting, snapshots, link, merged, merged_us = found
        late = con.execute(_LATE.format(zone=frame.zone, lateness=_LATENESS)).fetchall()
        self.frame = structs.replace(
            frame, internal=internal, objecting=objecting, snapshots=snapshots, link=link,
            late=tuple(day for (day,) in late), merged=merged,
            merged_on=None if merged_us is None else frame.day_of(merged_us / 1e6),
        )  # fmt: skip

    @classmethod
    def open(
        cls,
        archive_url: str,
        plan: Plan,
        *,
        memory: str = "1500MB",
        tell: Callable[[int, int], None] = lambda done, of: None,
        clock: Callable[[], float] = _seconds,
    ) -> Duck:
        """An archive as it is now; tables of it that are missing are made first.

        Args:
            archive_url: folder or fsspec URL.
            plan: as above.
            memory: what DuckDB may take, as it writes sizes; what is more goes to the disk.
            tell: hears how many parts of how many have been made.
            clock: answers the seconds since 1970; tables that nobody uses go by it.

        Raises:
            Misconfigured: there is no such archive.
        """
        folder = Folder(archive_url)
        number = -1
        while True:
            state = load(folder)
            if not state.number:
                raise Misconfigured(
                    f"there is no archive in {folder.root}: `rapport archive --to {archive_url}` writes one, and "
                    "RAPPORT_ARCHIVE says where it is"
                )
            try:
                return cls._open(folder, state, plan, memory, tell, clock)
            except (duckdb.IOException, FileNotFoundError):  # files were replaced meanwhile
                if state.number == number:
                    raise
                number = state.number

    @classmethod
    def _open(
        cls, folder: Folder, state: State, plan: Plan, memory: str, tell: Callable[[int, int], None],
        clock: Callable[[], float],
    ) -> Duck:  # fmt: skip
        con = connect(memory)
        tables(con, folder, state, ("links", "profiles"))
        customer_view(con)
        profile_views(con)
        way = way_of(plan, framed(plan, datetime.now(UTC), datetime.now(UTC).date()).zone)
        paths = refresh(con, folder, state, way, tell, clock, [reading_way_of(plan).digest])
        for kind, files in paths.items():
            if files:
                source = f"read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false)"
                con.execute(f"CREATE OR REPLACE TEMP VIEW made_{kind} AS SELECT * FROM {source}")
        if not paths["facts"]:
            tables(con, folder, state, ("events",))
            _make(con, plan, way.zone)
        duck = cls(con, plan, _known(con, plan, way.zone), state.number)
        erased = state.away
        duck.frame = structs.replace(
            duck.frame,
            erased=len(erased),
            erased_on=duck.frame.day_of(max(erased.values())) if erased else None,
        )
        duck.paths = paths
        duck._use = use = _Use(folder, way.digest, clock)
        duck._use_also = use.also
        duck._made_of = folder, state
        return duck

    @classmethod
    def over(cls, con: duckdb.DuckDBPyConnection, plan: Plan, zone: str | None = None) -> Duck:
        """The views of `analysis.archive.reader` on a connection: small, so nothing is written.

        Args:
            con: with these views.
            plan: as above.
            zone: in which periods are cut, if not the plan's.
        """
        con.execute("SET TimeZone = 'UTC'")
        zone = zone or framed(plan, datetime.now(UTC), datetime.now(UTC).date()).zone
        _make(con, plan, zone)
        return cls(con, plan, _known(con, plan, zone))

    def fetch(self, expression: ir.Table, sql: str = "") -> pa.Table:
        with self._lock:
            self._use()
            found = self._con.sql(sql or self.sql(expression)).to_arrow_table()
        return typed(found, expression)

    def keep(self, name: str, make: Callable[[], ir.Table]) -> ir.Table:
        """A relation of the whole archive: made when it is first asked for, kept as long as the archive is the same.

        Args:
            name: of the relation.
            make: what it is.
        """
        if name not in self._kept:
            expression = make()
            schema = expression.schema()
            columns = ", ".join(f'CAST("{each}" AS {duck_type(type_)}) AS "{each}"' for each, type_ in schema.items())
            with self._lock:
                self._con.execute(
                    f"CREATE TEMP TABLE IF NOT EXISTS all_{name} AS SELECT {columns} FROM ({self.sql(expression)})"
                )
                self._kept[name] = ibis.table(schema, name=f"all_{name}")
        return self._kept[name]

    def read_texts(self) -> list[str]:
        """Make the relation `readings`, if there is none yet; answer the paths of its files, none of one in memory.

        Raises:
            duckdb.InterruptException: it was given up; what has been read stays, if it is of files.
        """
        with self._lock:
            if "readings" in self.paths:
                return self.paths["readings"]
            self._given_up = False
            self._use_also(self._reading.digest)
            files: list[str] = []
            if self._made_of is None:
                read = read_table(self._con, "made_facts", self._reading)
            else:
                files = read_archive(self._con, *self._made_of, self.paths["facts"], self._reading, self._goes_on)
                read = _READINGS.empty_table()
            self._con.register("given_readings", read)
            self._con.execute("CREATE OR REPLACE TEMP TABLE read_here AS SELECT * FROM given_readings")
            self._con.unregister("given_readings")
            source = f"read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false)"
            self._con.execute(
                f"CREATE OR REPLACE TEMP VIEW readings AS SELECT * FROM {source if files else 'read_here'}"
            )
            self.paths["readings"] = files
            return files

    def _goes_on(self) -> None:
        if self._given_up:
            raise duckdb.InterruptException("given up")

    def interrupt(self) -> None:
        """Give up what is being computed, which raises `duckdb.InterruptException` there. From any thread."""
        self._given_up = True
        self._con.interrupt()

    def close(self) -> None:
        """Let go of the archive."""
        with self._lock:
            self._con.close()

    def sql(self, expression: ir.Table) -> str:
        return str(ibis.to_sql(narrowed(expression), dialect="duckdb"))

    def publish(self, folder: Folder) -> dict[str, str]:
        """Write what is no table yet beside the others, for other engines; answer their paths by name."""
        paths = {}
        for name in ("whose", "people", "spells", "people_by_day", "catalogue"):
            paths[name] = f"{TABLES}/{name}/{self.number:010d}.parquet"
            reader = self._con.sql(f"SELECT * FROM {name} ORDER BY ALL").to_arrow_reader(65_536)
            with folder.writer(paths[name], reader.schema, shared=True) as writer:
                for batch in reader:
                    writer.write_batch(batch)
        prune(folder, load(folder))  # as after the others: whoever was erased meanwhile
        return {name: folder.url(path) for name, path in paths.items()}


def connect(memory: str) -> duckdb.DuckDBPyConnection:
    """A database of its own, whose times are in UTC."""
    spill = Path(tempfile.gettempdir()) / f"rapport-analyses-{os.getpid()}"  # there only while something is too big
    con = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(spill)})
    con.execute("SET TimeZone = 'UTC'")
    return con


def _hold_out(con: duckdb.DuckDBPyConnection, share: float) -> None:
    """Say of `people` who is held out: the letters of an id tell, so that it is known of the past as well."""
    if share <= 0:
        return
    customers = con.sql("SELECT customer FROM people").to_arrow_table()["customer"]
    held = pa.table({"customer": held_out_of(customers.to_pylist(), share)}, _HELD)
    con.register("held", held)
    con.execute("UPDATE people SET held_out = true WHERE customer IN (SELECT customer FROM held)")
    con.unregister("held")


def _catalogue(con: duckdb.DuckDBPyConnection, products: Sequence[Product]) -> None:
    rows = [
        {"product": each.product_id, **{name: getattr(each, name) for name in CATALOGUE if name != "product"}}
        for each in products
    ]
    con.register("given_products", pa.Table.from_pylist(rows, _PRODUCTS))
    con.execute("CREATE OR REPLACE TEMP TABLE catalogue AS SELECT * FROM given_products")
    con.unregister("given_products")


def _make(con: duckdb.DuckDBPyConnection, plan: Plan, zone: str) -> None:
    way = way_of(plan, zone)
    con.execute(f"CREATE OR REPLACE TEMP TABLE made_facts AS {facts_query(con, 'events', way)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE made_traits AS {traits_query(con, 'events', way)}")
    for kind, query in SUMS.items():
        con.execute(f"CREATE OR REPLACE TEMP TABLE made_{kind} AS {query.format(facts='made_facts')}")


def _known(con: duckdb.DuckDBPyConnection, plan: Plan, zone: str) -> Frame:
    """The frame of what is there: up to the newest time of receipt."""
    newest, begins = con.execute("SELECT max(last_us), min(day) FROM made_days").fetchall()[0]
    now = datetime.now(UTC) if newest is None else datetime.fromtimestamp(newest / 1e6, UTC)
    return structs.replace(framed(plan, now, begins or now.date()), zone=zone)
