"""A page that is alive: whole fragments over one stream, sent anew whenever what they show may have changed.

A stream sends states, not changes: everything when somebody connects, and then everything that a page shows whenever
something it is about has happened, four times a second at most. So nothing can be missed, whatever was lost between.
States are made once for all who look at the same (`boards.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import Request
from sse_starlette import EventSourceResponse

from console.access.scopes import Viewer
from console.http.event_stream import Event, event_stream
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.live.boards import NOTHING, Beside, Boards, Render, Showing

__all__ = ["stream"]

_BETWEEN = 0.25  # seconds between two states
_LOOKS = 30.0  # seconds between two looks at whether somebody is still signed in, and at what only time changes
_STILL = Event("", event="still").encode()  # a page that hears nothing for long says so (`live.js`)
_ENDED = Event("", event="ended").encode()

StillIn = Callable[[], Awaitable[bool]]


def stream(
    boards: Boards,
    request: Request,
    viewer: Viewer,
    render: Render,
    still_in: StillIn,
    *,
    kinds: tuple[str, ...] = (),
    about: str = "",
    every: float = _BETWEEN,
    looks: float = _LOOKS,
    beside: Beside | None = None,
    by_name: bool = True,
) -> EventSourceResponse:
    """The stream of a page.

    Args:
        boards: of all pages that are open.
        request: for the page, which it names.
        viewer: who looks.
        render: makes the fragments of now, of which all that is not in the request's address follows from the viewer
            and their language.
        still_in: whether whoever looks is still who they were (`Entry.still`); asked before each state is sent.
        kinds: of events that change what the page shows, whomever they are about.
        about: the profile or company that the page is about.
        every: seconds between two states at least.
        looks: seconds after which a state is made although nothing has happened.
        beside: watches for what the feed does not tell.
        by_name: whether the page is another one for each person; else all who may do the same see the same.
    """
    key = str(request.url), language_of(request), viewer if by_name else viewer._replace(name="")
    events = _states(boards, key, Showing(render, kinds, about, every, looks, beside), still_in)
    return event_stream(events, HEADERS)


async def _states(boards: Boards, key: object, showing: Showing, still_in: StillIn) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    async with boards.board(key, showing) as board:
        known, after, said = NOTHING, board.ask(), loop.time()
        while True:
            await board.after(after)
            if not await still_in():
                break
            change = board.change(known)
            known, after = board.newest, board.newest.number
            if change or loop.time() - said >= showing.looks:
                said = loop.time()
                yield change or _STILL
    yield _ENDED
