"""Putting rejected events back on their topics, to go through the plan as it is now; each counts once.

* The record that is put back says in its headers where and when the event first was (`streams.records.position`): an
  event without messageId or timestamp gets the same ones again.
* What is put back is noted in `events.rejected`. A replay that is run again leaves out what is noted; one that was
  killed before its note is found out by looking at what it has put on the topics since it began.
* Only what the present plan accepts is put back. The rest would only be rejected a second time.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from plan import Plan
from profiles.errors import Misconfigured, Unacceptable
from profiles.times import parse_time, rfc3339
from streams.clock import WALL, Clock
from streams.dead_letters.candidates import ACCEPTED, FLAGGED, REJECTED_THEN, Candidate, Source, as_record
from streams.dead_letters.rejections import Rejections, Show, Survey, Wanted, nothing_shown, shown
from streams.judge import Judge, Verdict
from streams.kafka.output import BatchProducer, Produces, Row
from streams.kafka.reader import Log, Missing
from streams.kafka.topics import REJECTED, topic_name
from streams.records.position import REJECTED_AT, header_of
from streams.records.rejected import NOTE, Rejection, ReplayNote
from streams.settings import Settings

__all__ = ["CHUNK", "Replay", "Result", "run_replay", "verdict_now"]

CHUNK = 500
"""Events that are put back before they are noted."""

ALIVE = 10.0
"""Seconds without a note after which a replay is no longer at work."""


@dataclass(slots=True)
class Result:
    """What a replay did, or would do."""

    read: int = 0  # rejections asked for, or events of the period
    waiting: int = (
        0  # of a period: the workers have not read them yet, or their source is paused; they come by themselves
    )
    before: int = 0  # put back by an earlier run
    truncated: int = 0  # longer than what was kept
    replayed: int = 0  # put back by this run
    passing: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, name) → events that pass now
    failing: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, reason) → events that still do not
    then: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # name → outcomes
    now: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def count(self, candidate: Candidate, verdict: Verdict) -> bool:
        """Count a candidate; whether it is to be put back."""
        entry = candidate.entry
        name = verdict.name or (entry.name if entry else "") or "?"
        self.then[name][candidate.then] += 1
        self.now[name][REJECTED_THEN if verdict.reason else FLAGGED if verdict.flagged else ACCEPTED] += 1
        if entry is None:
            return False
        if verdict.reason:
            self.failing[candidate.source, verdict.reason] += 1
        elif entry.replayed:
            self.before += 1
        else:
            self.passing[candidate.source, verdict.name] += 1
            return True
        return False


class Replay:
    """Puts back what the plan accepts now.

    Args:
        log: that has the topics.
        producer: to them. It never puts a record there twice by itself.
        settings: the topics' prefix.
        plan: as the workers have it, or for a dry run any.
        show: shows progress.
        clock: as of when events are judged.
        chunk: events that are put back before they are noted.
        alive: seconds without a note after which a replay is no longer at work.
    """

    def __init__(
        self,
        log: Log,
        producer: Produces,
        settings: Settings,
        plan: Plan,
        show: Show = nothing_shown,
        *,
        clock: Clock = WALL,
        chunk: int = CHUNK,
        alive: float = ALIVE,
    ) -> None:
        self._log = log
        self._producer = producer
        self._settings = settings
        self._plan = plan
        self._show = show
        self._clock = clock
        self._chunk = chunk
        self._alive = alive
        self._rejections = Rejections(log, settings, show)

    async def run(self, source: Source, *, dry_run: bool = False, accept_gaps: bool = False) -> Result:
        """Put back the candidates of a source that pass now.

        Args:
            source: of candidates.
            dry_run: only say what would happen.
            accept_gaps: go on although Kafka has deleted what tells what a killed replay had put back.

        Raises:
            Misconfigured: another replay is at work, or what a killed one did cannot be told any more.
            Unavailable: Kafka does not answer, or has not confirmed all; the next run goes on where this one was.
        """
        found = await self._settled(source.wanted)
        recovered = await self._recover(found, accept_gaps=accept_gaps)
        result, judge = Result(), Judge(self._plan, self._clock.now())
        run = None if dry_run else _Run(self._producer, self._settings, self._clock, self._chunk, self._alive)
        if run is not None:
            for name, positions in recovered.items():
                await run.close_other(name, positions)
            await self._begin(run, found)
        async with aclosing(source.candidates(found, result)) as candidates:
            async for candidate in candidates:
                verdict = await _verdict(judge, candidate)
                passes = result.count(candidate, verdict)
                if run is not None:
                    if passes and candidate.entry is not None:
                        run.add(self._row(candidate, verdict), candidate.entry.positions if candidate.last else [])
                        result.replayed += 1
                    await run.go_on()
        if run is not None:
            await run.finish()
        return result

    async def _settled(self, wanted: Wanted) -> Survey:
        """The rejections, once no other replay is at work any more."""
        found = await self._rejections.survey(wanted, all_notes=True)
        if not found.open:
            return found
        latest = max(parse_time(note.at) for notes in found.open.values() for note in notes)
        wait = latest + self._alive - self._clock.now()
        if wait <= 0:
            return found
        await asyncio.sleep(min(wait, self._alive))
        again = await self._rejections.survey(wanted, all_notes=True)
        if sum(map(len, again.open.values())) > sum(map(len, found.open.values())):
            raise Misconfigured("another replay is at work; wait for its end, then look what is left")
        return again

    async def _recover(self, found: Survey, *, accept_gaps: bool) -> dict[str, list[str]]:
        """What replays that were killed have put back without noting it, by run; the entries are marked."""
        recovered: dict[str, list[str]] = {}
        for run, notes in found.open.items():
            began = {topic: starts for note in notes for topic, starts in note.began.items()}
            recovered[run] = [p for topic in began for p in await self._put_since(topic, began[topic], accept_gaps)]
            found.done.update(recovered[run])
        found.mark()
        return recovered

    async def _put_since(self, topic: str, starts: dict[int, int], accept_gaps: bool) -> list[str]:
        """The positions of the rejections whose events were put on a topic behind these offsets."""
        held = await self._log.extents(topic)
        extents = [extent._replace(start=starts.get(extent.partition, 0)) for extent in held]
        what = f"looking what a killed replay has put on {topic}"
        try:
            return [
                position
                async for batch in shown(self._log, self._show, what, extents, accept_gaps=accept_gaps)
                for record in batch.records
                if (position := header_of(record.headers, REJECTED_AT))
            ]
        except Missing as error:
            raise Misconfigured(
                f"a replay was killed, and what it had put on {topic} cannot be told any more: {error}. With "
                "--accept-gap this goes on; what that replay put back without noting it is then put back again"
            ) from error

    async def _begin(self, run: _Run, found: Survey) -> None:
        """Note where the topics end before anything is put on them."""
        sources = {entry.source for entry in found.entries if not entry.replayed} & self._plan.sources.keys()
        topics = {topic_name(self._settings, self._plan.sources[source].topic) for source in sources}
        if topics:
            held = [extent for topic in topics for extent in await self._log.extents(topic)]
            await run.begin(
                {topic: {each.partition: each.end for each in held if each.topic == topic} for topic in topics}
            )

    def _row(self, candidate: Candidate, verdict: Verdict) -> Row:
        record = candidate.record
        assert not isinstance(record, Unacceptable)
        topic = topic_name(self._settings, self._plan.sources[candidate.source].topic)
        return Row(topic, candidate.partition, record.key or verdict.key, record.value, record.headers)


class _Run:
    """The notes of one replay, by which another one knows what was put back."""

    def __init__(self, producer: Produces, settings: Settings, clock: Clock, chunk: int, alive: float) -> None:
        self._producer = producer
        self._topic = topic_name(settings, REJECTED)
        self._clock = clock
        self._size = chunk
        self._alive = alive
        self._name = uuid.uuid4().hex
        self._began = False
        self._noted = 0.0
        self._rows: list[Row] = []
        self._positions: list[str] = []

    async def begin(self, ends: dict[str, dict[int, int]]) -> None:
        """Note the end of each partition that events will be put on."""
        self._began = True
        await self._note(self._name, began=ends)

    def add(self, row: Row, positions: Sequence[str]) -> None:
        """Let an event be put back, with others."""
        self._rows.append(row)
        self._positions += positions

    async def go_on(self) -> None:
        """Put back what was added once that is a chunk, and note that this goes on if nothing was noted for long."""
        late = self._began and self._clock.now() - self._noted > self._alive / 3
        if late or len(self._rows) >= self._size:
            await self._flush()

    async def finish(self) -> None:
        """Note the end."""
        if self._began:
            await self._flush()
            await self._note(self._name, finished=True)

    async def close_other(self, name: str, done: Sequence[str]) -> None:
        """Note for a run that was killed what it had put back."""
        await self._note(name, done=list(done), finished=True)

    async def _flush(self) -> None:
        rows, self._rows = self._rows, []
        positions, self._positions = self._positions, []
        await self._producer.produce(rows)
        await self._note(self._name, done=positions)

    async def _note(self, name: str, **said: Any) -> None:
        self._noted = self._clock.now()
        note = ReplayNote(run=name, at=rfc3339(self._noted), **said)
        await self._producer.produce([Row(self._topic, 0, b"replay", note.encode(), [(NOTE, b"1")])])


async def run_replay(
    log: Log, settings: Settings, plan: Plan, source: Source, show: Show, *, dry_run: bool, accept_gaps: bool
) -> Result:
    """Replay on Kafka; see `Replay`."""
    producer = BatchProducer(settings, once=True)
    try:
        return await Replay(log, producer, settings, plan, show).run(source, dry_run=dry_run, accept_gaps=accept_gaps)
    finally:
        await producer.stop()


async def _verdict(judge: Judge, candidate: Candidate) -> Verdict:
    record = candidate.record
    if isinstance(record, Unacceptable):
        return Verdict(candidate.entry.name if candidate.entry else "", record.reason, record.message)
    return await judge.verdict(candidate.source, record)


async def verdict_now(settings: Settings, plan: Plan, position: str, rejection: Rejection) -> Verdict:
    """What a plan says now of an event that was rejected."""
    record = as_record(settings, plan, position, rejection)
    if isinstance(record, Unacceptable):
        return Verdict("", record.reason, record.message)
    return await Judge(plan, WALL.now()).verdict(rejection.source, record)
