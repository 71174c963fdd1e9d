"""The clock in Redis: its state, how far ingest has come, the loads of history, and what came late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from profiles.clock import LOADS_KEPT, ClockState, ClockStore, Head, Late, Load
from profiles.errors import Misconfigured
from profiles.store import new_nonce
from profiles.stores.connection import Client, connect
from profiles.stores.keys import CLOCK, CLOCK_HEADS, CLOCK_LATE, CLOCK_LOADS
from profiles.stores.reading.together import Together
from profiles.stores.trouble import answering
from profiles.stores.unit import RedisUnit, lua

__all__ = ["RedisClockStore", "with_clock"]

Answer = TypeVar("Answer")

_pack = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(Head).decode
_decode_late = msgspec.msgpack.Decoder(Late).decode
# Not strict, because JSON has no infinity: it stands there as a text.
_decode_state = msgspec.json.Decoder(ClockState, strict=False).decode
_decode_load = msgspec.json.Decoder(Load, strict=False).decode


class RedisClockStore(RedisUnit):
    """`profiles.clock.ClockStore` on Redis, under one hash tag."""

    def __init__(self, client: Client, together: Together | None = None) -> None:
        super().__init__(client)
        self._together = together or Together(client)
        self._report_script = client.register_script(lua("clock_report"))
        self._load_script = client.register_script(lua("clock_load"))
        self._late_script = client.register_script(lua("clock_late"))

    async def state(self) -> ClockState:
        version, nonce, held = await self._together.ask("HMGET", CLOCK.meta, "version", "nonce", "state")
        try:
            state = ClockState() if held is None else _decode_state(held)
            return msgspec.structs.replace(state, version=int(version or 0), nonce=(nonce or b"").decode())
        except (msgspec.MsgspecError, ValueError) as error:
            raise Misconfigured(
                f"the clock in Redis ({CLOCK.meta}) is damaged: {error}; mend its field `state`, or delete that, and "
                "the clock begins anew"
            ) from error

    async def commit(self, state: ClockState) -> ClockState:
        following = msgspec.structs.replace(state, version=state.version + 1, nonce=new_nonce())
        await self._commit(
            CLOCK,
            version=state.version,
            applied=None,
            watermark=None,
            produced=0,
            outputs=[],
            groups=[("HSET", CLOCK.meta, ["state", _json(following)])],
            nonce=state.nonce,
            own_nonce=following.nonce,
        )
        return following

    async def heads(self) -> dict[str, Head]:
        held = await self._client.hgetall(CLOCK_HEADS)
        return {place.decode(): _decode_head(head) for place, head in held.items()}

    async def report(self, heads: Mapping[str, Head]) -> None:
        if heads:
            args = [value for place, head in heads.items() for value in (place, head.done, _pack(head))]
            await self._report_script(keys=[CLOCK_HEADS], args=args)

    async def loads(self) -> dict[str, Load]:
        held = await self._client.hgetall(CLOCK_LOADS)
        try:
            return {id_.decode(): _decode_load(load) for id_, load in held.items()}
        except msgspec.MsgspecError as error:
            raise Misconfigured(
                f"the loads in Redis ({CLOCK_LOADS}) are damaged: {error}; delete what is wrong there"
            ) from error

    async def write_load(self, load: Load) -> None:
        await self._load_script(keys=[CLOCK_LOADS], args=[load.id, _json(load), LOADS_KEPT])

    async def late(self) -> dict[str, Late]:
        held = await self._client.hgetall(CLOCK_LATE)
        return {source.decode(): _decode_late(late) for source, late in held.items()}

    async def note_late(self, source: str, times: Iterable[float], now: float) -> None:
        if came := list(times):
            await self._late_script(keys=[CLOCK_LATE], args=[source, len(came), repr(float(min(came))), repr(now)])


async def with_clock(url: str, question: Callable[[ClockStore], Awaitable[Answer]]) -> Answer:
    """Ask or tell the clock of the store at a URL.

    Raises:
        Misconfigured: Redis does not answer.
    """
    client = connect(url, retrying=False)
    try:
        with answering():
            return await question(RedisClockStore(client))
    finally:
        await client.aclose()


def _json(value: msgspec.Struct) -> bytes:
    fields: dict[str, Any] = msgspec.to_builtins(value)
    return msgspec.json.encode(
        {name: "inf" if field == float("inf") else field for name, field in fields.items()},
    )
