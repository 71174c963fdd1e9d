"""What is read once for several."""

from __future__ import annotations

import asyncio

import pytest

from console.pages.live.lately import Lately


def test_it_is_read_once_for_all_who_ask_and_again_when_it_is_old() -> None:
    reads: list[int] = []

    async def read() -> int:
        await asyncio.sleep(0.01)
        reads.append(1)
        return len(reads)

    async def ask() -> None:
        lately = Lately(read, 0.2)
        assert await asyncio.gather(*(lately.read() for _ in range(5))) == [1] * 5
        await asyncio.sleep(0.25)
        assert await lately.read() == 2

    asyncio.run(ask())


def test_a_failure_is_told_and_not_kept() -> None:
    async def away() -> int:
        raise ConnectionError("gone")

    async def ask() -> None:
        lately = Lately(away, 10.0)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await lately.read()

    asyncio.run(ask())
