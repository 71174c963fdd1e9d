"""Replaying a period of a source through the plan as it is now: what was rejected then and passes now is put back.

What was accepted then is in the profiles, by its position in the log, and is left alone: put back, it would have to be
recognised by its messageId, which a profile remembers of its latest events only. So this cannot change what an event
meant to profiles when it was applied; that takes the archive.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from kafka import KafkaConsumer

from plan import Plan
from profiles.errors import Misconfigured
from profiles.types import Event, Record
from streams.clock import WALL
from streams.dead_letters.rejections import Survey, Wanted
from streams.dead_letters.replay import Judge, Replay, recover, settled
from streams.kafka.reader import Progress, committed, read_topic, reading
from streams.kafka.topics import PROFILE_EVENTS, topic_name
from streams.records.position import position_of, recorded_at, replay_headers
from streams.settings import Settings

__all__ = ["Change", "backfill"]

_decode = msgspec.msgpack.Decoder(Record).decode

_ACCEPTED, _FLAGGED, _REJECTED = "accepted", "flagged", "rejected"


@dataclass(slots=True)
class Change:
    """What a replay of a period did, or would do: events by name, then and now."""

    then: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    now: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    read: int = 0
    waiting: int = 0  # not yet read by the workers, or paused with their source: they come by themselves
    before: int = 0  # rejected then, put back by an earlier replay
    passing: int = 0  # rejected then, accepted now: put back, unless it is a dry run
    replayed: int = 0


def backfill(
    settings: Settings,
    plan: Plan,
    source: str,
    *,
    since: float | None,
    until: float | None,
    dry_run: bool,
    progress: Callable[[str], Progress] | None = None,
) -> Change:
    """Take a period of a source's topic through the plan again.

    Args:
        settings: where Kafka is.
        plan: as the workers have it, or for a dry run any.
        source: name of the source.
        since: of the period, by the time Kafka had the event, seconds.
        until: where it ends, seconds.
        dry_run: only say what would happen.
        progress: makes something that is told how far each part is.

    Raises:
        Misconfigured: the plan has no such source, Kafka does not answer, or another replay is at work.
        Unavailable: Kafka has not confirmed all; the next run goes on where this one was.
    """
    if source not in plan.sources:
        raise Misconfigured(f"the plan has no source '{source}'; it has {', '.join(plan.sources)}")
    tell = progress or (lambda _: lambda read, total: None)
    topic = topic_name(settings, plan.sources[source].topic)
    with reading(settings) as consumer:
        wanted = Wanted(source=source, since=since)
        found = settled(consumer, settings, wanted, tell("reading events.rejected"))
        recovered = recover(consumer, found)
        flagged = _flagged(consumer, settings, source, since, tell("reading profile.events"))
        done = committed(settings, topic)
        period = _Backfill(found, flagged, done, Judge(plan, WALL.now()))
        change = Change()
        if dry_run:
            for record in read_topic(consumer, topic, since=since, progress=tell(f"checking {topic}")):
                if until is None or record.timestamp < until * 1000:
                    period.look(source, record, change)
            return change
        with Replay(settings) as run:
            for name, positions in recovered.items():
                run.close_run(name, positions)
            run.begin(consumer, [topic])
            for record in read_topic(consumer, topic, since=since, progress=tell(f"replaying {topic}")):
                if until is not None and record.timestamp >= until * 1000:
                    continue
                if (rejected_at := period.look(source, record, change)) is not None:
                    headers = replay_headers(position_of(record), recorded_at(record), rejected_at[0])
                    run.put(topic, record.partition, record.key, record.value, headers, rejected_at)
                    change.replayed += 1
            run.finish()
        return change


class _Backfill:
    """What became of each event of the period, and what would become of it now."""

    def __init__(self, found: Survey, flagged: set[tuple[int, int]], done: dict[int, int], judge: Judge) -> None:
        self._rejected = {entry.origin[1:]: entry for entry in found.entries if entry.origin is not None}
        self._flagged = flagged
        self._done = done
        self._judge = judge

    def look(self, source: str, record: object, change: Change) -> list[str] | None:
        """Count an event; answers the positions of its rejection if it is to be put back."""
        partition, offset = record.partition, record.offset  # type: ignore[attr-defined]
        change.read += 1
        if offset >= self._done.get(partition, 0):
            change.waiting += 1
            return None
        verdict = self._judge.judge(source, record)
        entry = self._rejected.get((partition, offset))
        name = verdict.name or (entry.name if entry else "") or "?"
        then = _REJECTED if entry else _FLAGGED if (partition, offset) in self._flagged else _ACCEPTED
        change.then[name][then] += 1
        change.now[name][_REJECTED if verdict.reason else _FLAGGED if verdict.flagged else _ACCEPTED] += 1
        if entry is None or verdict.reason:
            return None
        if entry.replayed:
            change.before += 1
            return None
        change.passing += 1
        return entry.positions


def _flagged(
    consumer: KafkaConsumer, settings: Settings, source: str, since: float | None, progress: Progress
) -> set[tuple[int, int]]:
    """Where on its topic each event was that was accepted with violations: (partition, offset)."""
    found = set()
    for record in read_topic(consumer, topic_name(settings, PROFILE_EVENTS), since=since, progress=progress):
        event = _decode(record.value)
        if type(event) is Event and event.violations and event.source == source and not event.home:
            found.add((event.origin[1], event.origin[2]))
    return found
