"""What is in `events.rejected`, and what of it has been put back: told by that topic alone.

An entry is light, without the bytes of the event, so that millions of them fit into memory; who needs the bytes reads
the topic again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
import orjson
from aiokafka.structs import ConsumerRecord

from profiles.times import parse_time
from streams.collector.wire import TYPES
from streams.kafka.reader import Batch, Extent, Log
from streams.kafka.topics import REJECTED, topic_name
from streams.records.rejected import KEPT, Rejection, ReplayNote, is_note
from streams.settings import Settings

__all__ = ["Entry", "Rejections", "Show", "Survey", "Wanted", "name_of", "nothing_shown", "shown"]

Show = Callable[[str], Callable[[int, int], object]]
"""Is told what is read next; answers what hears how many offsets have been read, and of how many."""

_decode = msgspec.json.Decoder(Rejection).decode
_decode_note = msgspec.json.Decoder(ReplayNote).decode


class Wanted(msgspec.Struct, frozen=True):
    """Which rejections are asked for; empty and None leave a criterion out."""

    source: str = ""
    reason: str = ""
    step: str = ""
    name: str = ""  # of the event, as its sender named it; a type for those without a name
    since: float | None = None  # seconds
    until: float | None = None
    load: str = ""  # id of the load of history that brought it
    aside: bool | None = None  # whether its sender was put aside

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is among them."""
        return (
            (not self.source or entry.source == self.source)
            and (not self.reason or entry.reason == self.reason)
            and (not self.step or entry.step == self.step)
            and (not self.name or entry.name == self.name)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
            and (not self.load or entry.load == self.load)
            and (self.aside is None or entry.aside == self.aside)
        )


class Entry(msgspec.Struct, gc=False):
    """One rejected event, without its bytes."""

    positions: list[str]  # in `events.rejected`, `partition:offset`, behind it `/number` if a record tells of several;
    # more than one if ingest rejected it again after a crash
    at: float  # seconds
    step: str
    reason: str
    message: str
    source: str
    name: str
    truncated: bool
    origin: tuple[str, int, int] | None  # topic, partition, offset where it was; None if it never reached a topic
    load: str = ""
    sender: str = ""  # keyed hash
    aside: bool = False
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

    def mark(self) -> None:
        """Mark the entries that are known to be put back."""
        for entry in self.entries:
            entry.replayed = entry.replayed or not self.done.isdisjoint(entry.positions)


def nothing_shown(_: str) -> Callable[[int, int], object]:
    """Shows no progress."""
    return lambda done, of: None


def shown(
    log: Log, show: Show, what: str, extents: Iterable[Extent], *, accept_gaps: bool = True
) -> AsyncIterator[Batch]:
    """A bounded read whose progress is shown. What Kafka deletes meanwhile is passed over, unless told otherwise."""
    extents = list(extents)
    total = sum(extent.records for extent in extents)
    bar, done = show(what), 0

    def tell(offsets: int) -> None:
        nonlocal done
        done += offsets
        bar(done, total)

    return log.telling(tell).read(extents, accept_gaps=accept_gaps)


class Rejections:
    """Reads `events.rejected`.

    Args:
        log: that has it.
        settings: the topic's prefix.
        show: shows progress.
    """

    def __init__(self, log: Log, settings: Settings, show: Show = nothing_shown) -> None:
        self._log = log
        self._topic = topic_name(settings, REJECTED)
        self._show = show

    async def survey(self, wanted: Wanted, *, all_notes: bool = False) -> Survey:
        """All that are wanted, from `wanted.since` on; with `all_notes` from the beginning, for who puts events back.

        Raises:
            NoTopic: Kafka has no such topic.
            Unavailable: Kafka does not answer.
        """
        found = Survey()
        notes: dict[str, list[ReplayNote]] = {}
        known: dict[tuple[str, int, int], Entry] = {}
        async for record in self._records("reading events.rejected", None if all_notes else wanted.since):
            if is_note(record.headers):
                note = _decode_note(record.value)
                notes.setdefault(note.run, []).append(note)
                found.done.update(note.done)
                continue
            for entry in filter(wanted.takes, _entries(record)):
                if entry.origin is not None and (first := known.setdefault(entry.origin, entry)) is not entry:
                    first.positions += entry.positions
                else:
                    found.entries.append(entry)
        found.mark()
        found.open = {run: of_run for run, of_run in notes.items() if not any(note.finished for note in of_run)}
        return found

    async def payloads(
        self, what: str, wanted: Callable[[str], bool], since: float | None = None
    ) -> AsyncIterator[tuple[str, Rejection]]:
        """The rejections at the positions that are wanted, with their bytes: (position, rejection).

        Args:
            what: is shown.
            wanted: whether a position is.
            since: none is earlier, seconds.
        """
        async for record in self._records(what, since):
            position = f"{record.partition}:{record.offset}"
            if wanted(position) and not is_note(record.headers):
                yield position, _decode(record.value)

    async def find(self, partition: int, offset: int) -> Rejection | None:
        """The rejection at a position; None if there is none."""
        held = {extent.partition: extent for extent in await self._log.extents(self._topic)}.get(partition)
        if held is None or not held.start <= offset < held.end:
            return None
        place = held._replace(start=offset, end=offset + 1)
        records = [record async for batch in self._log.read([place], accept_gaps=True) for record in batch.records]
        return None if not records or is_note(records[0].headers) else _decode(records[0].value)

    async def _records(self, what: str, since: float | None) -> AsyncIterator[ConsumerRecord]:
        async for batch in shown(self._log, self._show, what, await self._log.extents(self._topic, since)):
            for record in batch.records:
                yield record


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


def _entries(record: ConsumerRecord) -> Iterator[Entry]:
    """The rejected events that a record tells of: several if their sender was put aside."""
    rejection = _decode(record.value)
    at = parse_time(rejection.at)
    offsets = [rejection.offset, *rejection.also, *[None] * rejection.more]
    for number, offset in enumerate(offsets):
        origin = None
        if rejection.partition is not None and offset is not None:
            origin = (rejection.topic, rejection.partition, offset)
        yield Entry(
            [f"{record.partition}:{record.offset}" + (f"/{number}" if number else "")],
            at,
            rejection.step,
            rejection.reason,
            rejection.message,
            rejection.source,
            name_of(rejection.payload, rejection.type) or rejection.event,
            rejection.truncated or len(rejection.payload) >= KEPT,
            origin,
            rejection.load,
            rejection.sender,
            rejection.aside,
        )
