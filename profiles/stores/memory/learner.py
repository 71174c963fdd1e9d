"""The learner's store in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiles.store import Output
from profiles.stores.learner import LearnerState
from profiles.stores.memory.unit import MemoryUnit

__all__ = ["MemoryLearnerStore"]


class MemoryLearnerStore(MemoryUnit):
    """Offset, panel and the parts of what was learned."""

    def __init__(self) -> None:
        super().__init__("the learner")
        self._applied = -1
        self._panel: bytes | None = None
        self._parts: dict[str, bytes] = {}

    async def position(self) -> tuple[int, int]:
        """Version and applied offset."""
        return self._version, self._applied

    async def load(self) -> LearnerState:
        """All of it."""
        return LearnerState(self._version, self._applied, self._panel, dict(self._parts))

    async def panel(self) -> bytes | None:
        """The models that score, as JSON; None before the learner's first commit."""
        return self._panel

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Some parts of what was learned; those that are missing are left out."""
        return {name: self._parts[name] for name in names if name in self._parts}

    async def part_names(self) -> list[str]:
        """The names of all parts, ascending."""
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
    ) -> int:
        """Write offset, panel and the parts that have changed together; answer the new version.

        Raises:
            Fenced: another learner has committed since `version`.
        """
        following = self._advance(version, outputs, produced)
        self._applied, self._panel = applied, panel
        for name in gone:
            self._parts.pop(name, None)
        self._parts |= changed
        return following
