"""What analyses cost over a big archive: every one of them, and three beside the plainest SQL that one would write.

    python -m benchmarks.analyses                      10 million events of 200,000 customers; about ten minutes
    python -m benchmarks.analyses --events 1000000 --only retention
    python -m benchmarks.analyses --folder /tmp/archive --json     keep the archive for the next run

A year of a shop: visits come in sessions, a tenth of which end in an order; some customers come a hundred times as
often as others. Archive and tables are written first, at a figure of their own, as are the relations that are made at
the first question for them. Seconds of CPU are of one thread; those of the clock of as many as the machine has cores.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any

import duckdb
import psutil
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from analysis.archive.columns import EVENTS
from analysis.archive.folder import Folder
from analysis.archive.manifests import File, load
from analysis.archive.profile_rows import PROFILES
from analysis.base import Base
from analysis.engines.duck import Duck
from analysis.parameters import Parameters
from analysis.registry import analyses
from analysis.running import run as run_analysis
from benchmarks.command import AsJson, command, machine
from models.texts.text_reader import TextReader
from models.texts.topics import Topics
from plan import Plan, load_plan
from streams.archive.manifest_log import ManifestLog
from tests import REPOSITORY
from tests.written import written

__all__ = ["make", "run"]

_BEGINS = date(2025, 11, 1)
_EVENTS_OF_A_SESSION = 6.9  # on average, as below

_SESSIONS = """
CREATE OR REPLACE TEMP TABLE sessions AS
SELECT n, 'c' || lpad(CAST(floor({customers} * pow(random(), 2.5)) AS BIGINT)::VARCHAR, 21, '0') AS home,
    TIMESTAMPTZ '{begins} 00:00:00+00' + to_microseconds(CAST(random() * {days} * 86400e6 AS BIGINT)) AS start,
    random() AS luck, CAST(floor(500 * pow(random(), 2)) AS INTEGER) AS product,
    ['google', 'newsletter', 'meta', '', '', ''][1 + CAST(floor(random() * 6) AS INTEGER)] AS utm,
    ['web', 'web', 'app', 'store'][1 + CAST(floor(random() * 4) AS INTEGER)] AS channel
FROM range({sessions}) t(n)
"""

_ROLES = """
    SELECT *, 'visit' AS role, unnest(range(1 + CAST(floor(4 * random()) AS BIGINT))) AS step, 0 AS later FROM sessions
    UNION ALL
    SELECT *, 'view', unnest(range(1 + CAST(floor(5 * random()) AS BIGINT))), 20 FROM sessions
    UNION ALL SELECT *, 'search', 0, 15 FROM sessions WHERE luck < 0.5
    UNION ALL SELECT *, 'cart', 0, 300 FROM sessions WHERE luck < 0.25
    UNION ALL SELECT *, 'checkout', 0, 400 FROM sessions WHERE luck < 0.15
    UNION ALL SELECT *, 'purchase', 0, 500 FROM sessions WHERE luck < 0.1
    UNION ALL SELECT *, 'refund', 0, 500000 FROM sessions WHERE luck < 0.006
    UNION ALL SELECT *, 'contact_made', 0, 90000 FROM sessions WHERE luck BETWEEN 0.5 AND 0.55
    UNION ALL SELECT *, 'contact_clicked', 0, 95000 FROM sessions WHERE luck BETWEEN 0.5 AND 0.51
    UNION ALL SELECT *, 'ticket_opened', 0, 170000 FROM sessions WHERE luck BETWEEN 0.09 AND 0.1
    UNION ALL SELECT *, 'ticket_solved', 0, 300000 FROM sessions WHERE luck BETWEEN 0.091 AND 0.1
    UNION ALL SELECT *, 'csat', 0, 350000 FROM sessions WHERE luck BETWEEN 0.095 AND 0.1
    UNION ALL SELECT *, 'signup', 0, 10 FROM sessions WHERE luck > 0.98
