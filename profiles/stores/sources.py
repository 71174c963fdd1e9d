"""Which sources are paused, in Redis: all workers agree, and a restart keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from profiles.errors import Misconfigured
from profiles.stores.connection import Client, connect
from profiles.stores.keys import SOURCES
from profiles.stores.trouble import answering
from profiles.units import Pause, SourceStore

__all__ = ["RedisSourceStore", "with_sources"]

Answer = TypeVar("Answer")


_decode = msgspec.json.Decoder(Pause).decode
_encode = msgspec.json.encode


class RedisSourceStore:
    """One hash, one hash tag."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def states(self) -> dict[str, Pause]:
        held = await self._client.hgetall(SOURCES)
        try:
            return {name.decode(): _decode(value) for name, value in held.items()}
        except msgspec.MsgspecError as error:
            raise Misconfigured(
                f"the states of the sources in Redis ({SOURCES}) are damaged: {error}; delete what is wrong there"
            ) from error

    async def paused(self) -> dict[str, str]:
        return {source: pause.why for source, pause in (await self.states()).items() if pause.paused}

    async def write(self, source: str, pause: Pause) -> None:
        await self._client.hset(SOURCES, source, _encode(pause))


async def with_sources(url: str, question: Callable[[SourceStore], Awaitable[Answer]]) -> Answer:
    """Ask or tell the store at a URL.

    Raises:
        Misconfigured: Redis does not answer.
    """
    client = connect(url, retrying=False)
    try:
        with answering():
            return await question(RedisSourceStore(client))
    finally:
        await client.aclose()
