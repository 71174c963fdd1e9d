"""The learner's store in Redis: its checkpoint, the champion that scorers load, and the offset learned up to."""

from __future__ import annotations

from dataclasses import dataclass

from profiles.store import Output
from profiles.stores.keys import LEARNER
from profiles.stores.redis import Unit

__all__ = ["LearnerState", "LearnerStore"]


@dataclass(frozen=True, slots=True)
class LearnerState:
    """Where the learner is."""

    version: int
    applied: int  # offset of the last example learned; -1 for none
    checkpoint: bytes | None  # JSON; see models.checkpoint
    champion: bytes | None  # JSON of the panel that scores


class LearnerStore(Unit):
    """One writer, the learner; every worker reads the champion."""

    async def load(self) -> LearnerState:
        """All of it, in one round trip."""
        version, applied, checkpoint, champion = await self._client.hmget(
            LEARNER.meta, ["version", "applied", "checkpoint", "champion"]
        )
        return LearnerState(int(version or 0), int(-1 if applied is None else applied), checkpoint, champion)

    async def champion(self) -> bytes | None:
        """The panel that scores, as JSON; None before the learner's first commit."""
        answer: bytes | None = await self._client.hget(LEARNER.meta, "champion")
        return answer

    async def commit(self, state: LearnerState, outputs: list[Output], produced: int) -> int:
        """Write checkpoint, champion and offset together; answer the new version.

        Raises:
            Fenced: another learner has committed since `state.version`.
        """
        return await self._commit(
            LEARNER,
            version=state.version,
            applied=state.applied,
            watermark=None,
            produced=produced,
            outputs=outputs,
            groups=[("HSET", LEARNER.meta, ["checkpoint", state.checkpoint, "champion", state.champion])],
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        """What was committed but perhaps not produced."""
        return await self._outbox(LEARNER)

    async def clear_outbox(self, up_to: int) -> None:
        """Forget outbox entries up to a version."""
        await self._clear_outbox(LEARNER, up_to)
