"""`rapport send FILE`: a file of events through the collector, keeping event times."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from console.clients.reach import PlanFile, is_of, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir, Found, Url, find
from console.files.bad_rows import BadRows
from console.files.delivery import Collector
from console.files.ids import Ids, Twins
from console.files.options import split_pair, with_table
from console.files.register import Register, Sent, sent_before_ids
from console.files.rows import FileSpec, fingerprint, read_items
from console.files.sending import Bookmark, Chunk, chunks, deliver
from console.terminal.figures import counted
from console.terminal.output import AsJson, err, out, print_json, say, show, warn
from console.terminal.progress import adding, progress
from models.durations import DAY
from plan import Plan, load_plan
from profiles.errors import Misconfigured, WrongUse
from profiles.times import rfc3339
from streams.kafka.topics import topic_name
from streams.settings import Settings
from streams.visible import visible

if TYPE_CHECKING:
    from streams.history.sent import Aftermath

__all__ = ["Scan", "register", "scan", "send_file"]

HELP = """Send a file of events through the collector, keeping event times.

JSON (one a line, or an array) holds Segment events, with `timestamp` and, unless --source says it, `source`:

    rapport send events.jsonl

The rows of a table (CSV or any other delimiter, also .gz) become events by a mapping. Fields are user_id, anonymous_id,
timestamp, event, properties.…, traits.…, context.…; `--set` fills in {columns} and {line}:

    rapport send orders.csv --source purchase --event 'Order Completed' --key order_id \\
      --map user_id=customer --map timestamp=date --map properties.revenue=amount:number \\
      --map properties.order_id=order --set properties.currency=EUR

The exports of some services need none (`--from`), for other tables `--guess` proposes one:

    rapport send orders_export.csv --from shopify
    rapport send customers.csv --guess > customers.yaml

The CDNOW purchase log (23,570 customers, 69,659 purchases; `pip install lifetimes` brings it):

    rapport send CDNOW_master.txt --source purchase --event 'Order Completed' --delimiter whitespace \\
      --map user_id=customer_id --map timestamp=date --time-format %Y%m%d \\
      --map properties.revenue=dollar_value:number --map properties.quantity=number_of_cds:int \\
      --set properties.order_id=cdnow-{line} --set properties.currency=USD

A second file with a row of the first repeats it: by its --key, else by all that it says. A {line} is of one file only.

