"""What is in `events.rejected`, and what of it has been put back: told by that topic alone.

An entry is light, without the bytes of the event, so that millions of them fit into memory; who needs the bytes reads
the topic again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import orjson
from kafka import KafkaConsumer

from streams.collector.wire import TYPES, parse_time
from streams.kafka.reader import Progress, read_one, read_topic
from streams.kafka.topics import REJECTED, topic_name
from streams.records.rejected import KEPT, Rejection, ReplayNote, is_note
from streams.settings import Settings

__all__ = ["Entry", "Survey", "Wanted", "find", "name_of", "payloads", "survey"]

_decode = msgspec.json.Decoder(Rejection).decode
_decode_note = msgspec.json.Decoder(ReplayNote).decode


class Wanted(NamedTuple):
    """Which rejections are asked for; empty and None leave a criterion out."""

    source: str = ""
    reason: str = ""
    step: str = ""
    name: str = ""  # of the event, as its sender named it; a type for those without a name
    since: float | None = None  # seconds
    until: float | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is among them."""
        return (
            (not self.source or entry.source == self.source)
            and (not self.reason or entry.reason == self.reason)
            and (not self.step or entry.step == self.step)
            and (not self.name or entry.name == self.name)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


class Entry(msgspec.Struct, gc=False):
    """One rejected event, without its bytes."""

    positions: list[
        str
    ]  # in `events.rejected`, `partition:offset`; several if ingest has rejected it again after a crash
    at: float  # seconds
    step: str
    reason: str
    message: str
    source: str
    name: str
    truncated: bool
    origin: tuple[str, int, int] | None  # topic, partition, offset where it was; None if it never reached a topic
    replayed: bool = False

    @property
    def position(self) -> str:
        """Where it was first rejected: what `show` takes."""
        return self.positions[0]


@dataclass(slots=True)
class Survey:
    """All rejections asked for, in the order of their positions, and the replays that were begun and not ended."""

    entries: list[Entry] = field(default_factory=list)
    done: set[str] = field(default_factory=set)  # positions that are known to be put back
    open: dict[str, list[ReplayNote]] = field(default_factory=dict)  # by run


def survey(
    consumer: KafkaConsumer,
    settings: Settings,
    wanted: Wanted,
    progress: Progress | None = None,
    *,
    all_notes: bool = False,
) -> Survey:
    """Read `events.rejected`, from `wanted.since` on; with `all_notes` from its beginning, for who puts events back.

    Raises:
        Misconfigured: Kafka does not answer, or has no such topic.
    """
    found = Survey()
    notes: dict[str, list[ReplayNote]] = {}
    known: dict[tuple[str, int, int], Entry] = {}
    since = None if all_notes else wanted.since
    for record in read_topic(consumer, topic_name(settings, REJECTED), since=since, progress=progress):
        if is_note(record.headers):
            note = _decode_note(record.value)
            notes.setdefault(note.run, []).append(note)
            found.done.update(note.done)
            continue
        entry = _entry(record)
        if not wanted.takes(entry):
            continue
        if entry.origin is not None:
            first = known.setdefault(entry.origin, entry)
            if first is not entry:
                first.positions += entry.positions
                continue
        found.entries.append(entry)
    for entry in found.entries:
        entry.replayed = any(position in found.done for position in entry.positions)
    found.open = {run: of_run for run, of_run in notes.items() if not any(note.finished for note in of_run)}
    return found


def payloads(
    consumer: KafkaConsumer,
    settings: Settings,
    wanted: Callable[[str], bool],
    since: float | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Rejection]]:
    """The rejections at the positions that are wanted, with their bytes: (position, rejection), in the order of
    positions."""
    for record in read_topic(consumer, topic_name(settings, REJECTED), since=since, progress=progress):
        position = f"{record.partition}:{record.offset}"
        if wanted(position) and not is_note(record.headers):
            yield position, _decode(record.value)


def find(consumer: KafkaConsumer, settings: Settings, partition: int, offset: int) -> Rejection | None:
    """The rejection at a position; None if there is none."""
    record = read_one(consumer, topic_name(settings, REJECTED), partition, offset)
    return None if record is None or is_note(record.headers) else _decode(record.value)


def name_of(payload: bytes, kind: str = "") -> str:
    """An event as its sender named it: the name of a track, page or screen, else its type; "" if it cannot be read."""
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(raw, dict):
        return ""
    kind = kind or (raw["type"] if raw.get("type") in TYPES else "")  # else it may be anything, also somebody's name
    name = raw.get("event") if kind in ("track", "") else raw.get("name")
    return name if isinstance(name, str) and name and kind not in ("identify", "group", "alias") else kind


def _entry(record: Any) -> Entry:
    rejection = _decode(record.value)
    origin = None
    if rejection.partition is not None and rejection.offset is not None:
        origin = (rejection.topic, rejection.partition, rejection.offset)
    return Entry(
        [f"{record.partition}:{record.offset}"],
        parse_time(rejection.at),
        rejection.step,
        rejection.reason,
        rejection.message,
        rejection.source,
        name_of(rejection.payload, rejection.type),
        rejection.truncated or len(rejection.payload) >= KEPT,
        origin,
    )
