"""`rapport archive`: the event history as Parquet files; its status, compacting and upgrading it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import re
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from rich.filesize import decimal

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.frame import CommandLine
from console.terminal.listing import Listing
from console.terminal.logs import log_to_stderr
from console.terminal.output import AsJson, out, print_json
from console.terminal.progress import progress
from plan import load_plan
from profiles.errors import Misconfigured, WrongUse
from streams.settings import Settings

__all__ = ["register"]

HELP = """Write the event history to Parquet files, each event once; safe to kill at any moment.

Reads `profile.events` into the folder or URL of RAPPORT_ARCHIVE until it is stopped, and after the end of each day
`profile.changes`. Run one; a second one takes over and the first stops. Files, columns and examples for DuckDB, pandas
and Spark: docs/archive.md.

    rapport archive --to history                until Ctrl-C; a flush every RAPPORT_ARCHIVE_EVERY seconds
    rapport archive --to s3://bucket/rapport --once     up to what is there now
    rapport archive status --to history         progress, lag, files, sizes
    rapport archive compact --to history        one file per finished day
    rapport archive upgrade --to history        facts as columns for what was archived before there were any
    rapport archive profiles --to history       how customers were at the end of each day, up to yesterday
"""

_CONNECT = 15.0  # seconds for Kafka to answer at the start
_ENDING = 5.0  # seconds for profiles that are being written, when the archiver ends

commands = CommandLine(name="archive", help=HELP, invoke_without_command=True)

To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="FOLDER", help="Folder or fsspec URL. [default: RAPPORT_ARCHIVE, else that of `rapport up`]"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands)


@commands.callback()
def archive(
    context: typer.Context,
    to: To = None,
    once: Annotated[bool, typer.Option("--once", help="End when what is there now has been archived.")] = False,
    accept_gap: Annotated[
        bool, typer.Option("--accept-gap", help="Go on although Kafka has deleted records that were not archived yet.")
    ] = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    settings = reach(data_dir, plan, archive=to)
    log_to_stderr(settings)
    asyncio.run(_run(settings, once=once, accept_gap=accept_gap, as_json=as_json))


@commands.command("status")
def show_status(to: To = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Show how far the archive is behind, and what it holds."""
    from streams.archive.status import status  # noqa: PLC0415  (keeps `rapport --help` quick)

    logging.getLogger("aiokafka").setLevel("CRITICAL")  # the page says it if Kafka does not answer
    document = asyncio.run(status(reach(data_dir, archive=to)))
    if as_json:
        print_json(document, indent=False)
    else:
        _print_status(document)
    if document["lag"] is None:
        raise Misconfigured("Kafka does not answer, so what is still to be archived is not known")


@commands.command("compact")
def run_compact(
    to: To = None,
    before: Annotated[
        str | None, typer.Option(help="The first day, YYYY-MM-DD, that stays as it is. Default: today, UTC.")
    ] = None,
    by_month: Annotated[
        int | None,
        typer.Option(
            min=62, metavar="DAYS", help="One file a month, of months that are over for so many days or more."
        ),
    ] = None,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Make one file of each day's files. May run beside the archiver; the rows stay the same.

    With --by-month also one of each old month's, where they come to 256 MB at most: object stores like few large files.
    """
    from analysis.archive.facts import FactsOf  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.archive.archiver import open_log  # noqa: PLC0415  (same)
    from streams.archive.compact import compact  # noqa: PLC0415  (same)

    day = _day(before)
    months = "" if by_month is None else (datetime.now(UTC).date() - timedelta(days=by_month)).isoformat()
    settings = reach(data_dir, plan, archive=to)
    log = open_log(settings)
    with progress(quiet=as_json) as bar:
        sums = compact(log, day, FactsOf(load_plan(settings.plan)), bar("compacting, days"), months=months)
    if as_json:
        print_json(dataclasses.asdict(sums), indent=False)
    else:
        out.print(
            f"{sums.files_before:,} files of {sums.days:,} days became {sums.files_after:,}; "
            f"{decimal(sums.bytes_before)} became {decimal(sums.bytes_after)}"
        )


@commands.command("upgrade")
def run_upgrade(
    to: To = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what has them by another plan, such as the plan before it changed.")
    ] = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Give events that were archived without facts as columns theirs, by the plan of now.

    Day by day; may be stopped, and goes on where it was. May run beside the archiver. Events stay as they are.

    Examples:

        rapport archive upgrade --to history
        rapport archive upgrade --to history --again
    """
    from analysis.archive.facts import FactsOf  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.archive.archiver import open_log  # noqa: PLC0415  (same)
    from streams.archive.upgrade import upgrade  # noqa: PLC0415  (same)

    settings = reach(data_dir, plan, archive=to)
    log = open_log(settings)
    facts = FactsOf(load_plan(settings.plan))
    try:
        with progress(quiet=as_json) as bar:
            sums = upgrade(log, facts, anew=again, tell=bar("upgrading, days"))
    except OSError as error:
        raise Misconfigured(
            f"the archive in {log.folder.root} cannot be written: {error}. The next run goes on with what is left"
        ) from error
    if as_json:
        print_json(dataclasses.asdict(sums), indent=False)
    elif sums.files:
        out.print(
            f"{sums.events:,} events of {sums.days:,} days have facts now, in {sums.files:,} files; "
            f"{decimal(sums.bytes_before)} became {decimal(sums.bytes_after)}"
        )
    else:
        out.print("nothing to do: all events have facts" + (" by this plan" if again else ""))


@commands.command("profiles")
def run_profiles(
    to: To = None, plan: PlanFile = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False
) -> None:
    """Write how customers were at the end of each day that is over.

    The archiver does this by itself after the end of each day of the plan's `timezone`; this does it now.
    """
    from streams.archive.archiver import open_log  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.archive.profile_days import snapshot  # noqa: PLC0415  (same)
    from streams.clock import WALL  # noqa: PLC0415  (same)
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)

    settings = reach(data_dir, plan, archive=to)
    log_to_stderr(settings)
    kafka = KafkaLog(settings)
    with progress(quiet=as_json) as bar:
        job = snapshot(
            open_log(settings), kafka, settings, load_plan(settings.plan), WALL.now(), tell=bar("reading profiles")
        )
        done = asyncio.run(job)
    if as_json:
        print_json(dataclasses.asdict(done), indent=False)
    else:
        out.print(f"{done.profiles:,} rows of {done.days:,} days, {decimal(done.bytes)}")