The whole file is checked before anything is sent. Stopped at any point, the same command goes on where it was; rows
that are sent twice are dropped as known repeats.
"""


@dataclass(slots=True)
class Scan:
    """What a first reading of a file found."""

    good: int = 0
    sources: set[str] = field(default_factory=set)
    old: int = 0  # events that a live installation takes for late
    oldest: float = math.inf  # time of the first, seconds
    unnamed: int = 0  # rows without an id of their own or a key
    twins: frozenset[int] = frozenset()  # ids that several rows have
    says: str = ""  # stands for the events of all rows


def scan(file: Path, spec: FileSpec, *, skip_bad: bool = False, late: float = -math.inf, earliest: float = DAY) -> Scan:
    """Read the whole file and send nothing.

    Args:
        file: to read.
        spec: what it holds.
        skip_bad: set bad rows aside in a file named FILE.bad.
        late: events before this time are old; seconds.
        earliest: rows before this time are bad; seconds.

    Raises:
        Misconfigured: a row is bad and not to be skipped, or there is none.
    """
    found, bad = _scanned(file, spec, frozenset(), skip_bad, late, earliest)
    if found.twins and spec.key:  # now it is known which rows are bad for having the key of another
        found, bad = _scanned(file, spec, found.twins, skip_bad, late, earliest)
    bad.report()
    if not found.good:
        raise Misconfigured(f"{file} holds no events")
    return found


def _scanned(
    file: Path, spec: FileSpec, known: frozenset[int], aside: bool, late: float, earliest: float
) -> tuple[Scan, BadRows]:
    found, twins, says = Scan(), Twins(), blake2b(digest_size=8)
    with BadRows(file, spec, aside=aside) as bad:
        for item in read_items(file, spec, Ids(spec.key, known), earliest=earliest):
            if item.problem:
                bad.note(item)
                continue
            found.good += 1
            found.sources.add(item.source)
            found.old += item.time < late
            found.oldest = min(found.oldest, item.time)
            says.update(item.event)
            if spec.key or not item.named:
                twins.note(item.id)
            found.unnamed += not item.named
    found.twins = known | twins.found()
    found.says = says.hexdigest()
    return found, bad


def send_file(
    file: Path,
    spec: FileSpec,
    target: Found,
    data_dir: Path,
    *,
    skip_bad: bool = False,
    restart: bool = False,
    late: float = -math.inf,
    earliest: float = DAY,
    begin: Callable[[Scan], object] = lambda found: None,
) -> tuple[int, Scan]:
    """Send a file and answer how many events this run sent, with what was found in it; 0 when an earlier run sent all.

    Args:
        file: to send.
        spec: what it holds.
        target: where to.
        data_dir: where it is noted how far the file was sent.
        skip_bad: set bad rows aside in a file named FILE.bad.
        restart: forget how far earlier runs came.
        late: events before this time are old; seconds.
        earliest: rows before this time are bad; seconds.
        begin: told what was found before anything is sent.

    Raises:
        WrongUse: the file cannot be read, or a write key is missing; nothing was sent.
        Misconfigured: a row is bad, or the same file was sent as other events, or with other ids; nothing was sent.
        DeliveryError: the collector refused or is away; the next run goes on from there.
    """
    mark = fingerprint(file)
    found = scan(file, spec, skip_bad=skip_bad, late=late, earliest=earliest)
    if missing := found.sources - set(target.write_keys):
        raise WrongUse(
            f"no write key is known for {', '.join(sorted(missing))}: give --write-key {min(missing)}=KEY "
            f"(known: {', '.join(sorted(target.write_keys)) or 'none'})"
        )
    bookmark = Bookmark(data_dir, file.absolute(), f"{target.url} {mark} {found.says}")
    ways = Register(data_dir, f"{target.url} {mark}")
    if not restart:
        bookmark.load()
        if earlier := ways.otherwise(found.says):
            raise Misconfigured(_of_earlier(file, target.url, earlier, keyed=bool(spec.key)))
        if (found.unnamed or spec.key) and ways.empty and (earlier := sent_before_ids(data_dir, file.absolute())):
            raise Misconfigured(_of_version(file, earlier))
    if bookmark.complete:
        return 0, found
    begin(found)
    ways.note(found.says)
    before = bookmark.events
    with progress() as bar:
        moved = bar(file.name)
        moved(before, found.good)

        def done(chunk: Chunk) -> None:
            bookmark.advance(chunk)
            moved(bookmark.events, found.good)

        async def send() -> None:
            async with Collector(target.url, waiting=err.print) as http:
                await http.check()
                rest = read_items(file, spec, Ids(spec.key, found.twins), after=bookmark.row, earliest=earliest)
                await deliver(chunks(rest), http, target.write_keys, done)

        try:
            asyncio.run(send())
        except KeyboardInterrupt:
            err.print("The same command goes on from here.")
            raise
        finally:
            bookmark.save()
    bookmark.finish()
    return bookmark.events - before, found


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_table
    def send(
        spec: FileSpec,
        file: Annotated[Path, typer.Argument(help="JSON lines (.jsonl, .ndjson) or a table; .gz is read as well.")],
        skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Set bad rows aside in FILE.bad.")] = False,
        check: Annotated[bool, typer.Option("--check", help="Only check the file, and ask the plan.")] = False,
        guessed: Annotated[bool, typer.Option("--guess", help="Propose a mapping of a table; send nothing.")] = False,
        restart: Annotated[bool, typer.Option("--restart", help="Begin anew, also if all was sent.")] = False,
        write_key: Annotated[
            list[str] | None, typer.Option(metavar="SOURCE=KEY", help="Where no data directory says so.")
        ] = None,
        as_json: AsJson = False,
        url: Url = None,
        plan: PlanFile = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        settings = reach(data_dir, plan)
        loaded = load_plan(settings.plan)
        if guessed:
            from console.files.guess import guess  # noqa: PLC0415  (keeps `rapport --help` quick)

            mapping = guess(file, spec, loaded)
            if as_json:
                import yaml  # noqa: PLC0415  (keeps `rapport --help` quick)

                print_json({"mapping": yaml.safe_load(mapping), "text": mapping})
            else:
                say(mapping, nl=False)
            return
        if check:
            _check(file, spec, loaded, skip_bad=skip_bad, as_json=as_json)
            return
        keys = dict(split_pair(pair, "--write-key", "SOURCE=KEY") for pair in write_key or [])
        target = find(data_dir, url, write_keys=keys)
        watch = _Watch(settings, loaded, reachable=is_of(settings, target, data_dir))
        late = time.time() - loaded.churn.lateness
        sent, found = send_file(
            file,
            spec,
            target,
            data_dir,
            skip_bad=skip_bad,
            restart=restart,
            late=late,
            earliest=loaded.earliest,
            begin=watch.begin,
        )
        outcome = watch.outcome(file, spec) if sent else None
        if as_json:
            print_json(_document(file, target.url, sent, found, outcome))
            return
        if not sent:
            out.print(f"{file} was already sent to {target.url}; --restart sends it again.")
            return
        out.print(f"{sent:,} events sent. {visible(_told(outcome))}", soft_wrap=True)
        if found.old:
            warn(_of_old(found, loaded))
        if found.unnamed:
            warn(_of_unnamed(found))


def _document(file: Path, url: str, sent: int, found: Scan, outcome: Outcome | None) -> dict[str, Any]:
    """What became of a file, for scripts; null is what could not be asked."""
    rejected = outcome.rejected if outcome is not None else None
    return {
        "file": str(file),
        "url": url,
        "events": found.good,
        "sent": sent,
        "sent_before": found.good - sent,
        "taken": outcome.taken if outcome is not None else None,
        "rejected": None
        if rejected is None
        else [{"reason": reason, "events": count} for reason, count in rejected.most_common()],
        "old": found.old,
        "oldest": rfc3339(found.oldest) if found.old else None,
        "without_id": found.unnamed,
    }


def _told(outcome: Outcome | None) -> str:
    """How many of a file's events were rejected, and why."""
    if outcome is None:
        return "What the plan did not accept is in /v1/rejected, with the reason."
    taken, counts = outcome
    if not counts:
        return "None was rejected." if taken else "None was rejected so far; the workers have not taken all yet."
    why = ", ".join(f"{reason}: {count:,}" for reason, count in counts.most_common())
    so_far = "" if taken else " so far"
    return f"{counts.total():,} of them were rejected{so_far} ({why}), see `rapport rejected list --summary`."


