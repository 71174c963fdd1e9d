"""Which sources are paused, in Redis: all workers agree, and a restart keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from profiles.errors import Misconfigured
from profiles.stores.connection import Client, connect
from profiles.stores.keys import SOURCES
from profiles.stores.trouble import answering

__all__ = ["Pause", "SourceStore", "with_sources"]

Answer = TypeVar("Answer")


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one source. JSON, so that people can read it in Redis."""

    paused: bool
    since: float = 0.0  # seconds; when it was held or resumed
    why: str = ""
    reasons: dict[str, int] = {}  # reason → events of the batch that opened the breaker
    example: str = ""  # the message of one of them, without personal data
    plan: str = ""  # fingerprint of the plan that would reject; another plan may let the source go
    version: int = 0  # of that plan
    by: str = ""  # worker or person
    passed: float = 0.0  # what Kafka had by then counts no more: a person let it through, seconds


_decode = msgspec.json.Decoder(Pause).decode
_encode = msgspec.json.encode


class SourceStore:
    """One hash, one hash tag."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def states(self) -> dict[str, Pause]:
        """The state of every source that ever was paused.

        Raises:
            Misconfigured: a state is damaged.
        """
        held = await self._client.hgetall(SOURCES)
        try:
            return {name.decode(): _decode(value) for name, value in held.items()}
        except msgspec.MsgspecError as error:
            raise Misconfigured(
                f"the states of the sources in Redis ({SOURCES}) are damaged: {error}; delete what is wrong there"
            ) from error

    async def paused(self) -> dict[str, str]:
        """The sources that are paused, and why."""
        return {source: pause.why for source, pause in (await self.states()).items() if pause.paused}

    async def write(self, source: str, pause: Pause) -> None:
        """Replace the state of a source."""
        await self._client.hset(SOURCES, source, _encode(pause))


async def with_sources(url: str, question: Callable[[SourceStore], Awaitable[Answer]]) -> Answer:
    """Ask or tell the store at a URL.

    Raises:
        Misconfigured: Redis does not answer.
    """
    client = connect(url, retrying=False)
    try:
        with answering():
            return await question(SourceStore(client))
    finally:
        await client.aclose()
