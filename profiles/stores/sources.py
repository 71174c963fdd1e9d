"""Which sources are paused, in Redis: all workers agree, and a restart keeps it; and what came in of each minute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from profiles.errors import Misconfigured
from profiles.stores.connection import Client, connect
from profiles.stores.keys import ASIDE, LAG, SOURCES, minute_key
from profiles.stores.trouble import answering
from profiles.units import LAG_IS_OLD, MINUTES_KEPT, Aside, Lag, Pause, SourceStore

__all__ = ["RedisSourceStore", "resumed", "summed", "waiting", "with_sources"]

Answer = TypeVar("Answer")


_decode = msgspec.json.Decoder(Pause).decode
_decode_asides = msgspec.json.Decoder(list[Aside]).decode
_decode_lag = msgspec.json.Decoder(Lag).decode
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

    async def resume(self, source: str, now: float, by: str) -> Pause | None:
        pause = (await self.states()).get(source)
        if pause is None or not pause.paused:
            return None
        await self.write(source, resumed(pause, now, by))
        return pause

    async def put_aside(self, worker: str, senders: Sequence[Aside], now: float) -> None:
        told = await self._client.hgetall(ASIDE)
        if over := [name for name, value in told.items() if not summed(_decode_asides(value), now)]:
            await self._client.hdel(ASIDE, *over)  # of workers that have left
        await self._client.hset(ASIDE, worker, _encode(senders))

    async def asides(self, now: float) -> list[Aside]:
        told = await self._client.hgetall(ASIDE)
        return summed((aside for value in told.values() for aside in _decode_asides(value)), now)

    async def count(self, minute: int, counts: Mapping[str, int]) -> None:
        if not counts:
            return
        key = minute_key(minute)
        async with self._client.pipeline() as pipe:
            for what, number in counts.items():
                pipe.hincrby(key, what, number)
            pipe.expire(key, MINUTES_KEPT * 60)
            await pipe.execute()

    async def counts(self, minutes: Sequence[int]) -> list[dict[str, int]]:
        async with self._client.pipeline() as pipe:
            for minute in minutes:
                pipe.hgetall(minute_key(minute))
            held = await pipe.execute()
        return [{what.decode(): int(number) for what, number in one.items()} for one in held]

    async def tell_lag(self, worker: str, lag: Mapping[str, int], now: float) -> None:
        told = await self._client.hgetall(LAG)
        if old := [name for name, value in told.items() if now - _decode_lag(value).at > LAG_IS_OLD]:
            await self._client.hdel(LAG, *old)
        await self._client.hset(LAG, worker, _encode(Lag(at=now, waiting=dict(lag))))

    async def lags(self, now: float) -> dict[str, int]:
        return waiting([_decode_lag(value) for value in (await self._client.hgetall(LAG)).values()], now)


def resumed(pause: Pause, now: float, by: str) -> Pause:
    """The state of a source that somebody takes again: what Kafka has by now goes through."""
    return msgspec.structs.replace(pause, paused=False, since=now, by=by, passed=now, tries=0)


def waiting(lags: Iterable[Lag], now: float) -> dict[str, int]:
    """How many records wait by topic, by what workers have told lately."""
    found: dict[str, int] = {}
    for lag in lags:
        if now - lag.at <= LAG_IS_OLD:
            for topic, records in lag.waiting.items():
                found[topic] = found.get(topic, 0) + records
    return found


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
