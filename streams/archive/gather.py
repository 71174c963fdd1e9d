"""What has been read since the last flush: new events and links, whose rows must go, and how far the log was read."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from msgspec import json

from analysis.archive.columns import Link, Placed
from analysis.archive.manifests import File, State
from profiles.types import Erase, Event, Join, Lift, Merge, Origin, Record, Split, event_digest

__all__ = ["Gathered", "Gatherer", "Memory", "links_of", "prime"]


class Memory:
    """Remembers at least the latest `size` events, at most twice as many, eight bytes each and what Python adds."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def new(self, home: str, source: str, id_: str) -> bool:
        """Whether this event is not remembered; from now on it is."""
        digest = event_digest(f"{home}\0{source}", id_)
        if digest in self._young:
            return False
        known = digest in self._old
        self._young.add(digest)
        if len(self._young) >= self.size:
            self._old, self._young = self._young, set()
        return not known


class Gathered:
    """The content of one flush."""

    def __init__(self) -> None:
        self.rows: list[Placed] = []
        self.links: list[Link] = []
        self.read: dict[int, tuple[int, int]] = {}
        self.origins: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self.erased: dict[str, str] = {}  # home → its digest
        self.lifted: dict[str, tuple[str, float]] = {}  # the same of those that may come back, and since when
        self.outcomes: Counter[str] = Counter()
        self.bytes = 0

    def erase(self, home: str, digest: str) -> None:
        """Forget what was read of a home."""
        self.erased[home] = digest
        self.lifted.pop(home, None)
        kept = [row for row in self.rows if row.event.profile != home]
        self.outcomes["erased"] += len(self.rows) - len(kept)
        self.rows = kept
        self.links = [link for link in self.links if home not in (link.home, link.profile)]


class Gatherer:
    """Decides which records belong into the archive, each once.

    Args:
        state: of the archive; read, not written.
        memory: of the events in it.
        suppression: the digest under which an erased home is remembered.
    """

    def __init__(self, state: State, memory: Memory, suppression: Callable[[str], str]) -> None:
        self._state = state
        self._memory = memory
        self._suppression = suppression
        self.gathered = Gathered()

    def take(self, partition: int, records: Iterable[tuple[int, Record, int]], position: int) -> None:
        """Decide on records of one partition, which are those up to a position that were not decided on yet.

        Args:
            partition: of the log.
            records: each with its offset before and its bytes after it, in the order of the log.
            position: the offset that comes next in the log, whether or not a record stands before it.
        """
        held = self.gathered
        marks = self._state.origins.get(partition, {})
        fresh = held.origins[partition]
        for offset, record, size in records:
            if not _wanted(record) or self._repeats(record.origin, marks, fresh):
                continue
            if type(record) is Event:
                self._event(record, partition, offset, size)
            elif type(record) is Erase:
                held.erase(record.profile, self._suppression(record.profile))
            elif type(record) is Lift:
                held.lifted[record.profile] = self._suppression(record.profile), record.time
            else:
                held.links += links_of(record, partition, offset)
        begin = held.read[partition][0] if partition in held.read else self._state.read.get(partition, 0)
        held.read[partition] = (begin, position)

    def flushed(self) -> None:
        """The gathered is in the archive: begin anew."""
        self.gathered = Gathered()

    def _event(self, event: Event, partition: int, offset: int, size: int) -> None:
        held = self.gathered
        if self._is_erased(event.profile):
            held.outcomes["erased"] += 1
        elif self._memory.new(event.profile, event.source, event.id):
            held.rows.append(Placed(event, partition, offset))
            held.bytes += size
        else:
            held.outcomes["repeat"] += 1

    def _is_erased(self, home: str) -> bool:
        held, known = self.gathered, self._state.erased
        if home in held.lifted:
            return False
        return home in held.erased or bool(known and known.get(self._suppression(home), 0.0) > 0)

    def _repeats(self, origin: Origin, marks: dict[str, int], fresh: dict[str, int]) -> bool:
        """Whether this place of this topic has been here before: they arrive in the order of their offsets."""
        topic, partition, place = origin
        if not topic:
            return False
        channel = f"{topic}/{partition}"
        if place <= fresh.get(channel, marks.get(channel, -1)):
            self.gathered.outcomes["repeat"] += 1
            return True
        fresh[channel] = place
        return False


def prime(memory: Memory, files: Iterable[File], read: Callable[[File], Iterable[tuple[str, str, str]]]) -> None:
    """Remember the events of the newest files, as many as the memory holds."""
    chosen: list[File] = []
    rows = 0
    for file in sorted(files, key=lambda file: file.newest, reverse=True):
        if rows >= memory.size:
            break
        chosen.append(file)
        rows += file.rows
    for row in itertools.chain.from_iterable(read(file) for file in reversed(chosen)):
        memory.new(*row)


def _wanted(record: Record) -> bool:
    """Events where they came first, and what says whose a home is."""
    if type(record) is Event:
        return not record.home
    return type(record) in (Merge, Erase, Lift, Join) or (type(record) is Split and record.phase == "reset")


def links_of(record: Record, partition: int, offset: int) -> list[Link]:
    """What a record at a place of the log says about whom homes belong to."""
    if type(record) is Merge:
        pairs, kind, split = [(record.profile, record.winner)], "merge", ""
    elif type(record) is Split:
        pairs, kind, split = list(record.winners.items()), "split", record.split
    elif type(record) is Join:
        note = json.encode({name: getattr(record, name) for name in ("key", "into", "by", "reason")}).decode()
        return [
            Link("company", record.profile, record.target, record.time, "", *record.origin, partition, offset, note)
        ]
    else:
        return []
    return [Link(kind, home, owner, record.time, split, *record.origin, partition, offset) for home, owner in pairs]
