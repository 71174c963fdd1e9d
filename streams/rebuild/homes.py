"""The events of every home, on their way to the profile it belongs to now, and the memory of repeats that stays there.

A home is read in the order of the log, which is what that memory is of; profiles are then made in the order of time.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO, NamedTuple, Self

import msgspec

from profiles.state import remember
from profiles.types import NOWHERE, Event, Profile, event_digest, partition_of
from streams.rebuild.spool import Spool, Timed

__all__ = ["Homes", "Memories", "by_home"]

_encode = msgspec.msgpack.Encoder().encode


class _Memory(NamedTuple):
    home: str
    seen: bytes


_decode_memory = msgspec.msgpack.Decoder(_Memory).decode


class Memories:
    """The seen-memory of each home, on disk by its partition. Use it as a context manager.

    Args:
        partitions: of the profiles.
    """

    def __init__(self, partitions: int) -> None:
        self._files: list[IO[bytes]] = [tempfile.TemporaryFile() for _ in range(partitions)]  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def put(self, home: str, seen: bytes) -> None:
        """Keep that of a home."""
        packed = _encode(_Memory(home, seen))
        file = self._files[partition_of(home, len(self._files))]
        file.write(len(packed).to_bytes(4, "big"))
        file.write(packed)

    def of(self, partition: int) -> dict[str, bytes]:
        """Those of a partition, by home."""
        file = self._files[partition]
        file.seek(0)
        found: dict[str, bytes] = {}
        while length := file.read(4):
            memory = _decode_memory(file.read(int.from_bytes(length, "big")))
            found[memory.home] = memory.seen
        file.seek(0, 2)
        return found


class Homes:
    """Takes the events of homes, each home once with all of its events in the order of the log.

    Args:
        spool: for the events, each with the profile that it belongs to.
        memories: what homes have seen.
        owners: home → profile, of homes that belong to another.
        partitions: of the profiles.
        seen: events that a home remembers.
        looked_into: roles of whose events profiles read properties and context.
    """

    def __init__(
        self,
        spool: Spool,
        memories: Memories,
        owners: Mapping[str, str],
        partitions: int,
        seen: int,
        looked_into: Container[str] = (),
    ) -> None:
        self._spool = spool
        self._memories = memories
        self._owners = owners
        self._partitions = partitions
        self._seen = seen
        self._looked_into = looked_into

    def take(self, home: str, events: Iterable[Event]) -> None:
        """Take one home in."""
        memory = Profile(home)
        owner = self._owners.get(home, home)
        partition = partition_of(owner, self._partitions)
        for event in events:
            if remember(memory, event_digest(event.source, event.id), self._seen):
                self._spool.add(Timed(event.time, partition, _encode(_sent_on(event, owner, self._looked_into))))
        self._memories.put(home, memory.seen)


def _sent_on(event: Event, owner: str, looked_into: Container[str]) -> Event:
    """An event as its home would send it on, which has seen that it is no repeat; without what no profile reads."""
    on = msgspec.structs.replace(event, profile=owner, home=event.profile, origin=NOWHERE, violations=[])
    if event.role not in looked_into:
        on.properties, on.context = {}, {}
    return on


def by_home(
    archived: Iterable[Event], tail: dict[str, list[Event]], erased: Container[str]
) -> Iterator[tuple[str, list[Event]]]:
    """Home by home: its events in the archive, which come home by home, then those behind the archive.

    Args:
        archived: as `analysis.archive.reader.events_of` answers them.
        tail: by home; emptied on the way.
        erased: homes of which nothing that was archived counts.
    """
    for home, events in itertools.groupby(archived, key=lambda event: event.profile):
        held = [] if home in erased else list(events)
        if held := held + tail.pop(home, []):
            yield home, held
    for home in list(tail):
        yield home, tail.pop(home)
