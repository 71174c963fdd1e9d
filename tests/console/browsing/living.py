"""The console over stores in memory, in which things happen when a test says so."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from starlette.types import ASGIApp

from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from models.cases.decisions import decide
from profiles.stores.access import AccessStore, Account, Role
from profiles.stores.memory import MemoryAccessStore, MemoryLinkStore, MemorySourceStore, MemoryStore
from profiles.types import AlertCommand, Join, Profile
from profiles.units import Pause
from streams.audit.trail import AuditTrail
from streams.dead_letters.newest import RejectedTail
from streams.dead_letters.replays import ReplayDesk
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.settings import Settings
from streams.sinks.desk import DeliveryDesk
from streams.watching.raw_feed import RawFeed
from streams.watching.sdks import SdkWatch
from tests.console.people import keep, store
from tests.console.serving import serving
from tests.console.support_api import PLAN, Nothing, api_deps, memory_log

__all__ = ["Living", "aside", "living"]

Answer = TypeVar("Answer")


class Wakes(Nothing):
    """A live feed that says something has happened whenever a test does."""

    def __init__(self) -> None:
        self._watching: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @contextlib.contextmanager
    def watch(self, kinds: Sequence[str], about: str = "") -> Iterator[asyncio.Event]:
        """Whatever it is about."""
        entry = asyncio.get_running_loop(), asyncio.Event()
        self._watching.append(entry)
        try:
            yield entry[1]
        finally:
            self._watching.remove(entry)

    def wake(self) -> None:
        """Something has happened."""
        for loop, changed in list(self._watching):
            loop.call_soon_threadsafe(changed.set)


class Writer:
    """Carries out decisions on cases, as the profile's worker does."""

    def __init__(self, held: MemoryStore, feed: Wakes) -> None:
        self._held, self._feed = held, feed

    async def send(self, command: AlertCommand | Join) -> None:
        """Everybody who looks is told."""
        profile = await self._held.profile(command.profile)
        if profile is not None and isinstance(command, AlertCommand) and (done := decide(profile, command)) is not None:
            profile.case = done.case
            profile.alerts |= {alert.rule: alert for alert in done.alerts}
            await asyncio.to_thread(keep, self._held, profile)
        self._feed.wake()


@dataclass(frozen=True)
class Living:
    """A console that a test can change from outside."""

    url: str
    held: MemoryStore
    access: AccessStore
    feed: Wakes
    log: MemoryLog
    sources: MemorySourceStore
    audit: AuditTrail

    def keep(self, profile: Profile) -> None:
        """A customer is as this from now on, and everybody who looks is told."""
        aside(lambda: keep(self.held, profile))
        self.feed.wake()

    def happen(self, *rows: Row) -> None:
        """These records come to Kafka."""
        aside(lambda: asyncio.run(self.log.produce(rows)))

    def count(self, minute: int, counts: dict[str, int]) -> None:
        """A worker tells what came in of a minute."""
        aside(lambda: asyncio.run(self.sources.count(minute, counts)))

    def pause(self, source: str, pause: Pause) -> None:
        """A source is paused, or taken again."""
        aside(lambda: asyncio.run(self.sources.write(source, pause)))

    def link(self, role: Role) -> str:
        """The secret of a link that signs in somebody of a role, who is called by it."""

        async def make() -> str:
            await self.access.put_account(Account(name=role, role=role))
            return await Sessions(self.access).make_link(role)

        return aside(lambda: asyncio.run(make()))


def aside(call: Callable[[], Answer]) -> Answer:
    """Run something in a thread of its own: in ours the browser's driver has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@contextlib.contextmanager
def living(
    held: MemoryStore | None = None,
    *,
    listener: socket.socket | None = None,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
    **parts: Any,
) -> Iterator[Living]:
    """A console until the end of the block, over a store that is empty unless given, with something around it if asked;
    `parts` as of `api_deps`.
    """
    held = store() if held is None else held
    access, feed = MemoryAccessStore(), Wakes()
    settings, sources = Settings(), MemorySourceStore()
    log = memory_log(PLAN, settings)
    given = {
        "commands": Writer(held, feed),
        "sources": sources,
        "raw": RawFeed(log, settings, PLAN),
        "sdks": SdkWatch(log, settings, PLAN),
        "rejected": RejectedTail(log, settings, PLAN),
        "replays": ReplayDesk(log, settings, PLAN, log),
        "deliveries": DeliveryDesk(log, log, settings),
    }
    deps = api_deps(held, access=access, feed=feed, **given | parts)
    deps = replace(deps, desk=replace(deps.desk, links=MemoryLinkStore()))
    app = create_api(deps)
    add_pages(app, deps)
    with serving(around(app), listener) as url:
        yield Living(url, held, access, feed, log, sources, deps.audit)
