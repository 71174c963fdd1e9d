"""The learner's store in Redis: what it has learned, the panel that scorers load, and the offset learned up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from profiles.store import Output
from profiles.stores.keys import LEARNER, LEARNER_STATE
from profiles.stores.redis import Group, Unit

__all__ = ["LearnerState", "LearnerStore"]


@dataclass(frozen=True, slots=True)
class LearnerState:
    """Where the learner is."""

    version: int
    applied: int  # offset of the last training record taken; -1 for none
    panel: bytes | None  # JSON of the models that score; None before the first commit
    parts: Mapping[str, bytes] = field(default_factory=dict)  # JSON of what was learned; see models.learning.checkpoint


class LearnerStore(Unit):
    """One writer, the learner; every worker reads the panel, and the console all of it."""

    async def position(self) -> tuple[int, int]:
        """Version and applied offset."""
        version, applied = await self._client.hmget(LEARNER.meta, ["version", "applied"])
        return int(version or 0), int(-1 if applied is None else applied)

    async def load(self) -> LearnerState:
        """All of it. Its writer reads this once, when it starts; then it knows."""
        while True:
            version, applied = await self.position()
            parts = await self._client.hgetall(LEARNER_STATE)
            panel = await self.panel()
            if (version, applied) == await self.position():  # else somebody has committed in between
                return LearnerState(version, applied, panel, {name.decode(): part for name, part in parts.items()})

    async def panel(self) -> bytes | None:
        """The models that score, as JSON; None before the learner's first commit."""
        answer: bytes | None = await self._client.hget(LEARNER.meta, "panel")
        return answer

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Some parts of what was learned; those that are missing are left out."""
        found = await self._client.hmget(LEARNER_STATE, list(names))
        return {name: part for name, part in zip(names, found, strict=True) if part is not None}

    async def part_names(self) -> list[str]:
        """Of every part."""
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
        """Write offset, panel and the parts that have changed together; answer the new version.

        Args:
            version: that the writer stands on.
            applied: offset of the last training record taken.
            panel: the models that score, as JSON.
            changed: parts that are new or other than in the store.
            gone: names of parts that are no more.
            outputs: for the outbox.
            produced: outbox entries up to this version have been produced and may go.

        Raises:
            Fenced: another learner has committed since `version`.
        """
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
        """What was committed but perhaps not produced."""
        return await self._outbox(LEARNER)

    async def clear_outbox(self, up_to: int) -> None:
        """Forget outbox entries up to a version."""
        await self._clear_outbox(LEARNER, up_to)
