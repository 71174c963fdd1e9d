"""`rapport archive`: the event history as Parquet files; its status, and compacting it."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
import signal
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from console.commands.plan import default_plan
from console.terminal.output import err, explained, out
from plan import load_plan
from profiles.errors import Misconfigured
from streams.settings import Settings

__all__ = ["register"]

HELP = """Write the event history to Parquet files, each event once; safe to kill at any moment.

Reads `profile.events` into the folder or URL of RAPPORT_ARCHIVE until it is stopped. Run one; a second one takes over
and the first stops. Files, columns and examples for DuckDB, pandas and Spark: docs/archive.md.

    rapport archive --to history                until Ctrl-C; a flush every RAPPORT_ARCHIVE_EVERY seconds
    rapport archive --to s3://bucket/rapport --once     up to what is there now
    rapport archive status --to history         progress, lag, files, sizes
    rapport archive compact --to history        one file per finished day
"""

commands = typer.Typer(name="archive", help=HELP, invoke_without_command=True, rich_markup_mode="markdown")

To = Annotated[str, typer.Option("--to", help="Folder or fsspec URL. Default: RAPPORT_ARCHIVE.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="For tools: JSON, one document a line.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands)


@commands.callback()
def archive(
    context: typer.Context,
    to: To = "",
    once: Annotated[bool, typer.Option("--once", help="End when what is there now has been archived.")] = False,
    accept_gap: Annotated[
        bool, typer.Option("--accept-gap", help="Go on although Kafka has deleted records that were not archived yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    with explained():
        settings = _settings(to)
        _log_to_stderr(settings)
        asyncio.run(_run(settings, once=once, accept_gap=accept_gap, as_json=as_json))


@commands.command("status")
def show_status(to: To = "", as_json: AsJson = False) -> None:
    """Show how far the archive is behind, and what it holds."""
    from streams.archive.status import status  # noqa: PLC0415  (keeps `rapport --help` quick)

    logging.getLogger("aiokafka").setLevel("CRITICAL")  # the page says it if Kafka does not answer
    with explained():
        document = asyncio.run(status(_settings(to)))
    if as_json:
        typer.echo(orjson.dumps(document))
    else:
        _print_status(document)


@commands.command("compact")
def run_compact(
    to: To = "",
    before: Annotated[
        str | None, typer.Option(help="The first day, YYYY-MM-DD, that stays as it is. Default: today, UTC.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make one file of each day's files. May run beside the archiver; the rows stay the same."""
    from streams.archive.archiver import open_log  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.archive.compact import compact  # noqa: PLC0415  (same)

    with explained():
        day = _day(before)
        log = open_log(_settings(to))
        with _bar() as bar:
            task = bar.add_task("compacting", total=None, unit="days")
            sums = compact(log, day, lambda done, of: bar.update(task, completed=done, total=of))
    if as_json:
        typer.echo(orjson.dumps(dataclasses.asdict(sums)))
    else:
        out.print(
            f"{sums.files_before:,} files of {sums.days:,} days became {sums.files_after:,}; "
            f"{decimal(sums.bytes_before)} became {decimal(sums.bytes_after)}"
        )


async def _run(settings: Settings, *, once: bool, accept_gap: bool, as_json: bool) -> None:
    from prometheus_client import start_http_server  # noqa: PLC0415  (keeps `rapport --help` quick)

    from streams.archive.archiver import Archiver  # noqa: PLC0415  (same)
    from streams.archive.archiver import Progress as Done  # noqa: PLC0415  (same)
    from streams.archive.metrics import ArchiveMetrics  # noqa: PLC0415  (same)

    archiver = Archiver(settings, load_plan(default_plan()), ArchiveMetrics(), accept_gap=accept_gap)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.host)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, archiver.stop.set)
    with _bar(disable=not once) as bar:
        task = bar.add_task("archiving", total=None, unit="records")

        def tell(done: Done, flushed: bool) -> None:
            bar.update(task, completed=done.read, total=done.read + done.lag)
            if flushed and as_json and not once:
                typer.echo(orjson.dumps(dataclasses.asdict(done)))

        await archiver.run(once=once, tell=tell)
    done = archiver.progress
    if as_json and once:
        typer.echo(orjson.dumps(dataclasses.asdict(done)))
    elif not as_json:
        out.print(
            f"{done.written:,} events written, {done.repeats:,} repeats dropped, {done.erased:,} of erased customers; "
            f"the archive has {done.files:,} files, {decimal(done.bytes)}",
            soft_wrap=True,
        )


def _print_status(document: dict[str, Any]) -> None:
    lag = "Kafka does not answer" if document["lag"] is None else f"{document['lag']:,} records behind"
    out.print(
        f"{document['archive']}: {document['events']:,} events in {document['files']:,} files, "
        f"{decimal(document['bytes'])}; {lag}; last flush {document['last_flush'] or 'never'}",
        soft_wrap=True,
    )
    if document["days"]:
        days = Table("day", *(_right(name) for name in ("events", "files", "size")))
        shown = document["days"][-14:]
        for day in shown:
            days.add_row(day["day"], f"{day['events']:,}", f"{day['files']:,}", decimal(day["bytes"]))
        if len(document["days"]) > len(shown):
            out.print(f"the latest {len(shown)} of {len(document['days']):,} days (--json has all):")
        out.print(days)
    progress = Table(*(_right(name) for name in ("partition", "archived up to", "log ends at", "lag")))
    for row in document["partitions"]:
        progress.add_row(*("?" if row[key] is None else f"{row[key]:,}" for key in ("partition", "read", "end", "lag")))
    out.print(progress)
    for gap in document["gaps"]:
        out.print(f"missing: partition {gap['partition']}, records {gap['from']} to {gap['to'] - 1}", style="red")
    if missed := sum(row["missed"] for row in document["partitions"]):
        out.print(f"Kafka has deleted {missed:,} records that were not archived yet", style="red")


def _right(name: str) -> Any:
    return Column(name, justify="right")


def _bar(*, disable: bool = False) -> Progress:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    return Progress(*columns, console=err, disable=disable or not err.is_terminal)


def _settings(to: str) -> Settings:
    settings = Settings()
    return settings.model_copy(update={"archive": to}) if to else settings


def _log_to_stderr(settings: Settings) -> None:
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("streams").setLevel(settings.log_level.upper())


def _day(given: str | None) -> str:
    if given is None:
        return datetime.now(UTC).date().isoformat()
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", given):
        raise Misconfigured(f"--before {given} is no day; write YYYY-MM-DD")
    return given
