"""What has been read since the last flush: new events and links, whose rows must go, and how far the log was read."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from msgspec import json

from analysis.archive.columns import Link, Placed
from analysis.archive.manifests import File, State
from profiles.types import Erase, Event, Join, Lift, Merge, Origin, Record, Split, event_digest, is_company

__all__ = ["Gathered", "Gatherer", "Memory", "Unnaming", "links_of", "prime", "without_company"]


Unnaming = Callable[[Callable[[str, float], bool]], Callable[[Event], Event]]
"""From a function that tells who was erased to one that takes erased companies out of events."""


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
        links = (without_company(link, home) for link in self.links)
        self.links = [link for link in links if home not in (link.home, link.profile)]

    def unname(self, take_out: Callable[[Event], Event]) -> None:
        """Take what was read of a company out of the events of its people."""
        self.rows = [row._replace(event=take_out(row.event)) for row in self.rows]


class Gatherer:
    """Decides which records belong into the archive, each once.

    Args:
        state: of the archive; read, not written.
        memory: of the events in it.
        suppression: the digest under which an erased home is remembered.
        unnaming: makes the function that takes erased companies out of events, of one that tells who is.
    """

    def __init__(
        self,
        state: State,
        memory: Memory,
        suppression: Callable[[str], str],
        unnaming: Unnaming = lambda drops: lambda event: event,
    ) -> None:
        self._state = state
        self._memory = memory
        self._suppression = suppression
        self._unname = unnaming(self._drops)
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
                if is_company(record.profile):
                    held.unname(self._unname)
            elif type(record) is Lift:
                held.lifted[record.profile] = self._suppression(record.profile), record.time
            elif type(record) is not Join or not self._drops(record.profile, record.time):
                links = links_of(record, partition, offset)
                if type(record) is Join and record.target and self._drops(record.target, record.time):
                    links = [without_company(link, record.target) for link in links]
                held.links += links
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
            held.rows.append(Placed(self._unname(event), partition, offset))
            held.bytes += size
        else:
            held.outcomes["repeat"] += 1

    def _is_erased(self, home: str) -> bool:
        held, known = self.gathered, self._state.erased
        if home in held.lifted:
            return False
        return home in held.erased or bool(known and known.get(self._suppression(home), 0.0) > 0)

    def _drops(self, home: str, time: float) -> bool:
        """Whether what was said at a time is of who was erased."""
        held, known = self.gathered, self._state.erased
        if home in held.lifted:
            return time < held.lifted[home][1]
        if home in held.erased:
            return True
        at = known.get(self._suppression(home)) if known else None
        return at is not None and (at > 0 or time < -at)

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


def without_company(link: Link, erased: str) -> Link:
    """A word on which other company a company is, if that one was erased: it is none any more."""
    if link.kind != "company" or link.profile != erased:
        return link
    note = {**json.decode(link.note or "{}"), "into": "", "by": "", "reason": ""}
    return link._replace(profile="", note=json.encode(note).decode())


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
