"""`rapport load FILE…`: history, in order of time, straight to Kafka; the installation goes live warm."""

from __future__ import annotations

import asyncio
import itertools
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.files.options import named_file, with_table
from console.files.rows import FileSpec, fingerprint
from console.terminal.output import AsJson, err, readable, show, warn
from console.terminal.progress import Saying, adding, progress, saying
from plan import Plan, load_plan
from profiles.errors import Misconfigured, WrongUse
from profiles.times import rfc3339
from streams.settings import Settings

if TYPE_CHECKING:
    from console.files.load_bookmark import LoadMark
    from console.files.survey import Survey
    from profiles.clock import ClockState, Load
    from streams.history.outcome import Waiting
    from streams.history.run import HistoryLoad
    from streams.kafka.reader import Tell

    Clock = tuple[ClockState, dict[str, Load]]

__all__ = ["register"]

HOUR = 3600.0
STILL = 30.0
"""Seconds without any move of the clock after which it is said that a worker may be missing."""

HELP = """Load history: files of events, merged by time, so that Rapport lives through it and goes live warm.

Each file may be JSON lines, or a table with a mapping (CSV and others, also .gz); see `rapport send --help` for both.
Files need not be in order. Several tables have a mapping file each:

    rapport load shop.jsonl
    rapport load web.jsonl.gz support.jsonl orders.csv=orders.yaml invoices.csv=invoices.yaml
    rapport load orders.csv --source purchase --event 'Order Completed' \\
      --map user_id=customer --map timestamp=date --map properties.revenue=amount:number
    rapport load *.jsonl --check          only say what it would do; exit code 1 if something would be rejected

First everything is read once and shown: events by name, customers, and what the plan would reject. Then the events go
straight to Kafka, and the clock of all customers goes through them: stages, labels, segments, alerts and models become
what they would be had Rapport been there. Alerts of the past are kept as history; only what still holds is told.

Stopped at any point, the same command goes on where it was. The past must come before the present: what is older than
what a live installation has seen counts in profiles, but out of order (`rapport rebuild --from archive` mends that).
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_table
    def load(
        spec: FileSpec,
        files: Annotated[list[str], typer.Argument(metavar="FILE[=MAPPING]", help="What to load, in any order.")],
        check: Annotated[bool, typer.Option("--check", help="Only say what would happen; send nothing.")] = False,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        skip_bad: Annotated[
            bool, typer.Option("--skip-bad", help="Set rows that cannot become events aside in FILE.bad.")
        ] = False,
        restart: Annotated[bool, typer.Option("--restart", help="Begin anew, also if all was sent.")] = False,
        no_wait: Annotated[
            bool, typer.Option("--no-wait", help="End when all is in Kafka; the workers go on by themselves.")
        ] = False,
        step: Annotated[
            float | None,
            typer.Option(
                min=0.25,
                max=24 * 7,
                metavar="HOURS",
                help="How far the clock goes at a time. [default: a day, finer towards the present]",
            ),
        ] = None,
        as_json: AsJson = False,
        plan: PlanFile = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        settings = reach(data_dir, plan)
        command = _Command(settings, load_plan(settings.plan), data_dir, quiet=as_json, skip_bad=skip_bad)
        command.open(files, spec)
        if check:
            command.check(as_json=as_json)
        else:
            mark = command.prepared(restart=restart, ask=not yes and not as_json and sys.stdin.isatty())
            show(command.run(mark, (step or 0.0) * HOUR, wait=not no_wait), as_json, _summary_page)


def _summary_page(document: dict[str, Any]) -> Any:
    from console.terminal.loading import summary_page  # noqa: PLC0415  (keeps `rapport --help` quick)

    return summary_page(document)


class _Command:
    """One run of the command.

    Args:
        settings: where Kafka and Redis are.
        plan: what is accepted.
        data_dir: where it is noted how far a load has come, and where events are sorted.
        quiet: show no progress.
        skip_bad: set bad rows aside.
    """

    def __init__(self, settings: Settings, plan: Plan, data_dir: Path, *, quiet: bool, skip_bad: bool) -> None:
        self._settings = settings
        self._plan = plan
        self._data = data_dir
        self._quiet = quiet
        self._skip_bad = skip_bad
        self._files: list[tuple[Path, str, FileSpec]] = []  # path, fingerprint, spec

    def open(self, files: list[str], spec: FileSpec) -> None:
        """Look at the files.

        Raises:
            WrongUse: one cannot be read, or is given twice.
        """
        for each in files:
            path, own = named_file(each, spec)
            mark = fingerprint(path)
            if twin := next((other for other, known, _ in self._files if known == mark), None):
                raise WrongUse(f"{path} and {twin} hold the same; give each file once")
            self._files.append((path, mark, own))

    def check(self, *, as_json: bool) -> None:
        """Say what a load would do; ends with 1 if something would be rejected."""
        from console.terminal.loading import preview_page  # noqa: PLC0415  (keeps `rapport --help` quick)

        try:
            clock = self._clock()
        except Misconfigured as error:
            clock = None
            warn(str(error))
        document = self._previewed(clock)[1]
        show(document, as_json, preview_page)
        if document["rejected"] or document["bad_rows"]:
            raise typer.Exit(1)

    def prepared(self, *, restart: bool, ask: bool) -> LoadMark:
        """What is known of the load: from an earlier run, else from a first reading of the files.

        Raises:
            Misconfigured: a row is bad, or a server does not answer.
            typer.Abort: somebody who was asked said no.
        """
        from console.files.load_bookmark import LoadBookmark, LoadMark, load_id  # noqa: PLC0415  (keeps --help quick)
        from console.terminal.loading import preview_page  # noqa: PLC0415  (same)

        id_ = load_id((path.name, mark, spec) for path, mark, spec in self._files)
        self._bookmark = LoadBookmark(self._data, id_, f"{self._settings.kafka} {self._settings.topic_prefix}")
        clock = self._clock()
        known = None if restart else self._bookmark.read()
        if known is not None and _goes_on(known, *clock):
            if known.done:
                so_far = "all" if known.complete else f"{known.done:,} of {known.events:,}"
                err.print(f"Load {id_}, begun {rfc3339(known.begun)[:16]}: {so_far} sent before.")
            return known
        found, document = self._previewed(clock)
        found.report()
        if not self._quiet:
            err.print(preview_page(readable(document)))
        if ask:
            typer.confirm(f"Load {found.preview.count:,} events?", abort=True, err=True)
        return LoadMark(
            id=next(each for each in _numbered(id_) if each not in clock[1] or not clock[1][each].ended),
            files=[str(path) for path, _, _ in self._files],
            ordered=[mark for (_, mark, _), kept in zip(self._files, found.ordered, strict=True) if kept],
            events=found.preview.count,
            since=found.preview.since,
            until=min(found.preview.until, time.time()),
            customers=found.preview.customers.count(),
            earliest=self._plan.earliest,
        )

    def run(self, mark: LoadMark, step: float, *, wait: bool) -> dict[str, Any]:
        """Send what has not been sent, wait, and tell what became of it."""
        from profiles.clock import Load  # noqa: PLC0415  (keeps `rapport --help` quick)
        from streams.history.registration import BEFORE  # noqa: PLC0415  (same)
        from streams.history.run import HistoryLoad, clock_store  # noqa: PLC0415  (same)

        load = Load(
            id=mark.id, name=", ".join(path.name for path, _, _ in self._files), since=mark.since, until=mark.until,
            sent=mark.since - BEFORE, step=step, events=mark.events, done=mark.done,
        )  # fmt: skip

        async def run() -> dict[str, Any]:
            async with clock_store(self._settings, self._plan) as store:
                history = HistoryLoad(self._settings, self._plan, store, load)
                if not mark.complete:
                    await self._send(history, mark)
                return await self._outcome(history, mark, wait=wait)

        try:
            return asyncio.run(run())
        except KeyboardInterrupt:
            err.print(
                "All is sent, and the workers go on by themselves; the same command waits for them."
                if mark.complete
                else "The same command goes on from here."
            )
            raise

    async def _send(self, history: HistoryLoad, mark: LoadMark) -> None:
        from console.files.sorting import History  # noqa: PLC0415  (keeps `rapport --help` quick)
        from streams.history.past import in_one_order  # noqa: PLC0415  (same)

        if not mark.began:
            mark.began, mark.late, mark.begun = await history.ends(), await history.late(), time.time()
            self._bookmark.write(mark)
        files = [History(path, spec, known in mark.ordered, mark.earliest) for path, known, spec in self._files]
        with self._bookmark.alone() as folder, progress(quiet=self._quiet) as bar:
            moved, so_far = bar("sending"), adding(bar("sorting"), mark.events)
            moved(mark.done, mark.events)

            def prepare(tell: Tell) -> Iterator[Any]:
                for file in files:
                    file.prepare(folder, tell=tell)
                return in_one_order([file.in_order() for file in files])

            def done(count: int) -> None:
                mark.done = count
                self._bookmark.write(mark)
                moved(count, mark.events)

            await history.send(prepare, so_far, done, mark.done, _say_that_it_waits)
        mark.ended, mark.complete, mark.sent_at = await history.ends(), True, time.time()
        self._bookmark.write(mark)

    async def _outcome(self, history: HistoryLoad, mark: LoadMark, *, wait: bool) -> dict[str, Any]:
        document: dict[str, Any] = {
            "load": mark.id, "events": mark.events, "customers": mark.customers, "since": rfc3339(mark.since),
            "until": rfc3339(mark.until), "seconds": mark.sent_at - mark.begun,
            "accepted": None, "rejected": None, "late": None, "paused": [],
        }  # fmt: skip
        if not wait:
            return document
        with saying(quiet=self._quiet) as say:
            waiting = await history.wait(mark.began, mark.ended, _Teller(say, mark))
        counts, examples = await history.rejections(mark.began)
        document["rejected"] = [
            {"source": key[0], "reason": key[1], "events": count, "example": examples[key]}
            for key, count in counts.most_common()
        ]
        return document | {
            "accepted": mark.events - counts.total() if not waiting.left else None,
            "late": await history.late() - mark.late,
            "seconds": time.time() - mark.begun,
            "paused": sorted(waiting.paused),
        }

    def _clock(self) -> Clock:
        from streams.history.run import where_the_clock_stands  # noqa: PLC0415  (keeps `rapport --help` quick)

        return asyncio.run(where_the_clock_stands(self._settings, self._plan))

    def _previewed(self, clock: Clock | None) -> tuple[Survey, dict[str, Any]]:
        """A first reading of all files, and what it found as a document."""
        from console.files.survey import survey  # noqa: PLC0415  (keeps `rapport --help` quick)
        from console.terminal.loading import preview_document  # noqa: PLC0415  (same)
        from streams.history.forecast import Previewer  # noqa: PLC0415  (same)
        from streams.history.run import in_its_own_time  # noqa: PLC0415  (same)

        now = time.time()
        reached = -math.inf
        if clock is not None and clock[0].phase != "new":
            reached = now if clock[0].phase == "live" else clock[0].watermark
        files = [(path, spec) for path, _, spec in self._files]
        with progress(quiet=self._quiet) as bar:
            previewer = Previewer(self._plan, now, reached - self._plan.churn.lateness)
            found = survey(files, previewer, self._plan, aside=self._skip_bad, tell=adding(bar("reading")))
        if clock is not None and in_its_own_time(clock[0], found.preview.since, clock[1].values(), now):
            found.preview.late = 0
        return found, preview_document(found, clock[0] if clock else None)


def _goes_on(mark: LoadMark, state: ClockState, loads: dict[str, Load]) -> bool:
    """Whether a load that was begun is one of this installation: it may have been made anew meanwhile."""
    return mark.id in loads or (mark.complete and state.phase != "new")  # only the latest that ended are kept


def _numbered(id_: str) -> Iterator[str]:
    """An id, and what a load of the same files that is begun anew is called: the clock has to tell them apart."""
    yield id_
    for number in itertools.count(2):
        yield f"{id_}-{number}"


def _say_that_it_waits() -> None:
    err.print("Waiting for a worker to turn the clock back to this history; `rapport doctor` tells whether one runs.")


class _Teller:
    """Says where the clock stands, and once if it does not move."""

    def __init__(self, say: Saying, mark: LoadMark) -> None:
        self._say = say
        self._mark = mark
        self._last: tuple[float, int] | None = None
        self._moved = time.monotonic()
        self._told = False

    def __call__(self, waiting: Waiting) -> None:
        now = (waiting.state.watermark, waiting.left)
        if now != self._last:
            self._last, self._moved = now, time.monotonic()
        span = max(self._mark.until - self._mark.since, 1.0)
        stands = waiting.state.watermark
        where = f"the clock stands at {rfc3339(stands)[:10]}" if stands else "the clock has not begun"
        share = 1.0 if waiting.state.phase == "live" else (stands - self._mark.since) / span
        self._say(f"applying, {where}", share)
        if not self._told and time.monotonic() - self._moved > STILL:
            self._told = True
            err.print("Nothing moves: does a worker run? `rapport doctor` tells. Ctrl-C ends the waiting alone.")
