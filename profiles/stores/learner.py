"""The learner's store in Redis: what it has learned, the panel that scorers load, and the offset learned up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiles.store import Output
from profiles.stores.connection import Client
from profiles.stores.indexes import Group
from profiles.stores.keys import LEARNER, LEARNER_STATE
from profiles.stores.reading.together import Together
from profiles.stores.unit import RedisUnit
from profiles.units import LearnerPosition, LearnerState

__all__ = ["RedisLearnerStore"]


class RedisLearnerStore(RedisUnit):
    """`profiles.units.LearnerStore` on Redis."""

    def __init__(self, client: Client, together: Together | None = None) -> None:
        super().__init__(client)
        self._together = together or Together(client)

    async def position(self) -> LearnerPosition:
        version, applied, nonce = await self._together.ask("HMGET", LEARNER.meta, "version", "applied", "nonce")
        return LearnerPosition(int(version or 0), int(-1 if applied is None else applied), (nonce or b"").decode())

    async def load(self) -> LearnerState:
        while True:
            at = await self.position()
            parts = await self._client.hgetall(LEARNER_STATE)
            panel = await self.panel()
            if at == await self.position():  # else somebody has committed in between
                named = {name.decode(): part for name, part in parts.items()}
                return LearnerState(at.version, at.applied, panel, named, at.nonce)

    async def panel(self) -> bytes | None:
        answer: bytes | None = await self._client.hget(LEARNER.meta, "panel")
        return answer

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        found = await self._client.hmget(LEARNER_STATE, list(names))
        return {name: part for name, part in zip(names, found, strict=True) if part is not None}

    async def part_names(self) -> list[str]:
        return sorted(name.decode() for name in await self._client.hkeys(LEARNER_STATE))

    async def commit(
        self,
        version: int,
        applied: int,
        panel: bytes,
        changed: Mapping[str, bytes],
        gone: Sequence[str],
        outputs: list[Output],
        produced: int,
        *,
        nonce: str | None = None,
        own_nonce: str = "",
    ) -> int:
        groups: list[Group] = [
            ("HSET", LEARNER.meta, ["panel", panel]),
            ("HDEL", LEARNER_STATE, list(gone)),
            ("HSET", LEARNER_STATE, [value for item in changed.items() for value in item]),
        ]
        return await self._commit(
            LEARNER,
            version=version,
            applied=applied,
            watermark=None,
            produced=produced,
            outputs=outputs,
            groups=[group for group in groups if group[2]],
            nonce=nonce,
            own_nonce=own_nonce,
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        return await self._outbox(LEARNER)

    async def clear_outbox(self, up_to: int) -> None:
        await self._clear_outbox(LEARNER, up_to)