def _check(file: Path, spec: FileSpec, plan: Plan, *, skip_bad: bool, as_json: bool) -> None:
    """Ask the plan about a file; ends with 1 if it would reject something."""
    from console.files.survey import survey  # noqa: PLC0415  (keeps `rapport --help` quick)
    from console.terminal.loading import preview_document, preview_page  # noqa: PLC0415  (same)
    from streams.history.forecast import Previewer  # noqa: PLC0415  (same)

    now = time.time()
    with progress(quiet=as_json) as bar:
        tell = adding(bar("reading"))
        previewer = Previewer(plan, now, now - plan.churn.lateness)
        found = survey([(file, spec)], previewer, plan, aside=skip_bad, tell=tell)
    document = preview_document(found, None)
    show(document, as_json, partial(preview_page, clock=False))
    if found.preview.late and not as_json:
        warn(_of_old(Scan(old=found.preview.late, oldest=found.preview.since), plan))
    if document["rejected"] or document["bad_rows"]:
        raise typer.Exit(1)


def _of_unnamed(found: Scan) -> str:
    """What becomes of rows without an id in a second file, and what to do."""
    return (
        f"{counted(found.unnamed, 'row')} without an id of their own: each is known by all that it says, so a row of "
        "another file that says the same is a repeat, and one that says a little more counts again (orders with an id "
        "do not). Name what tells rows apart: --key order_id, or --map message_id=COLUMN."
    )


