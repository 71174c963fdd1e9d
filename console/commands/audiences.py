"""`rapport audiences`: segments as tables for other tools; writing, listing and checking them."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated, Any

import msgspec
import typer
from rich.filesize import decimal

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.logs import log_to_stderr
from console.terminal.output import AsJson, out, print_json, show, warn
from plan import Plan, load_plan
from profiles.times import rfc3339
from streams.settings import Settings

__all__ = ["app"]

app = group("audiences", "Segments as Parquet tables for other tools, by version, with what changed.")

_WRITE = """Write the tables of the plan's `audiences`, each so often, until Ctrl-C; safe to kill at any moment.

Reads segments and profiles from Redis into the folder or URL of RAPPORT_AUDIENCES, or that of the archive. A version is
written if somebody entered, left or is told of otherwise; once a day all customers are compared with it. Several do no
harm; one is enough. Files and columns: docs/delivery.md.

    rapport audiences write --to audiences          until Ctrl-C
    rapport audiences write --to s3://bucket/rapport --once
"""

_CHECK = """Compare the tables with all customers in the store, mend them, and say what differed.

`rapport audiences write` does so once a day. Tables of segments that the plan names no more are taken away. Exits
with 1 if anything was wrong, other than that customers have moved since a table was written.
"""

To = Annotated[
    str | None,
    typer.Option("--to", metavar="FOLDER", help="Folder or fsspec URL. [default: RAPPORT_AUDIENCES, else the archive]"),
]


@app.command(help=_WRITE)
def write(
    to: To = None,
    once: Annotated[bool, typer.Option("--once", help="Now, and end then.")] = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    settings = reach(data_dir, plan, audiences=to)
    log_to_stderr(settings)
    asyncio.run(_write(settings, load_plan(settings.plan), once=once, as_json=as_json))


@app.command("list")
def list_(to: To = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """List the tables: their newest versions, how many are in each, and what changed last."""
    from streams.sinks.audiences.audience_writer import audiences_folder  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.sinks.audiences.versions import Tables, written  # noqa: PLC0415  (same)

    folder = audiences_folder(reach(data_dir, audiences=to))
    rows = []
    for segment in written(folder):
        newest = Tables(folder, segment).newest()
        if newest is not None:
            told = msgspec.to_builtins(newest)
            changes = [{**each, "at": rfc3339(each["at"])} for each in told.pop("changes")]
            rows.append({**told, "at": rfc3339(newest.at), "url": folder.url(newest.members), "changes": changes})
    show(rows, as_json, _listing)


@app.command(help=_CHECK)
def check(to: To = None, plan: PlanFile = None, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    settings = reach(data_dir, plan, audiences=to)
    log_to_stderr(settings)
    found = asyncio.run(_check(settings, load_plan(settings.plan)))
    if as_json:
        print_json([msgspec.to_builtins(one) for one in found], indent=False)
    wrong = False
    for one in found:
        counts = {name: getattr(one, name) for name in ("missing", "extra", "differing") if getattr(one, name)}
        if one.damaged:
            counts["damaged"] = 1
        wrong = wrong or bool(counts)
        if as_json:
            continue
        if one.removed:
            out.print(f"{one.segment}: the plan does not name it any more; its {one.removed:,} files are taken away")
        elif counts:
            told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
            warn(
                f"{one.segment}: {told}; mended as version {one.version:,}, such as {', '.join(one.who) or 'all of it'}"
            )
        else:
            out.print(
                f"{one.segment}: version {one.version:,} is as the store is, {one.rows:,} members", soft_wrap=True
            )
    if wrong:
        raise typer.Exit(1)


async def _write(settings: Settings, plan: Plan, *, once: bool, as_json: bool) -> None:
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server  # noqa: PLC0415  (keeps `--help` quick)

    from profiles.stores.trouble import answering  # noqa: PLC0415  (same)
    from streams.clock import WALL  # noqa: PLC0415  (same)
    from streams.sinks.audiences.audience_metrics import AudienceMetrics  # noqa: PLC0415  (same)
    from streams.sinks.audiences.keeping_up import opened  # noqa: PLC0415  (same)

    async with opened(settings, plan, WALL) as keeper:
        if once:
            with answering():
                _tell(await keeper.write(), as_json)
            return
        metrics = AudienceMetrics(CollectorRegistry() if once else REGISTRY)
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr=settings.host)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await keeper.run(stop, metrics, lambda found: _tell(found, as_json, quiet=True))


async def _check(settings: Settings, plan: Plan) -> list[Any]:
    from profiles.stores.trouble import answering  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.clock import WALL  # noqa: PLC0415  (same)
    from streams.sinks.audiences.keeping_up import opened  # noqa: PLC0415  (same)

    async with opened(settings, plan, WALL) as keeper:
        with answering():
            return await keeper.check()


def _tell(found: list[Any], as_json: bool, *, quiet: bool = False) -> None:
    """What became of a look; if `quiet`, only of tables that were written."""
    shown = [one for one in found if not (quiet and one.outcome == "unchanged")]
    if as_json:
        if shown or not quiet:
            print_json([msgspec.to_builtins(one) for one in shown], indent=False)
        return
    for one in shown:
        moved = f"{one.entered:,} entered, {one.left:,} left, {one.changed:,} changed"
        what = {"unchanged": "unchanged", "anew": "written anew", "written": moved}[one.outcome]
        out.print(f"{one.segment}: version {one.version:,}, {one.rows:,} members; {what}", soft_wrap=True)


def _listing(rows: list[dict[str, Any]]) -> Listing:
    cells = []
    for row in rows:
        last = row["changes"][-1] if row["changes"] else None
        moved = f"+{last['entered']:,} -{last['left']:,} ~{last['changed']:,}" if last else "begins anew"
        cells.append(
            [row["segment"], f"{row['number']:,}", row["at"], f"{row['rows']:,}", decimal(row["bytes"]), moved]
        )
    headings = ("segment", "version", "written", "members", "size", "changed last")
    return Listing(headings, cells, right=("version", "members", "size"))
