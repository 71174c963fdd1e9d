"""Putting rejected events back on their topics, to go through the plan as it is now; each counts once.

* The record that is put back says in its headers where and when the event first was (`streams.records.position`): an
event without
  messageId or timestamp gets the same ones again.
* What is put back is noted in `events.rejected`. A replay that is run again leaves out what is noted; one that was
  killed before its note is found out by looking at what it has put on the topics since it began.
* Only what the present plan accepts is put back. The rest would only be rejected a second time.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple

import orjson
from aiokafka.structs import ConsumerRecord
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from plan import Plan
from profiles.errors import Misconfigured, Unacceptable
from profiles.times import rfc3339
from streams.clock import WALL
from streams.collector.body import Limits
from streams.collector.wire import Envelope, parse_time, stamp
from streams.dead_letters.rejections import Entry, Survey, Wanted, payloads, survey
from streams.kafka.client import blocking_producer
from streams.kafka.producer import Unavailable
from streams.kafka.reader import Progress, ends_of, read_topic, reading
from streams.kafka.topics import REJECTED, topic_name
from streams.records.position import REJECTED_AT, header_of, replay_headers
from streams.records.rejected import NOTE, Rejection, ReplayNote
from streams.settings import Settings
from streams.steps.check import check
from streams.steps.decode import decode
from streams.steps.intake import Intake

__all__ = ["CHUNK", "Judge", "Replay", "Result", "Verdict", "recover", "replay_rejected", "settled", "verdict_now"]

CHUNK = 500
"""Events that are put back before they are noted."""

_ALIVE = 10.0  # seconds without a note after which a replay is no longer at work


class Verdict(NamedTuple):
    """What the plan would say of an event now."""

    name: str
    reason: str = ""  # why it would be rejected; "" if it would not
    message: str = ""
    flagged: bool = False
    key: bytes | None = None  # of the record: the sender's strongest identity


class Judge:
    """Takes raw events through the steps of ingest that need no store."""

    def __init__(self, plan: Plan, now: float) -> None:
        self._plan = plan
        self._now = now
        self._steps = (decode(), check(plan))

    def judge(self, source: str, record: Any) -> Verdict:
        """What becomes of a record of a source's topic."""
        batch = Intake(source, [record], self._now)
        name = ""
        for step in self._steps:
            step(batch)
            name = next((item.name or item.raw["type"] for item in batch.items), name)
        if batch.rejected:
            return Verdict(name, batch.rejected[0].reason, batch.rejected[0].message)
        [item] = batch.items
        identities = self._plan.extract(item.raw)
        if not identities:
            return Verdict(name, "no_identity", "none of the plan's identities is in the event")
        return Verdict(name, flagged=bool(item.violations), key=identities[0][1].encode())


class Replay(AbstractContextManager["Replay"]):
    """One run of a replay: puts records on topics, and notes which, so that none is put there by another run."""

    def __init__(self, settings: Settings, chunk: int = CHUNK) -> None:
        self._most = chunk
        self._rejected = topic_name(settings, REJECTED)
        self._run = uuid.uuid4().hex
        self._chunk: list[Any] = []
        self._places: list[str] = []
        # No retries: a retry may put a record there twice, while a run that fails is found out by the next one.
        self._producer = blocking_producer(settings, linger_ms=5)

    def begin(self, consumer: KafkaConsumer, topics: Iterable[str]) -> None:
        """Note where the topics end before anything is put on them."""
        self._note(began={topic: ends_of(consumer, topic) for topic in topics})

    def put(
        self,
        topic: str,
        partition: int | None,
        key: bytes | None,
        value: bytes,
        headers: Sequence[tuple[str, bytes]],
        positions: Sequence[str],
    ) -> None:
        """Put one event back.

        Raises:
            Unavailable: Kafka has not confirmed all; run the replay again, it goes on where it was.
        """
        try:
            self._chunk.append(self._producer.send(topic, value, key, list(headers), partition))
        except KafkaError as error:
            raise Unavailable(_AGAIN.format(type(error).__name__)) from error
        self._places += positions
        if len(self._chunk) >= self._most:
            self._flush()

    def finish(self) -> None:
        """Note the end."""
        self._flush()
        self._note(finished=True)

    def close_run(self, run: str, done: Sequence[str]) -> None:
        """Note for a run that was killed what it had put back."""
        self._note(run, done=list(done), finished=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close(timeout=5)

    def _flush(self) -> None:
        chunk, self._chunk = self._chunk, []
        positions, self._places = self._places, []
        self._wait(chunk)
        if positions:
            self._note(done=positions)

    def _note(self, run: str = "", **said: Any) -> None:
        note = ReplayNote(run=run or self._run, at=rfc3339(WALL.now()), **said)
        self._wait([self._producer.send(self._rejected, note.encode(), b"replay", [(NOTE, b"1")], 0)])

    def _wait(self, sent: Sequence[Any]) -> None:
        self._producer.flush()
        try:
            for future in sent:
                future.get(30)
        except KafkaError as error:
            raise Unavailable(_AGAIN.format(type(error).__name__)) from error


_AGAIN = "Kafka has not confirmed all events ({}); run the same command again, it goes on where it was"


@dataclass(slots=True)
class Result:
    """What a replay did, or would do."""

    selected: int = 0  # rejections asked for
    replayed: int = 0  # put back by this run
    passing: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, name) → events that pass now
    failing: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, reason) → events that still do not
    truncated: int = 0  # longer than what was kept
    before: int = 0  # put back by an earlier run


