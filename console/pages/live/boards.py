"""The states of pages that are open: each is made once for all who look at the same, and the newest is what counts.

A board is of one page as one role sees it in one language. It lives while somebody has the page open, makes a state
whenever what it shows may have changed, and hands it to everybody who looks; who is slow gets the newest state next,
never those between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

from console.http.event_stream import Event
from console.services.ports import Feed

__all__ = ["NOTHING", "Beside", "Board", "Boards", "Kept", "Render", "Showing"]

Render = Callable[[], Awaitable[dict[str, str]]]
"""Answers each fragment by the id of the element it fills."""

Beside = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs while somebody has the page open; calls what it is given when there is something new to show."""


class Showing(NamedTuple):
    """What a board shows, and when it looks anew.

    Args:
        render: makes the fragments of now.
        kinds: of events that change what the page shows, whomever they are about.
        about: the profile or company that the page is about.
        every: seconds between two states at least.
        looks: seconds after which a state is made although nothing has happened.
        beside: watches for what the feed does not tell.
    """

    render: Render
    kinds: Sequence[str]
    about: str
    every: float
    looks: float
    beside: Beside | None


class Kept(NamedTuple):
    """A state, and which one it is."""

    number: int
    fragments: Mapping[str, str]


NOTHING = Kept(0, {})
"""What somebody knows who has just come."""


class Board:
    """One page as one role sees it in one language."""

    def __init__(self, feed: Feed, showing: Showing) -> None:
        self._feed = feed
        self._showing = showing
        self._begun = 0
        self._changes: dict[int, bytes] = {}  # from the number of a state to the newest
        self._made, self._asked = asyncio.Event(), asyncio.Event()
        self._changed: asyncio.Event | None = None
        self._error: Exception | None = None
        self.newest = NOTHING
        self.onlookers = 0

    @property
    def failed(self) -> bool:
        """Whether a state could not be made: there will be no other one."""
        return self._error is not None

    def ask(self) -> int:
        """Want a state that is begun from now on; answers the number of the last one that is not."""
        self._asked.set()
        if self._changed is not None:
            self._changed.set()
        return self._begun

    async def after(self, number: int) -> None:
        """Wait for a state after the one of a number.

        Raises:
            Exception: whatever making one did.
        """
        while self.newest.number <= number:
            if self._error is not None:
                raise self._error
            await self._made.wait()

    def change(self, before: Kept) -> bytes:
        """What makes the newest state of one before, as an event of a stream; empty: they are alike."""
        found = self._changes.get(before.number)
        if found is None:
            parts = [
                f'<hx-partial hx-target="#{id_}" hx-swap="innerMorph">{html}</hx-partial>'
                for id_, html in self.newest.fragments.items()
                if before.fragments.get(id_) != html
            ]
            found = self._changes[before.number] = Event("".join(parts)).encode() if parts else b""
        return found

    async def run(self) -> None:
        """Make states until cancelled, or one cannot be made: then everybody who looks is told why."""
        showing, loop = self._showing, asyncio.get_running_loop()
        try:
            async with contextlib.AsyncExitStack() as while_open:
                changed = self._changed = while_open.enter_context(self._feed.watch(showing.kinds, showing.about))
                if showing.beside is not None:
                    while_open.push_async_callback(_end, asyncio.ensure_future(showing.beside(changed.set)))
                while True:
                    began = loop.time()
                    await self._make(changed)
                    # One that takes long leaves as long to others.
                    await _within(max(showing.every, loop.time() - began), self._asked)
                    await _within(showing.looks, changed)
        except Exception as error:  # raised again by all who look
            self._error = error
            self._made.set()

    async def _make(self, changed: asyncio.Event) -> None:
        changed.clear()
        self._asked.clear()
        self._begun += 1
        number = self._begun
        fragments = await self._showing.render()
        last = self.newest.fragments
        # The very same text where nothing has changed: it is held once, and compared at once.
        kept = {id_: last[id_] if last.get(id_) == html else html for id_, html in fragments.items()}
        self.newest, self._changes = Kept(number, kept), {}
        made, self._made = self._made, asyncio.Event()
        made.set()


class Boards:
    """The boards of all pages that are open.

    Args:
        feed: what is committed.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._boards: dict[Hashable, tuple[Board, asyncio.Task[None]]] = {}

    @contextlib.asynccontextmanager
    async def board(self, key: Hashable, showing: Showing) -> AsyncIterator[Board]:
        """The board of a key; it is made if there is none, and ends with the last who looks."""
        board, task = held = self._held(key, showing)
        board.onlookers += 1
        try:
            yield board
        finally:
            board.onlookers -= 1
            if not board.onlookers:
                if self._boards.get(key) is held:
                    del self._boards[key]
                await _end(task)

    def _held(self, key: Hashable, showing: Showing) -> tuple[Board, asyncio.Task[None]]:
        held = self._boards.get(key)
        if held is None or held[0].failed:  # who comes back after a failure gets a new one
            board = Board(self._feed, showing)
            held = self._boards[key] = board, asyncio.create_task(board.run())
        return held


async def _within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def _end(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
