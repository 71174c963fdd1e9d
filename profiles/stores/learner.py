"""The learner's store in Redis: what it has learned, the panel that scorers load, and the offset learned up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiles.store import Output
from profiles.stores.indexes import Group
from profiles.stores.keys import LEARNER, LEARNER_STATE
from profiles.stores.unit import RedisUnit
from profiles.units import LearnerState

__all__ = ["RedisLearnerStore"]


class RedisLearnerStore(RedisUnit):
    """`profiles.units.LearnerStore` on Redis."""

    async def position(self) -> tuple[int, int]:
        version, applied = await self._client.hmget(LEARNER.meta, ["version", "applied"])
        return int(version or 0), int(-1 if applied is None else applied)

    async def load(self) -> LearnerState:
        while True:
            version, applied = await self.position()
            parts = await self._client.hgetall(LEARNER_STATE)
            panel = await self.panel()
            if (version, applied) == await self.position():  # else somebody has committed in between
                return LearnerState(version, applied, panel, {name.decode(): part for name, part in parts.items()})

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
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        return await self._outbox(LEARNER)

    async def clear_outbox(self, up_to: int) -> None:
        await self._clear_outbox(LEARNER, up_to)