def replay_rejected(
    settings: Settings,
    plan: Plan,
    wanted: Wanted,
    *,
    dry_run: bool,
    progress: Callable[[str], Progress] | None = None,
    positions: Sequence[str] = (),
    chunk: int = CHUNK,
) -> Result:
    """Put rejected events back on their topics, those that the plan accepts now.

    Args:
        settings: where Kafka is.
        plan: as the workers have it.
        wanted: which events.
        dry_run: only say what would happen.
        progress: makes something that is told how far each part is.
        positions: only those of these positions.
        chunk: how many are put back before they are noted.

    Raises:
        Misconfigured: Kafka does not answer, or another replay is at work.
        Unavailable: Kafka has not confirmed all; the next run goes on where this one was.
    """
    tell = progress or (lambda _: lambda read, total: None)
    with reading(settings) as consumer:
        found = settled(consumer, settings, wanted, tell("reading events.rejected"))
        recovered = recover(consumer, found)
        chosen, result = _choose(found, positions)
        judge = Judge(plan, WALL.now())
        if dry_run:
            for entry, rejection in _with_bytes(consumer, settings, chosen, wanted, tell("checking")):
                _judged(settings, plan, judge, entry, rejection, result)
            return result
        with Replay(settings, chunk) as run:
            for name, done in recovered.items():
                run.close_run(name, done)
            if not chosen:
                return result
            run.begin(consumer, {topic_name(settings, source.topic) for source in plan.sources.values()})
            for entry, rejection in _with_bytes(consumer, settings, chosen, wanted, tell("putting back")):
                ready = _judged(settings, plan, judge, entry, rejection, result)
                if ready is not None:
                    run.put(ready.topic, ready.partition, ready.key, ready.value, ready.headers, entry.positions)
                    result.replayed += 1
            run.finish()
        return result


class _Ready(NamedTuple):
    topic: str
    partition: int | None
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


def settled(consumer: KafkaConsumer, settings: Settings, wanted: Wanted, progress: Progress) -> Survey:
    """The rejections, once no other replay is at work any more.

    Raises:
        Misconfigured: another one goes on.
    """
    found = survey(consumer, settings, wanted, progress, all_notes=True)
    if found.open:
        latest = max(parse_time(note.at) for notes in found.open.values() for note in notes)
        wait = latest + _ALIVE - WALL.now()
        if wait > 0:
            time.sleep(min(wait, _ALIVE))
            notes = sum(map(len, found.open.values()))
            found = survey(consumer, settings, wanted, progress, all_notes=True)
            if sum(map(len, found.open.values())) > notes:
                raise Misconfigured("another replay is at work; wait for its end, then look what is left")
    return found


def recover(consumer: KafkaConsumer, found: Survey) -> dict[str, list[str]]:
    """What replays that were killed have put back without noting it, by run; the entries are marked."""
    recovered: dict[str, list[str]] = {}
    for run, notes in found.open.items():
        done = [
            position
            for note in notes
            for topic, starts in note.began.items()
            for record in read_topic(consumer, topic, starts=starts)
            if (position := header_of(record.headers, REJECTED_AT))
        ]
        recovered[run] = done
        found.done.update(done)
    for entry in found.entries:
        entry.replayed = entry.replayed or any(position in found.done for position in entry.positions)
    return recovered