def _of_earlier(file: Path, url: str, earlier: Sent, *, keyed: bool) -> str:
    """Why a file is not sent again in another way."""
    besides = (
        "its rows have the same --key, so they would be taken for repeats and change nothing"
        if keyed
        else "its rows would count besides; an order with an id counts once, but not surely as they say"
    )
    return (
        f"{file} was sent to {url} on {rfc3339(earlier.at)[:16].replace('T', ' ')} in another way, such as with "
        f"another mapping. What it said then stays: {besides}. If that was rejected, or is what you want, --restart "
        "sends it."
    )


def _of_version(file: Path, earlier: Sent) -> str:
    """Why a file is not sent again that an earlier version of Rapport has sent."""
    return (
        f"{file} was sent, or a part of it, by an earlier version of Rapport, last on "
        f"{rfc3339(earlier.at)[:16].replace('T', ' ')}. Its rows had other ids then, so they would count again (an "
        "order with an id counts once). If it went to another server, or that is what you want, --restart sends it."
    )


def _of_old(found: Scan, plan: Plan) -> str:
    """What becomes of old events, and what to do."""
    days = plan.churn.lateness / DAY
    lateness = "a day" if days == 1 else f"{days:g} days"
    return (
        f"{counted(found.old, 'event')} older than {lateness}, the oldest of "
        f"{rfc3339(found.oldest)[:10]}. In a live installation they count in profiles, but bring no stages, labels and "
        "alerts of their time: load a past with `rapport load` before what is live, or run `rapport rebuild --from "
        "archive` afterwards."
    )


class Outcome(NamedTuple):
    """What became of the events that were sent."""

    taken: bool  # whether the workers have had all of them
    rejected: Counter[str]  # by reason, so far


class _Watch:
    """Sees what becomes of the events that are sent, where Kafka can be asked."""

    def __init__(self, settings: Settings, plan: Plan, *, reachable: bool) -> None:
        self._settings = settings
        self._plan = plan
        self._reachable = reachable
        self._aftermath: Aftermath | None = None
        self._found = Scan()

    def begin(self, found: Scan) -> None:
        """Look where the topics end, before the first is sent."""
        if not self._reachable:
            return
        from streams.history.sent import Aftermath  # noqa: PLC0415  (keeps `rapport --help` quick)
        from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)

        topics = {
            topic_name(self._settings, self._plan.sources[name].topic)
            for name in found.sources & set(self._plan.sources)
        }
        aftermath = Aftermath(KafkaLog(self._settings), self._settings, topics)
        self._found = found
        try:
            asyncio.run(aftermath.begin())
        except Misconfigured as error:
            warn(f"what is rejected cannot be counted: {error}")
        else:
            self._aftermath = aftermath

    def outcome(self, file: Path, spec: FileSpec) -> Outcome | None:
        """What became of a file's events; None where Kafka cannot be asked."""
        from streams.history.sent import reasons  # noqa: PLC0415  (keeps `rapport --help` quick)

        if self._aftermath is None:
            return None
        taken, rejected = asyncio.run(self._look(self._aftermath))
        ids = Ids(spec.key, self._found.twins)
        items = read_items(file, spec, ids, earliest=self._plan.earliest)
        return Outcome(taken, reasons(rejected, (item.id for item in items if item.id)))

    async def _look(self, aftermath: Aftermath) -> tuple[bool, dict[str, str]]:
        return await aftermath.taken(), await aftermath.rejected()
