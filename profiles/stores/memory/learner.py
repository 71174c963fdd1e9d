"""The learner's store in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiles.store import Output
from profiles.stores.memory.unit import MemoryUnit
from profiles.units import LearnerPosition, LearnerState

__all__ = ["MemoryLearnerStore"]


class MemoryLearnerStore(MemoryUnit):
    """Offset, panel and the parts of what was learned."""

    def __init__(self) -> None:
        super().__init__("the learner")
        self._applied = -1
        self._panel: bytes | None = None
        self._parts: dict[str, bytes] = {}

    async def position(self) -> LearnerPosition:
        return LearnerPosition(self._version, self._applied, self._nonce)

    async def load(self) -> LearnerState:
        return LearnerState(self._version, self._applied, self._panel, dict(self._parts), self._nonce)

    async def panel(self) -> bytes | None:
        return self._panel

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        return {name: self._parts[name] for name in names if name in self._parts}

    async def part_names(self) -> list[str]:
        return sorted(self._parts)

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
        following = self._advance(version, outputs, produced, nonce, own_nonce)
        self._applied, self._panel = applied, panel
        for name in gone:
            self._parts.pop(name, None)
        self._parts |= changed
        return following