def _choose(found: Survey, positions: Sequence[str]) -> tuple[dict[str, Entry], Result]:
    """The entries to put back, by the position that their bytes are read from."""
    asked = [entry for entry in found.entries if not positions or set(positions) & set(entry.positions)]
    result = Result(
        selected=len(asked),
        truncated=sum(entry.truncated for entry in asked),
        before=sum(entry.replayed for entry in asked),
    )
    return {entry.position: entry for entry in asked if not entry.replayed and not entry.truncated}, result


def _with_bytes(
    consumer: KafkaConsumer, settings: Settings, chosen: dict[str, Entry], wanted: Wanted, progress: Progress
) -> Iterable[tuple[Entry, Rejection]]:
    if not chosen:
        return
    with closing(payloads(consumer, settings, chosen.__contains__, wanted.since, progress)) as found:  # type: ignore[type-var]
        for position, rejection in found:
            yield chosen[position], rejection


def _judged(
    settings: Settings, plan: Plan, judge: Judge, entry: Entry, rejection: Rejection, result: Result
) -> _Ready | None:
    """An event as it would be put back, if it passes now; counted either way."""
    try:
        record, key = _as_record(plan, entry, rejection, settings)
        verdict = judge.judge(rejection.source, record)
    except Unacceptable as error:
        verdict = Verdict(entry.name, error.reason, error.message)
    if verdict.reason:
        result.failing[rejection.source, verdict.reason] += 1
        return None
    result.passing[rejection.source, verdict.name] += 1
    topic = topic_name(settings, plan.sources[rejection.source].topic)
    return _Ready(topic, rejection.partition, key or verdict.key, record.value, record.headers)


def _as_record(
    plan: Plan, entry: Entry, rejection: Rejection, settings: Settings
) -> tuple[ConsumerRecord, bytes | None]:
    """The record that is put back, and its key if that is known already.

    Raises:
        Unacceptable: there is none.
    """
    if rejection.source not in plan.sources:
        raise Unacceptable("unknown_source", f"the plan has no source '{rejection.source}'")
    if rejection.partition is None:
        return _collected(plan, entry, rejection, settings)
    return _as_it_was(rejection, entry), None


def _as_it_was(rejection: Rejection, entry: Entry) -> ConsumerRecord:
    """An event that was on a topic, with where and when it first was."""
    position = rejection.position or f"{rejection.topic}-{rejection.partition}-{rejection.offset}"
    return _record(rejection, rejection.payload, position, entry)


def _collected(plan: Plan, entry: Entry, rejection: Rejection, settings: Settings) -> tuple[ConsumerRecord, bytes]:
    """An event that the collector refused, as it would have put it on the topic then; with its key.

    Raises:
        Unacceptable: the collector would refuse it still.
    """
    position = f"{topic_name(settings, REJECTED)}-{entry.position.replace(':', '-')}"
    raw = _with_id(rejection.payload, position)
    key, value = stamp(
        raw,
        Envelope([raw], type=rejection.type),
        received=rejection.recorded or parse_time(rejection.at),
        identities=plan.extract,
        limits=Limits(),
    )
    return _record(rejection, value, position, entry), key


def _with_id(payload: bytes, position: str) -> bytes:
    """The same bytes, or with the position as messageId where there is none: stamping would make up another each
    time."""
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload
    if type(raw) is not dict or raw.get("messageId") is not None:
        return payload
    return orjson.dumps({**raw, "messageId": position[-100:]})


def _record(rejection: Rejection, value: bytes, position: str, entry: Entry) -> ConsumerRecord:
    recorded = rejection.recorded or parse_time(rejection.at)
    return ConsumerRecord(
        topic=rejection.topic,
        partition=rejection.partition or 0,
        offset=rejection.offset or 0,
        timestamp=round(WALL.now() * 1000),
        timestamp_type=0,
        key=None,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(value),
        headers=replay_headers(position, recorded, entry.position),
    )


def verdict_now(settings: Settings, plan: Plan, position: str, rejection: Rejection) -> Verdict:
    """What a plan says now of an event that was rejected."""
    entry = Entry([position], 0.0, "", "", "", rejection.source, "", rejection.truncated, None)
    try:
        record, _ = _as_record(plan, entry, rejection, settings)
    except Unacceptable as error:
        return Verdict("", error.reason, error.message)
    return Judge(plan, WALL.now()).judge(rejection.source, record)
