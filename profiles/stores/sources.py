"""Which sources are paused, in Redis: all workers agree, and a restart keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from profiles.errors import Misconfigured
from profiles.stores.connection import Client, connect
from profiles.stores.keys import ASIDE, SOURCES
from profiles.stores.trouble import answering
from profiles.units import Aside, Pause, SourceStore

__all__ = ["RedisSourceStore", "summed", "with_sources"]

Answer = TypeVar("Answer")


_decode = msgspec.json.Decoder(Pause).decode
_decode_asides = msgspec.json.Decoder(list[Aside]).decode
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

    async def put_aside(self, worker: str, senders: Sequence[Aside], now: float) -> None:
        told = await self._client.hgetall(ASIDE)
        if over := [name for name, value in told.items() if not summed(_decode_asides(value), now)]:
            await self._client.hdel(ASIDE, *over)  # of workers that have left
        await self._client.hset(ASIDE, worker, _encode(senders))

    async def asides(self, now: float) -> list[Aside]:
        told = await self._client.hgetall(ASIDE)
        return summed((aside for value in told.values() for aside in _decode_asides(value)), now)


def summed(asides: Iterable[Aside], now: float) -> list[Aside]:
    """What all workers tell of each sender that is put aside at a time; those with the most rejected events first."""
    found: dict[tuple[str, str], Aside] = {}
    for aside in asides:
        if aside.until <= now:
            continue
        if (other := found.get((aside.source, aside.sender))) is not None:
            aside = msgspec.structs.replace(  # noqa: PLW2901  (with what the others told)
                aside,
                since=min(aside.since, other.since),
                until=max(aside.until, other.until),
                rejected=aside.rejected + other.rejected,
                kept=aside.kept + other.kept,
            )
        found[aside.source, aside.sender] = aside
    return sorted(found.values(), key=lambda aside: -aside.rejected)


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
