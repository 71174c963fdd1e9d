"""`rapport rejected`: look at the events that were not accepted, and put them back once the plan is mended."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from console.clients.noting import note
from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.moment import Since, Until, moment
from console.terminal.options import options_of
from console.terminal.output import AsJson, err, out, print_json, readable
from console.terminal.output import show as write
from console.terminal.progress import progress
from plan import Plan, load_plan
from profiles.errors import NotFound, WrongUse
from profiles.identity.ignored import BOT, INTERNAL
from profiles.times import rfc3339
from streams.records.rejected import IGNORE, Rejection, told
from streams.scrub import scrub
from streams.settings import Settings
from streams.visible import visible, visible_json

__all__ = ["AcceptGap", "app"]

app = group(
    "rejected", "Events that were not accepted: list them, look at one, put them back after the plan is mended."
)

AcceptGap = Annotated[
    bool,
    typer.Option(
        "--accept-gap",
        help="Go on although Kafka has deleted what a killed replay had put back; that may then be put back twice.",
    ),
]


def _wanted(
    source: Annotated[str, typer.Option("--source", help="Only of this source.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Only for this reason, e.g. plan_violation.")] = "",
    step: Annotated[
        str, typer.Option("--step", help="Only from this step: collect, decode, ignore, check, identify.")
    ] = "",
    name: Annotated[
        str, typer.Option("--name", help="Only events of this name, or of this type if they have none.")
    ] = "",
    load: Annotated[str, typer.Option("--load", metavar="ID", help="Only of this load of history.")] = "",
    since: Since = None,
    until: Until = None,
    put_aside: Annotated[bool, typer.Option("--put-aside", help="Only of senders that were put aside.")] = False,
) -> Any:
    """Which rejected events, as a `Wanted`."""
    from streams.dead_letters.rejections import Wanted  # noqa: PLC0415  (keeps `rapport --help` quick)

    return Wanted(source, reason, step, name, moment(since), moment(until), load, put_aside or None)


@app.command("list")
@options_of(_wanted)
def list_(
    wanted: Any,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest first.")] = 20,
    summary: Annotated[bool, typer.Option("--summary", help="Counts by source, event and reason instead.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was put back, and what the plan ignores.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """List rejected events, the newest first, but for those put back, of senders put aside, or ignored by the plan.

    Personal data is masked. Kafka keeps events.rejected for 30 days.

    Examples:

        rapport rejected list --summary
        rapport rejected list --source web --reason plan_violation --since 2d
        rapport rejected list --load shop-3f9a2c11 --summary
        rapport rejected list --put-aside --summary
        rapport rejected list --step ignore --summary
    """
    from streams.dead_letters.rejections import Rejections  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)

    settings = reach(data_dir)
    with progress(quiet=as_json) as bar:
        entries = asyncio.run(Rejections(KafkaLog(settings), settings, bar).survey(wanted)).entries
    hidden = sum(entry.replayed for entry in entries)
    entries = [entry for entry in entries if everything or not entry.replayed]
    aside = sum(entry.aside for entry in entries) if wanted.aside is None else 0
    entries = [entry for entry in entries if not aside or not entry.aside]
    asked_for = everything or wanted.step == IGNORE or wanted.reason in (BOT, INTERNAL)
    ignored = 0 if asked_for else sum(entry.step == IGNORE for entry in entries)
    entries = [entry for entry in entries if not ignored or entry.step != IGNORE]
    if summary:
        _print_summary(Counter((entry.source, entry.name, entry.reason) for entry in entries), as_json=as_json)
    else:
        newest = heapq.nlargest(limit, entries, key=lambda entry: entry.at)
        _print_list([_row(entry) for entry in newest], as_json=as_json)
        if len(entries) > limit and not as_json:
            err.print(f"{len(entries) - limit} more; --limit shows them, --summary counts them.")
    if hidden and not everything and not as_json:
        err.print(f"{hidden} were put back and are not shown; --all shows them, too.")
    if ignored and not as_json:
        err.print(f"{ignored} are ignored by the plan and are not shown; --step ignore shows them.")
    if aside and not as_json:
        err.print(f"{aside} are of senders that were put aside and are not shown; --put-aside shows them.")


@app.command()
def show(
    position: Annotated[str, typer.Argument(help="PARTITION:OFFSET, as `rapport rejected list` shows it.")],
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Show the bytes as they were sent, with all that is personal.")
    ] = False,
    as_json: AsJson = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Show one rejected event: why it was rejected, what was sent, and what the plan would say of it now.

    Example: rapport rejected show 3:1742
    """
    from streams.dead_letters.rejections import Rejections  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)

    partition, offset = _position(position)
    settings = reach(data_dir, plan)
    using = load_plan(settings.plan)
    rejection = asyncio.run(Rejections(KafkaLog(settings), settings).find(partition, offset))
    if rejection is None:
        raise NotFound(f"there is no rejected event at {position}; `rapport rejected list` shows where they are")
    document = _document(settings, using, position, rejection, unmasked=unmasked)
    if as_json:
        print_json(document)
    else:
        _print_one(document)


