"""The end of `profile.events` that is not in the archive yet, and what its records say about each partition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from analysis.archive.manifests import State
from profiles.errors import Misconfigured
from profiles.types import Erase, Event, Join, Lift, Merge, Record, Split
from streams.archive.gather import links_of
from streams.kafka.reader import Extent, Log
from streams.rebuild.ownership import Ownership

__all__ = ["Erasures", "Tail", "read_tail", "unarchived"]

_decode = msgspec.msgpack.Decoder(Record).decode


@dataclass(slots=True)
class Tail:
    """What came behind the archive."""

    events: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))  # by home
    erased: set[str] = field(default_factory=set)  # homes of which nothing counts that the archive holds
    away: dict[str, float] = field(default_factory=dict)  # when those of them were erased that have not come back
    back: dict[str, float] = field(default_factory=dict)  # homes that may come back, and since when
    origins: dict[int, dict[str, int]] = field(default_factory=dict)  # partition → place → highest origin


class Erasures:
    """Who is erased, and since when who was may come back: by the archive, and by what came behind it.

    Args:
        state: of the archive.
        tail: behind it.
        digest: the keyed hash under which a home is remembered.
        suppressed: digests of those who are erased by `identity.changes`, which may be ahead of the archive.
    """

    def __init__(self, state: State, tail: Tail, digest: Callable[[str], str], suppressed: Container[str] = ()) -> None:
        back = {digest(home): since for home, since in tail.back.items()}
        again = {digest(home): at for home, at in tail.away.items()}
        self.away = {each: at for each, at in (state.away | again).items() if each not in back}
        """When who was erased, or their rows were removed from the archive, by digest."""
        self.back = {each: since for each, since in (state.back | back).items() if each not in again}
        """Since when who may come back, by digest."""
        self._tail = tail
        self._digest = digest
        self._suppressed = suppressed

    def erased(self, home: str) -> bool:
        """Whether nothing counts of a home."""
        if home in self._tail.back:
            return False
        digest = self._digest(home)
        return digest in self.away or digest in self._suppressed

    def counts(self, home: str, time: float) -> bool:
        """Whether what was told of a home at a time counts: of who was erased and is back, only what came since."""
        return not self.erased(home) and time >= self.back.get(self._digest(home), time)

    def drops(self, home: str, time: float) -> bool:
        """Whether what was told of a home at a time does not count."""
        return not self.counts(home, time)

    def joins(self, said: Iterable[Join]) -> Iterator[Join]:
        """What people said of companies that are one, as far as it counts: who was one that is erased is none."""
        for word in said:
            if self.counts(word.profile, word.time):
                gone = word.target and self.drops(word.target, word.time)
                yield msgspec.structs.replace(word, target="", into="", by="", reason="") if gone else word


def unarchived(state: State, extents: Sequence[Extent]) -> list[Extent]:
    """What of each partition is to be read behind the archive.

    Raises:
        Misconfigured: records between the two are gone, or they are not of the same log.
    """
    rest = []
    for extent in extents:
        read = state.read.get(extent.partition, extent.start)
        if read > extent.end > 0:
            raise Misconfigured(
                f"the archive has read {extent.topic}-{extent.partition} to offset {read}, which goes to {extent.end}: "
                "this is another Kafka, or one restored from a backup. Rebuild with an empty one, or with the old one"
            )
        if extent.start > read:
            raise Misconfigured(
                f"offsets {read} to {extent.start - 1} of {extent.topic}-{extent.partition} are gone from Kafka and "
                "not in the archive. `rapport archive --accept-gap --once` notes in it that they are missing; then "
                "this goes on without them"
            )
        rest.append(extent._replace(start=min(read, extent.end)))
    return rest


async def read_tail(log: Log, state: State, rest: Sequence[Extent], ownership: Ownership) -> Tail:
    """Read it; decisions go to `ownership`."""
    tail = Tail(origins={partition: dict(marks) for partition, marks in state.origins.items()})
    for extent in rest:
        marks = tail.origins.setdefault(extent.partition, {})
        async for batch in log.read([extent]):
            for at in batch.records:
                _take(tail, _decode(at.value), extent.partition, at.offset, marks, ownership)
    for home in tail.away:
        tail.events.pop(home, None)
    return tail


def _take(tail: Tail, record: Record, partition: int, offset: int, marks: dict[str, int], ownership: Ownership) -> None:
    source, number, place = record.origin
    if source:
        channel = f"{source}/{number}"
        if place <= marks.get(channel, -1):
            return  # a repeat
        marks[channel] = place
    if type(record) is Event:
        if not record.home:
            tail.events[record.profile].append(record)
    elif type(record) is Erase:
        tail.erased.add(record.profile)
        tail.away[record.profile] = record.time
        tail.back.pop(record.profile, None)
        ownership.forget(record.profile)
    elif type(record) is Lift:
        tail.away.pop(record.profile, None)
        tail.back[record.profile] = record.time
        tail.events.pop(record.profile, None)
    elif type(record) in (Merge, Join) or (type(record) is Split and record.phase == "reset"):
        ownership.take(links_of(record, partition, offset))
