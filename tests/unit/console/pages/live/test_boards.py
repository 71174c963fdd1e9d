"""States of pages that are open: made once for all who look at the same, and none is missed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from console.pages.live.boards import NOTHING, Board, Boards, Showing
from tests.console.browsing.living import Wakes


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test of what runs at the same time."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Page:
    """What a page shows, and how often it was made."""

    def __init__(self, every: float = 0.01, looks: float = 30.0, slow: float = 0.0) -> None:
        self.text, self.made, self.slow = "a", 0, slow
        self.showing = Showing(self.render, (), "x", every, looks, None)

    async def render(self) -> dict[str, str]:
        self.made += 1
        text = self.text
        await asyncio.sleep(self.slow)
        return {"head": text, "rest": "always"}


async def look(board: Board, told: list[str], until: Callable[[], bool] = lambda: False) -> None:
    """Look on, as a stream does, noting what is shown."""
    known, after = NOTHING, board.ask()
    while not until():
        await board.after(after)
        told.append(board.change(known).decode())
        known, after = board.newest, board.newest.number


async def settled(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@in_a_loop
async def test_a_change_that_ten_look_at_is_made_once_for_all_of_them() -> None:
    feed, page, told = Wakes(), Page(), [list[str]() for _ in range(10)]
    boards = Boards(feed)

    async def open_page(seen: list[str]) -> None:
        async with boards.board("customer", page.showing) as board:
            await look(board, seen)

    looking = [asyncio.create_task(open_page(seen)) for seen in told]
    await settled(lambda: all(told))
    before, page.text = page.made, "b"
    feed.wake()
    await settled(lambda: all("b" in seen[-1] for seen in told))
    assert page.made == before + 1
    assert all("always" not in seen[-1] for seen in told)  # which has not changed

    for task in looking:
        task.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    made = page.made
    feed.wake()
    await asyncio.sleep(0.05)
    assert page.made == made, "it goes on though nobody looks"


@in_a_loop
async def test_who_comes_later_gets_a_state_that_began_after_they_came() -> None:
    feed, page = Wakes(), Page(every=10.0, slow=0.05)
    boards, first, second = Boards(feed), list[str](), list[str]()
    async with boards.board("customer", page.showing) as board, asyncio.TaskGroup() as tasks:
        one = tasks.create_task(look(board, first))
        await settled(lambda: page.made == 1)
        page.text = "b"  # while the first state is being made, of what was before
        other = tasks.create_task(look(board, second))
        await settled(lambda: bool(second))  # long before the next state that is due
        assert "a" in first[0]
        assert 'hx-target="#head" hx-swap="innerMorph">b<' in second[0]
        one.cancel()
        other.cancel()


@in_a_loop
async def test_of_many_changes_the_last_one_is_shown_and_few_between() -> None:
    feed, page, told = Wakes(), Page(every=0.1), list[str]()
    async with Boards(feed).board("customer", page.showing) as board, asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look(board, told))
        await settled(lambda: bool(told))
        for number in range(50):
            page.text = f"n{number}"
            feed.wake()
            await asyncio.sleep(0.005)
        await settled(lambda: "n49" in told[-1])
        assert page.made < 12
        looking.cancel()


@in_a_loop
async def test_that_a_state_cannot_be_made_is_told_to_all_and_who_comes_back_begins_anew() -> None:
    feed, page = Wakes(), Page()
    boards = Boards(feed)

    async def fails() -> dict[str, str]:
        raise ConnectionError("gone")

    async with boards.board("customer", page.showing._replace(render=fails)) as board:
        for _ in range(2):
            with pytest.raises(ConnectionError, match="gone"):
                await board.after(board.ask())
        async with boards.board("customer", page.showing) as anew:
            await anew.after(anew.ask())
            assert anew.newest.fragments["head"] == "a"


@in_a_loop
async def test_a_state_is_made_though_nothing_has_happened_once_in_a_while() -> None:
    page = Page(looks=0.05)
    async with Boards(Wakes()).board("customer", page.showing):
        await settled(lambda: page.made > 2)
