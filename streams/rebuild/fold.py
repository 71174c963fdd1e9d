"""Profiles anew from their events: each home's folded in the order of the log, homes of one customer merged.

What is done so far is in Redis, so memory holds a batch of homes whatever their number. A home of somebody else becomes
a tombstone, which remembers the ids of its events as it would have.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plan import Plan
from profiles.documents import encode_profile
from profiles.merge import merge
from profiles.state import Limits, apply, remember
from profiles.stores.restore import Document
from profiles.types import Event, Profile, event_digest, partition_of

__all__ = ["Folding", "by_home"]

Fetch = Callable[[int, Sequence[str]], Awaitable[dict[str, Profile]]]
Write = Callable[[int, Sequence[Document]], Awaitable[None]]

_HOMES = 500  # at once


@dataclass(slots=True)
class Folding:
    """Folds events into the profiles of a Redis that is being rebuilt.

    Args:
        fetch: answers the profiles of a partition that are there already.
        write: puts profiles of a partition there.
        plan: its currency.
        limits: what a profile keeps.
        partitions: of the profiles.
        owners: home → profile, of homes that belong to another.
    """

    fetch: Fetch
    write: Write
    plan: Plan
    limits: Limits
    partitions: int
    owners: Mapping[str, str]
    watermarks: dict[int, float] = field(default_factory=dict)  # partition → latest event time
    met: set[str] = field(default_factory=set)  # homes of others that had events

    async def fold(self, homes: Iterable[tuple[str, Iterable[Event]]]) -> None:
        """Take in homes, each once, with all their events in the order of the log."""
        batch: list[Profile] = []
        for home, events in homes:
            batch.append(self._state(home, events))
            if len(batch) >= _HOMES:
                await self._place(batch)
                batch = []
        await self._place(batch)

    async def bury_others(self) -> None:
        """Tombstones for the homes of others to which no event has ever come."""
        rest = (home for home in self.owners if home not in self.met)
        while batch := list(itertools.islice(rest, _HOMES)):
            await self._write({home: Profile(home, redirect=self.owners[home]) for home in batch})

    def _state(self, home: str, events: Iterable[Event]) -> Profile:
        profile = Profile(home)
        for event in events:
            digest = event_digest(event.source, event.id)
            if remember(profile, digest, self.limits.seen):
                apply(profile, event, self.plan.currency, self.limits, digest)
        return profile

    async def _place(self, states: list[Profile]) -> None:
        homes = {state.id: self.owners.get(state.id, state.id) for state in states}
        changed = await self._fetch(set(homes.values()))
        for state in states:
            owner = homes[state.id]
            for id_ in (state.id, owner):
                partition = partition_of(id_, self.partitions)
                self.watermarks[partition] = max(state.updated, self.watermarks.get(partition, 0.0))
            if owner != state.id:
                self.met.add(state.id)
                changed[state.id] = Profile(state.id, redirect=owner, seen=state.seen)
                state.seen = b""
            held = changed.get(owner)
            if held is None:
                state.id = owner
                changed[owner] = state
            else:
                held.seen = held.seen or state.seen
                merge(held, state, self.limits)
        await self._write(changed)

    async def _fetch(self, ids: Iterable[str]) -> dict[str, Profile]:
        found: dict[str, Profile] = {}
        for partition, part in self._by_partition(ids).items():
            found |= await self.fetch(partition, part)
        return found

    async def _write(self, profiles: Mapping[str, Profile]) -> None:
        for partition, ids in self._by_partition(profiles).items():
            held = [profiles[id_] for id_ in ids]
            await self.write(partition, [(profile, encode_profile(profile)) for profile in held])

    def _by_partition(self, ids: Iterable[str]) -> dict[int, list[str]]:
        answer: defaultdict[int, list[str]] = defaultdict(list)
        for id_ in ids:
            answer[partition_of(id_, self.partitions)].append(id_)
        return answer


def by_home(
    archived: Iterable[Event], tail: dict[str, list[Event]], erased: Container[str]
) -> Iterator[tuple[str, list[Event]]]:
    """Home by home: its events in the archive, which come home by home, then those behind the archive.

    Args:
        archived: as `analysis.archive.reader.events_of` answers them.
        tail: by home; emptied on the way.
        erased: homes to leave out.
    """
    for home, events in itertools.groupby(archived, key=lambda event: event.profile):
        held = list(events)
        if home not in erased:
            yield home, held + tail.pop(home, [])
    for home in list(tail):
        if home not in erased:
            yield home, tail.pop(home)
