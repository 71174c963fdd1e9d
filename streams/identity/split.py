"""Making the profiles of a split whole again: what each should hold is computed from the history of its homes.

The linker has decided, and the profiles have let go of each other (`streams/steps/split.py`). Once every home has told
its cutover, the events before the cutovers are read, folded, and sent to each profile as an `Absorb`, which it takes in
once however often it comes. So this may be killed and begun again anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import defaultdict

import msgspec

from plan import Plan
from profiles.identity.links import PendingSplit
from profiles.state import Limits, apply
from profiles.store import Store
from profiles.stores.links import LinkStore
from profiles.types import Absorb, Event, Identity, Profile, partition_of, profile_id
from streams.commands import CommandSender
from streams.identity.history import check_history, events_before
from streams.pipeline import limits_of
from streams.records.links import SplitDone, SplitRequest
from streams.retry import retrying
from streams.settings import Settings

__all__ = ["Splitter", "fold"]

log = logging.getLogger(__name__)

_LOOK = 0.1  # seconds between looks at what the workers have done
_TAKE_UP = 5  # seconds between looks at what is pending


def fold(id_: str, events: list[Event], currency: str, limits: Limits) -> Profile:
    """The profile of a set of events, each of which is there once."""
    profile = Profile(id_)
    for event in events:
        apply(profile, event, currency, limits)
    return profile


class Splitter:
    """Finishes splits that have been decided."""

    def __init__(self, store: Store, links: LinkStore, commands: CommandSender, settings: Settings, plan: Plan) -> None:
        self._store = store
        self._links = links
        self._commands = commands
        self._settings = settings
        self._currency = plan.currency
        self._namespace = plan.namespace
        self._limits = limits_of(settings, plan)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None

    async def ask(
        self, identity: Identity, apart: list[Identity], at: float, by: str, wait: float
    ) -> tuple[str, str | None]:
        """Ask the linker to take an identity out of its profile, and begin to finish what it decides.

        Args:
            identity: that was linked wrongly.
            apart: what it must not be together with; empty: its profile's strongest other identity.
            at: when, seconds.
            by: who asks.
            wait: seconds that the linker's decision is waited for.

        Returns:
            The split's id, and what has become of it: `splitting` (it is being carried out), why it was refused, or
            None if the linker has not decided in time, and still will.

        Raises:
            Incomplete: what the profiles should hold could not be computed, so nothing was asked.
            Unavailable: Kafka does not answer.
        """
        linked = await self._links.profiles_of([identity])
        profile = linked.get(identity) or profile_id(self._namespace, identity)
        held = (await self._links.linked_to([profile])).get(profile)
        homes = {profile, *(profile_id(self._namespace, other) for other in (held.identities if held else ()))}
        await check_history(self._settings, {partition_of(home, self._settings.partitions) for home in homes})
        id_ = uuid.uuid4().hex
        await self._commands.request(SplitRequest(id_, identity, apart, at, by))
        until = time.monotonic() + wait
        while True:
            state = await self._links.split_state(id_)
            if state is not None or time.monotonic() > until:
                break
            await asyncio.sleep(_LOOK)
        if (split := (await self._links.splitting()).get(id_)) is not None:
            self._begin(split)
        return id_, state

    async def start(self) -> None:
        """Take up what is pending: of a process that ended, or because the history could not be read."""
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop; what is not finished is taken up at the next start."""
        tasks = [task for task in (self._watching, *self._tasks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, split: PendingSplit) -> None:
        if split.id not in self._tasks:
            task = asyncio.create_task(self._safely(split), name=f"split {split.id}")
            self._tasks[split.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(split.id))

    async def _watch(self) -> None:
        while True:
            for split in (await self._pending()).values():
                self._begin(split)
            await asyncio.sleep(_TAKE_UP)

    async def _safely(self, split: PendingSplit) -> None:
        try:
            await self.finish(split)
        except Exception:
            log.exception("split %s is not finished; it is tried again in %d seconds", split.id, _TAKE_UP)

    @retrying
    async def _pending(self) -> dict[str, PendingSplit]:
        return await self._links.splitting()

    async def finish(self, split: PendingSplit) -> None:
        """Compute what the profiles hold, give it to them, and tell the linker that they may be linked again.

        Raises:
            Incomplete: the history cannot be read any more; the split stays pending.
        """
        started = time.monotonic()
        cutovers = await self._cutovers(split)
        events = await events_before(self._settings, cutovers)
        shares: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            shares[split.winners[event.profile]].append(event)
        winners = sorted(set(split.winners.values()))
        for winner in winners:
            state = fold(winner, shares[winner], self._currency, self._limits)
            name = _name(split, winner)
            encoded = msgspec.msgpack.encode(state)
            await self._commands.send(Absorb(winner, name, split.at, encoded, split=split.id))
        await asyncio.gather(*(self._taken_in(split, winner) for winner in winners))
        await self._commands.request(SplitDone(split.id))
        seconds = time.monotonic() - started
        log.info("split %s: %d profiles from %d events in %.1f s", split.id, len(winners), len(events), seconds)

    async def _cutovers(self, split: PendingSplit) -> dict[str, tuple[int, int]]:
        while True:
            profile = await self._fetch(split.profile)
            splitting = profile.splitting if profile else None
            if splitting is not None and splitting.split == split.id and not splitting.awaited:
                return {home: splitting.cutovers[home] for home in split.winners}
            await asyncio.sleep(_LOOK)

    async def _taken_in(self, split: PendingSplit, winner: str) -> None:
        """Wait until a profile has its share and knows every cutover, so that it may be merged with others again."""
        id_ = winner
        while True:
            profile = await self._fetch(id_)
            awaited = profile.splitting.awaited if profile is not None and profile.splitting is not None else ()
            if profile is not None and _name(split, winner) in profile.splits and not awaited:
                return
            if profile is not None and profile.redirect:
                id_ = profile.redirect
            await asyncio.sleep(_LOOK)

    @retrying
    async def _fetch(self, id_: str) -> Profile | None:
        partition = partition_of(id_, self._settings.partitions)
        return (await self._store.fetch(partition, [id_])).get(id_)


def _name(split: PendingSplit, winner: str) -> str:
    """What a share is known by, so that it is taken in once."""
    return f"{split.id}:{winner}"