"""

_ROWS = """
SELECT role || '-{month}-' || n || '-' || step AS id, if(channel = 'app', 'app', 'web') AS source, 'track' AS type,
    role AS name, role, start + to_seconds(later + 30 * step) AS time,
    start + to_seconds(later + 30 * step + 1) AS received, home, '{{}}' AS traits,
    '{{}}' AS properties, '{{}}' AS context,
    if(role IN ('purchase', 'refund'), 500 + 37 * (n % 500), NULL) AS amount, 'EUR' AS currency, 1.0 AS quantity,
    if(role IN ('purchase', 'refund', 'ticket_opened', 'ticket_solved'), '{month}-' || n, '') AS subject,
    if(role = 'csat', 1.0 + n % 5, NULL) AS rating, if(role IN ('csat', 'ticket_opened'),
        if(if(role = 'csat', n % 5 > 2, n % 2 = 0), getvariable('satisfied'), getvariable('others'))[1 + n % 199],
        NULL) AS text, 'category-' || (product % 12) AS category,
    'p' || product AS product, if(role = 'visit' AND step = 0, utm, '') AS utm_source, channel,
    if(role = 'search', n % 7, NULL) AS results,
    if(role = 'purchase', list_transform(range(1 + n % 3), lambda i: struct_pack(
        product := 'p' || ((product + 7 * i) % 500), category := 'category-' || (product % 12), quantity := 1.0,
        price := 500 + 37 * (n % 500), cost := 300 + 20 * (n % 500))), NULL) AS items,
    if(role = 'purchase', 300 + 20 * (n % 500), NULL) AS cost, 0 AS log_partition,
    row_number() OVER () + {offset} AS log_offset
FROM ({roles})
"""

_PROFILES = """
SELECT home AS customer, ['new', 'active', 'loyal', 'at_risk', 'churned'][1 + (n + {month}) % 5] AS stage,
    (n % 97) / 97 AS risk, list_filter(['valuable', 'app_user', 'unhappy', 'repeat_buyer'],
        lambda s: hash(s || home) % 5 <= ({month} + n) % 3) AS segments,
    1 + n % 9 AS orders, 37 * (n % 900) AS net_12m, 'customer' AS kind, DATE '{day}' AS day,
    TIMESTAMPTZ '{day} 22:00:00+00' AS changed, 0 AS log_partition, {month} * 100000000 + n AS log_offset
FROM (SELECT home, min(n) AS n FROM sessions GROUP BY home)
"""

_PLAIN = {
    "active": """
        SELECT day, count(DISTINCT customer) FROM facts WHERE role = 'visit' GROUP BY day ORDER BY day""",
    "retention": """
        WITH o AS (SELECT customer, date_trunc('month', day) AS month, amount FROM facts WHERE role = 'purchase'),
        f AS (SELECT customer, min(month) AS cohort FROM o GROUP BY customer)
        SELECT cohort, date_diff('month', cohort, month), count(DISTINCT customer), sum(amount)
        FROM o JOIN f USING (customer) GROUP BY ALL ORDER BY ALL""",
    "products": """
        SELECT i.product, sum(i.quantity), sum(i.price * i.quantity), count(DISTINCT customer), count(DISTINCT subject)
        FROM (SELECT customer, subject, unnest(items) AS i FROM facts WHERE role = 'purchase') GROUP BY ALL""",
}


def make(folder: Path, events: int, customers: int, tell: Callable[[str], None]) -> None:
    """Write an archive of a year, as an archiver and a compaction leave it: a file for each day."""
    log = ManifestLog(Folder(str(folder)), "made", time.time)
    log.start("profile.events", 1)
    offset = 0
    for month in range(12):
        begins = _BEGINS + timedelta(days=30 * month)
        con = duckdb.connect(config={"memory_limit": "4GB"})
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SELECT setseed(?)", [month / 12])
        dice = Random(month)
        texts = [written(dice) for _ in range(1000)]
        for name, kind in (("satisfied", True), ("others", False)):
            con.execute(f"SET VARIABLE {name} = ?", [[each.text for each in texts if each.satisfied is kind][:199]])
        sessions = int(events / 12 / _EVENTS_OF_A_SESSION)
        con.execute(_SESSIONS.format(customers=customers, begins=begins, days=30, sessions=sessions))
        con.execute(f"CREATE TEMP TABLE rows AS {_ROWS.format(month=month, offset=offset, roles=_ROLES)}")
        offset += con.execute("SELECT count(*) FROM rows").fetchall()[0][0]
        added = []
        for (day,) in con.execute("SELECT DISTINCT CAST(time AS DATE) FROM rows ORDER BY 1").fetchall():
            found = con.sql(
                f"SELECT * FROM rows WHERE CAST(time AS DATE) = '{day}' ORDER BY home, time"
            ).to_arrow_table()
            table = pa.concat_tables([EVENTS.empty_table(), found], promote_options="permissive").cast(EVENTS)
            path = log.name("events", str(day))
            added.append(File(path, "events", str(day), len(table), log.folder.write_table(path, table), 1))
        log.flush(add=added, read={0: (0, offset)})
        log.snapshot([_profiles(con, log, begins + timedelta(days=29), month)], {0: (0, offset)})
        tell(f"{offset:,} events up to {begins + timedelta(days=30)}")


def _profiles(con: duckdb.DuckDBPyConnection, log: ManifestLog, day: date, month: int) -> File:
    """Profiles at the end of a day of all who were there in its month."""
    found = con.sql(_PROFILES.format(day=day, month=month)).to_arrow_table()
    table = pa.concat_tables([PROFILES.empty_table(), found], promote_options="permissive").cast(PROFILES)
    path = log.name("profiles", str(day))
    return File(path, "profiles", str(day), len(table), log.folder.write_table(path, table), 1)


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU, and of the clock."""
    process = psutil.Process()
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    work()
    return sum(process.cpu_times()[:2]) - before, time.monotonic() - began


