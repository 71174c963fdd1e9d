"""Making the profiles of a split whole again: what each should hold is computed from the history of its homes.

The linker has decided, and the profiles have let go of each other (`streams/steps/split.py`). Once every home has told
its cutover, the events before the cutovers are read, folded, and sent to each profile as an `Absorb`, which it takes in
once however often it comes. So this may be killed and begun again anywhere, by the worker that then reads
`identity.links`. It begins with a split when the linker has come to the end that the log had: a linker whose store is
lost makes all splits again, and what the log says is done must not be done again, when its share has long gone on to
somebody who does not know it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection

import msgspec

from plan import Plan
from profiles.identity.links import PendingSplit
from profiles.state import Limits, apply
from profiles.store import Store
from profiles.types import Absorb, Event, Identity, Profile, partition_of
from profiles.units import LinkStore
from streams.background import in_background
from streams.commands import CommandSender
from streams.companies.erasing import unnaming
from streams.identity.history import History, Incomplete
from streams.identity.shared import SharedHistory
from streams.identity.suppressed import Suppressed
from streams.kafka.client import Unavailable
from streams.pipeline import limits_of
from streams.records.links import LinkRequest, SplitDone
from streams.retry import retrying
from streams.settings import Settings

__all__ = ["SplitCompleter", "claims_in", "fold"]

log = logging.getLogger(__name__)

_LOOK = 0.1  # seconds between looks at what the workers have done
_AT_ONCE = 8  # splits under way…
_OF_PAGES = 32  # …and moves that public sources have brought about, which are read together
_AGAIN = 5.0  # seconds until what could not be completed is tried again
_TOLD_AGAIN = 300.0  # seconds until the linker is told again; it has much else to read before, and Kafka loses nothing


def fold(id_: str, events: list[Event], currency: str, limits: Limits) -> Profile:
    """The profile of a set of events, each of which is there once."""
    profile = Profile(id_)
    for event in events:
        apply(profile, event, currency, limits)
    return profile


def claims_in(
    split: PendingSplit, events: list[Event], home: Callable[[Identity], str], public: Collection[str]
) -> list[LinkRequest]:
    """What links alone do not tell of identities that go to somebody else.

    The earliest and the latest claims on them; and what met while it was one customer's, so that nobody was asked, and
    is not any more.

    Args:
        split: by which they go.
        events: that came to the homes of their profile.
        home: of an identity.
        public: the sources that are not believed, but for what a user has signed.
    """
    found: dict[tuple[str, str], Event] = {}
    events = sorted(events, key=lambda one: one.time) if split.moving else []
    for identity in split.moving:
        said: defaultdict[tuple[Identity, bool], list[Event]] = defaultdict(list)  # by whom, and whether it is believed
        for event in events:
            if identity in event.identities[1:] and identity not in event.remembered:
                said[event.identities[0], event.signed or event.source not in public].append(event)
        for claims in said.values():
            stated = [event for event in claims if event.type == "identify"]
            found |= {(event.source, event.id): event for event in [*claims[:1], *stated[:1], *stated[-1:]]}
    met = {(event.source, *event.identities) for event in found.values()}
    for event in events:
        among = (event.source, *event.identities)
        if among not in met and len({split.winners.get(home(identity)) for identity in event.identities} - {None}) > 1:
            met.add(among)
            found[event.source, event.id] = event
    return [
        LinkRequest(
            event.identities, event.time, event.source, event.id, event.signed, event.type == "identify",
            event.remembered, event.type == "alias",
        )
        for event in found.values()
    ]  # fmt: skip


class SplitCompleter:
    """Completes the splits that the linker has decided, while this worker is the linker.

    Args:
        store: of the profiles.
        links: has the pending splits.
        commands: brings each profile its share, and tells the linker of the end.
        history: of the profiles' homes.
        settings: how many partitions there are, and what a profile keeps.
        plan: of the profiles.
    """

    def __init__(
        self,
        store: Store,
        links: LinkStore,
        commands: CommandSender,
        history: History,
        settings: Settings,
        plan: Plan,
    ) -> None:
        self._store = store
        self._links = links
        self._commands = commands
        self._history = SharedHistory(history)
        self._erased = Suppressed(links, plan.pii_key)
        self._unname = unnaming(plan, self._erased.drops)
        self._log_end = history.end_of_links
        self._public = plan.trust.public
        self._settings = settings
        self._currency = plan.currency
        self._home = plan.home
        self._limits = limits_of(settings, plan)
        self._mine = False
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by split
        self._of_page: dict[str, bool] = {}  # likewise: whether a public source alone wants it
        self._told: dict[str, float] = {}  # by split: when the linker was told of its end, monotonic
        self._ready: dict[str, int] = {}  # by split: how far the linker must have come before anybody begins

    def assigned(self, *, mine: bool) -> None:
        """Say whether this worker is the linker from now on; if not, whoever is goes on with what is under way here."""
        self._mine = mine
        if not mine:
            self._told.clear()
            for task in self._tasks.values():
                task.cancel()

    async def tick(self) -> None:
        """Begin with the splits that are pending and not under way; leave those that somebody else has completed."""
        if not self._mine:
            return
        pending = await retrying(self._links.splitting)()
        for id_, task in self._tasks.items():
            if id_ not in pending:
                task.cancel()
        now = time.monotonic()
        self._told = {id_: at for id_, at in self._told.items() if id_ in pending and now - at < _TOLD_AGAIN}
        self._ready = {id_: end for id_, end in self._ready.items() if id_ in pending}
        left = [split for split in pending.values() if split.id not in {*self._tasks, *self._told}]
        if not left:
            return
        if any(split.id not in self._ready for split in left):
            try:
                end = await self._log_end()
            except Unavailable:
                return  # until the next look
            self._ready = {split.id: end for split in left} | self._ready
        applied = (await retrying(self._links.state)()).applied
        for split in sorted(left, key=lambda one: bool(one.moving)):  # what people ask for first
            if self._mine and applied + 1 >= self._ready.get(split.id, 0):
                self._begin(split)

    def _begin(self, split: PendingSplit) -> None:
        of_page = self._is_of_page(split)
        if sum(one is of_page for one in self._of_page.values()) >= (_OF_PAGES if of_page else _AT_ONCE):
            return
        self._ready.pop(split.id, None)
        self._of_page[split.id] = of_page
        task = self._tasks[split.id] = asyncio.create_task(self._safely(split), name=f"split {split.id}")
        task.add_done_callback(lambda _: self._ended(split.id))

    def _ended(self, id_: str) -> None:
        del self._tasks[id_], self._of_page[id_]

    def _is_of_page(self, split: PendingSplit) -> bool:
        """Whether a public source alone wants it, of whose user nobody knows whether they are who they say."""
        return bool(split.moving and split.waiting) and (
            split.waiting[0].source in self._public and not split.waiting[0].signed
        )

    async def close(self) -> None:
        """Stop; the next linker takes up what is not completed."""
        self.assigned(mine=False)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._history.close()

    async def _safely(self, split: PendingSplit) -> None:
        try:
            await self._complete(split)
        except Incomplete as error:
            log.warning("split %s cannot be completed, its profiles show only what came since: %s", split.id, error)
            await asyncio.sleep(_AGAIN)
        except Exception:
            log.exception("split %s is not completed; it is tried again in %d seconds", split.id, _AGAIN)
            await asyncio.sleep(_AGAIN)

    async def _complete(self, split: PendingSplit) -> None:
        """Compute what the profiles hold, give it to them, and tell the linker that they may be linked again.

        Raises:
            Incomplete: the history cannot be read any more; the split stays pending.
        """
        started = time.monotonic()
        cutovers = await self._cutovers(split)
        log.info("split %s: reading the history of %d homes", split.id, len(cutovers))
        events = await self._history.before(cutovers, patient=self._is_of_page(split))
        await self._erased.refresh()
        events = list(map(self._unname, events))
        shares: defaultdict[str, list[Event]] = defaultdict(list)
        for event in events:
            shares[split.winners[event.profile]].append(event)
        winners = sorted(set(split.winners.values()))
        for winner in winners:
            if await self._has_share(split, winner):
                continue  # sent again it could come behind a merge, to somebody who cannot know it for a repeat
            state = await in_background(fold, winner, shares[winner], self._currency, self._limits)
            name = _name(split, winner)
            encoded = msgspec.msgpack.encode(state)
            await self._commands.send(Absorb(winner, name, split.at, encoded, split=split.id))
        await asyncio.gather(*(self._taken_in(split, winner) for winner in winners))
        for claim in claims_in(split, events, self._home, self._public):
            await self._commands.request(claim)
        await self._commands.request(SplitDone(split.id))
        self._told[split.id] = time.monotonic()
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
        while True:
            profile = await self._holder(winner)
            awaited = profile.splitting.awaited if profile is not None and profile.splitting is not None else ()
            if await self._has_share(split, winner) and not awaited:
                return
            await asyncio.sleep(_LOOK)

    async def _has_share(self, split: PendingSplit, winner: str) -> bool:
        profile = await self._holder(winner)
        return profile is not None and _name(split, winner) in profile.splits

    async def _holder(self, winner: str) -> Profile | None:
        """The profile that holds what is a winner's, which may have been merged if the split was completed before."""
        profile = await self._fetch(winner)
        while profile is not None and profile.redirect:
            profile = await self._fetch(profile.redirect)
        return profile

    @retrying
    async def _fetch(self, id_: str) -> Profile | None:
        partition = partition_of(id_, self._settings.partitions)
        return (await self._store.fetch(partition, [id_])).get(id_)


def _name(split: PendingSplit, winner: str) -> str:
    """What a share is known by, so that it is taken in once."""
    return f"{split.id}:{winner}"
