"""`rapport send FILE`: a file of events through the collector, keeping event times."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from console.clients.target import DEFAULT_DATA_DIR, DataDir, Found, Url, find
from console.files.delivery import Collector
from console.files.options import split_pair, with_table
from console.files.rows import FileSpec, Item, fingerprint, header_of, read_items
from console.files.sending import Bookmark, Chunk, chunks, deliver
from console.terminal.output import err, out, warn
from console.terminal.progress import progress
from profiles.errors import Misconfigured, WrongUse

__all__ = ["Scan", "register", "scan", "send_file"]

SHOWN = 10
"""Bad rows that are named one by one."""

HELP = """Send a file of events through the collector, keeping event times.

JSON lines hold one Segment event each, with `timestamp` and, unless --source is given, `source`:

    rapport send events.jsonl

The rows of a table (CSV or any other delimiter, also .gz) become events by a mapping. Fields are user_id, anonymous_id,
timestamp, event, properties.…, traits.…, context.…; `--set` fills in {columns} and {line}:

    rapport send orders.csv --source purchase --event 'Order Completed' \\
      --map user_id=customer --map timestamp=date --map properties.revenue=amount:number \\
      --set properties.order_id='{customer}-{line}' --set properties.currency=EUR

The CDNOW purchase log (23,570 customers, 69,659 purchases; `pip install lifetimes` brings it):

    rapport send CDNOW_master.txt --source purchase --event 'Order Completed' --delimiter whitespace \\
      --map user_id=customer_id --map timestamp=date --time-format %Y%m%d \\
      --map properties.revenue=dollar_value:number --map properties.quantity=number_of_cds:int \\
      --set properties.order_id=cdnow-{line} --set properties.currency=USD

The whole file is checked before anything is sent. Stopped at any point, the same command goes on where it was; rows
that are sent twice are dropped as known repeats.
"""


@dataclass(slots=True)
class Scan:
    """What a first reading of a file found."""

    good: int = 0
    bad: list[Item] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)


def scan(file: Path, spec: FileSpec, mark: str, *, skip_bad: bool = False) -> Scan:
    """Read the whole file and send nothing.

    Raises:
        Misconfigured: a row is bad and not to be skipped, or there is none.
    """
    found = Scan()
    for item in read_items(file, spec, mark):
        if item.problem:
            found.bad.append(item)
        else:
            found.good += 1
            found.sources.add(item.source)
    _report(file, found, skip_bad)
    if found.bad:
        _set_aside(file, spec, found.bad)
    return found


def send_file(
    file: Path,
    spec: FileSpec,
    target: Found,
    data_dir: Path,
    *,
    skip_bad: bool = False,
    restart: bool = False,
) -> int:
    """Send a file and answer how many events this run sent; 0 when an earlier run sent them all.

    Args:
        file: to send.
        spec: what it holds.
        target: where to.
        data_dir: where it is noted how far the file was sent.
        skip_bad: set bad rows aside in a file named FILE.bad.
        restart: forget how far earlier runs came.

    Raises:
        WrongUse: the file cannot be read, or a write key is missing; nothing was sent.
        Misconfigured: a row is bad; nothing was sent.
        DeliveryError: the collector refused or is away; the next run goes on from there.
    """
    mark = fingerprint(file)
    found = scan(file, spec, mark, skip_bad=skip_bad)
    if missing := found.sources - set(target.write_keys):
        raise WrongUse(
            f"no write key is known for {', '.join(sorted(missing))}: give --write-key {min(missing)}=KEY "
            f"(known: {', '.join(sorted(target.write_keys)) or 'none'})"
        )
    bookmark = Bookmark(data_dir, file.absolute(), f"{target.url} {mark} {spec.model_dump_json()}")
    if not restart:
        bookmark.load()
    if bookmark.complete:
        return 0
    before = bookmark.events
    with progress() as bar:
        moved = bar(file.name)
        moved(before, found.good)

        def done(chunk: Chunk) -> None:
            bookmark.advance(chunk)
            moved(bookmark.events, found.good)

        async def send() -> None:
            async with Collector(target.url, waiting=lambda why: err.print(why, markup=False)) as http:
                await http.check()
                rest = read_items(file, spec, mark, after=bookmark.line)
                await deliver(chunks(rest), http, target.write_keys, done)

        try:
            asyncio.run(send())
        except KeyboardInterrupt:
            err.print("The same command goes on from here.")
            raise
        finally:
            bookmark.save()
    bookmark.finish()
    return bookmark.events - before


def _report(file: Path, found: Scan, skip_bad: bool) -> None:
    for item in found.bad[:SHOWN] if skip_bad else ():
        warn(f"{file}, line {item.line}: {item.problem}")
    if found.bad and not skip_bad:
        rest = f" ({len(found.bad) - 1:,} more rows are bad)" if len(found.bad) > 1 else ""
        raise Misconfigured(
            f"{file}, line {found.bad[0].line}: {found.bad[0].problem}{rest}. Nothing was sent; "
            "correct the file, or use --skip-bad to set bad rows aside."
        )
    if not found.good:
        raise Misconfigured(f"{file} holds no events")


def _set_aside(file: Path, spec: FileSpec, bad: list[Item]) -> None:
    """The bad rows as they were, so that they can be corrected and sent."""
    aside = file.with_name(file.name.removesuffix(".gz") + ".bad")
    header = header_of(file, spec)
    try:
        with aside.open("w", encoding="utf-8", errors="surrogateescape", newline="") as target:
            target.writelines(f"{line}\n" for line in [*([header] if header else []), *(item.raw for item in bad)])
    except OSError as error:
        raise Misconfigured(f"bad rows cannot be written to {aside}: {error}. Nothing was sent.") from error
    warn(f"{len(bad):,} bad rows are in {aside}")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_table
    def send(
        spec: FileSpec,
        file: Annotated[Path, typer.Argument(help="JSON lines (.jsonl, .ndjson) or a table; .gz is read as well.")],
        skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Set bad rows aside in FILE.bad.")] = False,
        check: Annotated[bool, typer.Option("--check", help="Only check the file.")] = False,
        restart: Annotated[bool, typer.Option("--restart", help="Begin anew, also if all was sent.")] = False,
        write_key: Annotated[
            list[str] | None, typer.Option(metavar="SOURCE=KEY", help="Where no data directory says so.")
        ] = None,
        url: Url = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        if check:
            found = scan(file, spec, fingerprint(file), skip_bad=skip_bad)
            out.print(f"{found.good:,} events of {', '.join(sorted(found.sources))}; nothing was sent.")
            return
        keys = dict(split_pair(pair, "--write-key", "SOURCE=KEY") for pair in write_key or [])
        target = find(data_dir, url, write_keys=keys)
        sent = send_file(file, spec, target, data_dir, skip_bad=skip_bad, restart=restart)
        if sent:
            out.print(f"{sent:,} events sent. What the plan did not accept is in /v1/rejected, with the reason.")
        else:
            out.print(f"{file} was already sent to {target.url}; --restart sends it again.", markup=False)