def _a_text(texts: int = 10_000) -> float:
    """Seconds of CPU that reading one text takes, half of which come with a rating."""
    dice, reader = Random(1), TextReader(Topics())
    given = [(written(dice, "zh" if number % 4 == 0 else "en"), number) for number in range(texts)]

    def read() -> None:
        for (text, satisfied), number in given:
            rating = None if number % 2 else 5.0 if satisfied else 1.0
            reader.read(text, role="review", rating=rating, who=f"c{number}")

    read()  # what is loaded and learned at first is not of one text
    return _measured(read)[0] / texts


def run(
    events: Annotated[int, typer.Option(min=1000, help="Events of the archive.")] = 10_000_000,
    customers: Annotated[int, typer.Option(min=100, help="Customers of it.")] = 200_000,
    folder: Annotated[Path | None, typer.Option(help="Keep the archive here; used again if it is there.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this analysis; may be said several times.")] = None,
    as_json: AsJson = False,
) -> None:
    console = Console(stderr=as_json)
    place = folder or Path(tempfile.mkdtemp(prefix="rapport-analyses-"))
    try:
        figures = _run(place, events, customers, only, lambda words: console.print(words, style="dim"))
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
    if as_json:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    else:
        console.print(_table(figures))


def _run(
    place: Path, events: int, customers: int, only: list[str] | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    plan: Plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    if not (place / "_flushes").is_dir():
        make(place, events, customers, tell)
    state = load(Folder(str(place)))
    built, wall = _measured(lambda: Duck.open(str(place), plan))
    opened, _ = _measured(lambda: Duck.open(str(place), plan))
    engine = Duck.open(str(place), plan)
    engine._con.execute("SET threads = 1")
    figures: dict[str, Any] = {
        "machine": machine(),
        "events": sum(file.rows for file in state.of("events")),
        "bytes": sum(file.bytes for file in state.of("events")),
        "tables": {"cpu": built, "wall": wall, "bytes": sum(p.stat().st_size for p in place.glob("tables/*/*"))},
        "open": opened,
        "a_text": _a_text(),
        "kept": {},
        "analyses": {},
        "plain": {},
    }
    base = Base(engine, Parameters())
    for name in ("refunds", "orders", "lines", "spells", "readings"):
        tell(name)
        figures["kept"][name] = _measured(lambda name=name: getattr(base, name))[0]  # type: ignore[misc]
    figures["texts"] = engine._con.sql("SELECT count(*) FROM readings").fetchall()[0][0]
    for name, analysis in analyses().items():
        if only and name not in only:
            continue
        tell(name)
        cpu, _ = _measured(lambda analysis=analysis: run_analysis(analysis, engine, analysis.parameters()))  # type: ignore[misc]
        engine._con.execute("RESET threads")
        _, wall = _measured(lambda analysis=analysis: run_analysis(analysis, engine, analysis.parameters()))  # type: ignore[misc]
        engine._con.execute("SET threads = 1")
        figures["analyses"][name] = {"cpu": cpu, "wall": wall}
        if name in _PLAIN:
            figures["plain"][name] = _measured(lambda name=name: engine._con.sql(_PLAIN[name]).fetchall())[0]  # type: ignore[misc]
    figures["peak"] = psutil.Process().memory_info().rss
    return figures


def _table(figures: dict[str, Any]) -> Table:
    title = (
        f"{figures['events']:,} events, {figures['bytes'] / 1e6:,.0f} MB; tables in {figures['tables']['cpu']:.0f} s, "
        + ", ".join(f"{name} in {seconds:.1f} s" for name, seconds in figures["kept"].items())
        + f" ({figures['texts']:,} texts, {figures['a_text'] * 1e6:.0f} µs each)"
    )
    table = Table("analysis", "CPU s", "wall s", "plain SQL", title=title, caption=figures["machine"])
    for name, found in sorted(figures["analyses"].items(), key=lambda each: -each[1]["cpu"]):
        plain = figures["plain"].get(name)
        table.add_row(name, f"{found['cpu']:.2f}", f"{found['wall']:.2f}", f"{plain:.2f}" if plain else "")
    return table


if __name__ == "__main__":
    command(run)