@app.command()
@options_of(_wanted)
def replay(
    wanted: Any,
    positions: Annotated[
        list[str] | None, typer.Argument(help="Only those at these positions, PARTITION:OFFSET.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many would pass now.")] = False,
    accept_gap: AcceptGap = False,
    as_json: AsJson = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Put rejected events back on their topics, those that the plan accepts now; each counts once.

    Mend the plan, see what passes with --dry-run, restart the workers with the mended plan, then replay. Events keep
    their ids and times. A replay that was killed is simply run again: it goes on where it was. What the plan still
    rejects stays where it is. Example:

        rapport rejected replay --source web --reason plan_violation --dry-run
    """
    from console.webhooks.endpoint import reread  # noqa: PLC0415  (same)
    from streams.dead_letters.candidates import Chosen  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.dead_letters.rejections import Rejections  # noqa: PLC0415  (same)
    from streams.dead_letters.replay import run_replay  # noqa: PLC0415  (same)
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)

    for position in positions or ():
        _position(position)
    settings = reach(data_dir, plan)
    with progress(quiet=as_json) as bar:
        using, log = load_plan(settings.plan), KafkaLog(settings)
        again = reread(using, settings.plan.parent)
        chosen = Chosen(Rejections(log, settings, bar), settings, using, wanted, positions or (), again)
        result = asyncio.run(run_replay(log, settings, using, chosen, bar, dry_run=dry_run, accept_gaps=accept_gap))
    if not dry_run:
        note(settings, "rejected.replay", fields=[f"{result.replayed} put back"])
    passing = [{"source": key[0], "event": key[1], "events": count} for key, count in result.passing.most_common()]
    failing = [{"source": key[0], "reason": key[1], "events": count} for key, count in result.failing.most_common()]
    if as_json:
        counts = {
            "selected": result.read, "put_back": result.replayed, "put_back_before": result.before,
            "truncated": result.truncated, "dry_run": dry_run,
        }  # fmt: skip
        print_json({**counts, "passing": passing, "failing": failing})
        return
    _print_counts("pass now" if dry_run else "put back", passing)
    _print_counts("still rejected, left where they are", failing)
    out.print(
        f"{result.read} rejected events: {sum(result.passing.values())} "
        + ("would be put back" if dry_run else "put back")
        + f", {sum(result.failing.values())} would be rejected again, {result.before} were put back before, "
        f"{result.truncated} of which not all bytes are kept cannot be."
    )


def _position(text: str) -> tuple[int, int]:
    partition, colon, offset = text.partition("/")[0].partition(":")
    if not colon or not partition.isdigit() or not offset.isdigit():
        raise WrongUse(f"{text!r} is no position; write PARTITION:OFFSET, as `rapport rejected list` shows them")
    return int(partition), int(offset)


def _row(entry: Any) -> dict[str, Any]:
    return {
        "position": entry.position,
        "at": rfc3339(entry.at),
        "source": entry.source,
        "event": scrub(entry.name),
        "step": entry.step,
        "reason": entry.reason,
        "message": scrub(entry.message),
        "put_back": entry.replayed,
        "truncated": entry.truncated,
        "load": entry.load,
        "sender": entry.sender,
        "put_aside": entry.aside,
    }


def _document(settings: Settings, plan: Plan, position: str, rejection: Rejection, *, unmasked: bool) -> dict[str, Any]:
    from streams.dead_letters.masking import Masker  # noqa: PLC0415  (keeps `rapport --help` quick)
    from streams.dead_letters.replay import verdict_now  # noqa: PLC0415  (same)

    event: Any = rejection.payload.decode(errors="replace")
    if not unmasked:
        event = Masker(plan).event(rejection.source, rejection.payload)
    verdict = asyncio.run(verdict_now(settings, plan, position, rejection))
    return told(position, rejection) | {
        "now": {
            "accepted": not verdict.reason,
            "flagged": verdict.flagged,
            "reason": verdict.reason or None,
            "message": scrub(verdict.message) or None,
        },
        "masked": not unmasked,
        "event": event,
    }


def _print_one(document: dict[str, Any]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    where = f"{document['topic']}, partition {document['partition']}, offset {document['offset']}"
    now = document["now"]
    accepted = f"accepted{', flagged' if now['flagged'] else ''} by this plan; `rapport rejected replay` puts it back"
    rows = {
        "position": document["position"],
        "rejected": _short_time(document["at"]),
        "source": document["source"],
        "was": where if document["partition"] is not None else "refused by the collector; it never reached a topic",
        "step": document["step"],
        "reason": document["reason"],
        "message": document["message"],
        "now": accepted if now["accepted"] else f"still rejected: {now['reason']}: {now['message']}",
        "bytes": f"{document['bytes']}{', cut: it cannot be replayed' if document['truncated'] else ''}",
    }
    if document["put_aside"]:
        rows["bytes"] = (
            f"none: its sender, {document['sender']}, was put aside, with {document['events']} events here; while "
            f"{document['topic']} has them, `rapport replay` puts back what passes"
        )
    for name, value in rows.items():
        table.add_row(name, Text(visible(str(value))))
    out.print(table)
    masked = " (personal data masked; --unmasked shows it)" if document["masked"] else ""
    out.print(Text.assemble(("event", "bold"), masked))
    event = document["event"]
    dumped = not isinstance(event, str) and orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
    out.print(visible_json(dumped) if dumped else visible(event), soft_wrap=True)


def _print_list(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    write(rows, as_json, _listed)


def _listed(rows: list[dict[str, Any]]) -> RenderableType:
    if not rows:
        return Text("No rejected events.")
    table = []
    for row in rows:
        message = row["message"] + (" (put back)" if row["put_back"] else "")
        table.append((row["position"], _short_time(row["at"]), row["source"], row["event"], row["reason"], message))
    return Listing(("position", "rejected", "source", "event", "reason", "message"), table, prose=True)


def _print_summary(counts: Counter[tuple[str, str, str]], *, as_json: bool) -> None:
    rows = [
        {"source": source, "event": scrub(name), "reason": reason, "events": count}
        for (source, name, reason), count in counts.most_common()
    ]
    if as_json:
        print_json(rows)
    elif rows:
        _print_counts("rejected", rows)
    else:
        out.print("No rejected events.")


def _print_counts(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    cells = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()] for row in rows]
    out.print(Listing(tuple(rows[0]), readable(cells), right=("events",), title=title))


def _short_time(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