async def _run(settings: Settings, *, once: bool, accept_gap: bool, as_json: bool) -> None:
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server  # noqa: PLC0415  (keeps `--help` quick)

    from streams.archive.archiver import Archiver, open_log  # noqa: PLC0415  (same)
    from streams.archive.archiver import Progress as Done  # noqa: PLC0415  (same)
    from streams.archive.metrics import ArchiveMetrics  # noqa: PLC0415  (same)
    from streams.archive.profile_days import keep_snapshots, snapshot  # noqa: PLC0415  (same)
    from streams.clock import WALL  # noqa: PLC0415  (same)
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)
    from streams.kafka.reader import NoTopic  # noqa: PLC0415  (same)

    kafka = KafkaLog(settings, connect=_CONNECT)
    metrics = ArchiveMetrics(CollectorRegistry() if once else REGISTRY)  # nobody asks one run for its metrics
    plan = load_plan(settings.plan)
    archiver = Archiver(kafka, settings, plan, metrics, accept_gap=accept_gap)
    if settings.metrics_port and not once:
        start_http_server(settings.metrics_port, addr=settings.host)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, archiver.stop.set)
    with progress(quiet=not once) as bar:
        moved = bar("archiving")

        def tell(done: Done, flushed: bool) -> None:
            moved(done.read, done.read + done.lag)
            if flushed and as_json and not once:
                print_json(dataclasses.asdict(done), indent=False)

        keeper = None
        if not once:
            keeper = asyncio.create_task(
                keep_snapshots(partial(open_log, settings), kafka, settings, plan, WALL.now, archiver.stop)
            )
        try:
            await archiver.run(once=once, tell=tell)
        finally:
            archiver.stop.set()
            if keeper is not None:
                await _end(keeper)
        if once:
            with contextlib.suppress(NoTopic):  # a worker creates it
                await snapshot(open_log(settings), kafka, settings, plan, WALL.now())
    done = archiver.progress
    if as_json and once:
        print_json(dataclasses.asdict(done), indent=False)
    elif not as_json:
        out.print(
            f"{done.written:,} events written, {done.repeats:,} repeats dropped, {done.erased:,} of erased customers; "
            f"the archive has {done.files:,} files, {decimal(done.bytes)}",
            soft_wrap=True,
        )


async def _end(keeper: asyncio.Task[None]) -> None:
    """Wait a little for who writes profiles; what it has begun does not count, and is done by the next."""
    await asyncio.wait({keeper}, timeout=_ENDING)
    keeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeper


def _print_status(document: dict[str, Any]) -> None:
    lag = "Kafka does not answer" if document["lag"] is None else f"{document['lag']:,} records behind"
    out.print(
        f"{document['archive']}: {document['events']:,} events in {document['files']:,} files, "
        f"{decimal(document['bytes'])}; {lag}; last flush {document['last_flush'] or 'never'}",
        soft_wrap=True,
    )
    if document["days"]:
        shown = document["days"][-14:]
        if len(document["days"]) > len(shown):
            out.print(f"the latest {len(shown)} of {len(document['days']):,} days (--json has all):")
        rows = [(day["day"], f"{day['events']:,}", f"{day['files']:,}", decimal(day["bytes"])) for day in shown]
        out.print(Listing(("day", "events", "files", "size"), rows, right=("events", "files", "size")))
    headings = ("partition", "archived up to", "log ends at", "lag")
    keys = ("partition", "read", "end", "lag")
    told = [["?" if row[key] is None else f"{row[key]:,}" for key in keys] for row in document["partitions"]]
    out.print(Listing(headings, told, right=headings))
    if document["without_facts"]:
        out.print(
            f"{document['without_facts']:,} events have no facts as columns: rapport archive upgrade", style="yellow"
        )
    for gap in document["gaps"]:
        out.print(f"missing: partition {gap['partition']}, records {gap['from']} to {gap['to'] - 1}", style="red")
    if missed := sum(row["missed"] for row in document["partitions"]):
        out.print(f"Kafka has deleted {missed:,} records that were not archived yet", style="red")


def _day(given: str | None) -> str:
    if given is None:
        return datetime.now(UTC).date().isoformat()
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", given):
        raise WrongUse(f"--before {given} is no day; write YYYY-MM-DD")
    return given
