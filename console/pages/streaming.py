"""A page that is alive: whole fragments over one stream, sent anew whenever what they show may have changed.

A stream sends states, not changes: everything when somebody connects, and then everything that a page shows whenever
something it is about has happened, four times a second at most. So nothing can be missed, whatever was lost between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from sse_starlette import EventSourceResponse, ServerSentEvent

from console.api.live import HEARTBEAT
from console.pages.headers import HEADERS
from console.services.ports import Feed

__all__ = ["stream"]

_BETWEEN = 0.25  # seconds between two states
_LOOKS = 30.0  # seconds between two looks at whether somebody is still signed in, and at what only time changes

Render = Callable[[], Awaitable[dict[str, str]]]
"""Answers each fragment by the id of the element it fills."""

Beside = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs while somebody has the page open; calls what it is given when there is something new to show."""

StillIn = Callable[[], Awaitable[bool]]


def stream(
    feed: Feed,
    render: Render,
    still_in: StillIn,
    *,
    kinds: tuple[str, ...] = (),
    about: str = "",
    every: float = _BETWEEN,
    looks: float = _LOOKS,
    beside: Beside | None = None,
) -> EventSourceResponse:
    """The stream of a page.

    Args:
        feed: what is committed.
        render: makes the fragments of now.
        still_in: whether whoever looks is still who they were (`Entry.still`); asked before each state and look.
        kinds: of events that change what the page shows, whomever they are about.
        about: the profile or company that the page is about.
        every: seconds between two states at least.
        looks: seconds after which a state is made although nothing has happened.
        beside: watches for what the feed does not tell.
    """
    events = _states(feed, render, still_in, kinds, about, every, looks, beside)
    return EventSourceResponse(events, ping=HEARTBEAT, headers={**HEADERS, "X-Accel-Buffering": "no"})


async def _states(
    feed: Feed,
    render: Render,
    still_in: StillIn,
    kinds: tuple[str, ...],
    about: str,
    every: float,
    looks: float,
    beside: Beside | None,
) -> AsyncIterator[ServerSentEvent]:
    shown: dict[str, str] = {}
    async with contextlib.AsyncExitStack() as while_open:
        changed = while_open.enter_context(feed.watch(kinds, about))
        if beside is not None:
            while_open.push_async_callback(_end, asyncio.ensure_future(beside(changed.set)))
        while await still_in():
            changed.clear()
            state = await render()
            parts = [_part(id_, html) for id_, html in state.items() if shown.get(id_) != html]
            if parts:
                yield ServerSentEvent("".join(parts))
            shown = state
            await asyncio.sleep(every)
            try:
                await asyncio.wait_for(changed.wait(), looks)
            except TimeoutError:
                yield ServerSentEvent("", event="still")  # a page that hears nothing for long says so (`live.js`)
    yield ServerSentEvent("", event="ended")


async def _end(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _part(id_: str, html: str) -> str:
    return f'<hx-partial hx-target="#{id_}" hx-swap="innerMorph">{html}</hx-partial>'
