"""Kept checkpoints of what is learned, to which one can go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from models.codec import State, decode, encode

__all__ = ["KEPT", "History", "Kept"]

KEPT = 20
"""Checkpoints that are kept."""

_LEAST = 500  # examples between two of them; later a fiftieth of all that were learned


class Kept(msgspec.Struct, frozen=True):
    """One kept checkpoint."""

    version: int
    at: float  # event time of the newest label learned
    examples: int  # short labels the hazard has learned
    why: str  # count, champion
    champion: str
    sound: bool  # no worse, as far as was known, than the one before that the guard compared with
    norms: dict[str, float]
    figures: dict[str, Any]  # quality of every model then, by horizon
    state: msgspec.Raw  # `guard.Restorable`
    horizon: float  # churn horizon that the models of whole labels are about


class History(State):
    """The latest kept checkpoints, the oldest first. `parts` has the checkpoints."""

    versions: int  # given so far
    due_at: int  # examples at which the next is due

    def __post_init__(self) -> None:
        self.kept: list[Kept] = []
        self._encoded: dict[int, bytes] = {}  # by version

    @classmethod
    def new(cls) -> History:
        """Before the first checkpoint."""
        return cls(0, _LEAST)

    def due(self, examples: int) -> bool:
        """Whether it is time to keep one."""
        return examples >= self.due_at

    def keep(self, kept: Kept, watched: int) -> None:
        """Keep one, and let go of the oldest, unless it is the one that the guard watches with."""
        self.kept = [*self.kept, kept]
        if len(self.kept) > KEPT:
            del self.kept[self.kept[0].version == watched]
        self.versions = kept.version
        self.went_back(kept.examples)

    def went_back(self, examples: int) -> None:
        """What was learned is now that of so many examples."""
        self.due_at = examples + max(_LEAST, examples // 50)

    def find(self, version: int) -> Kept | None:
        """A kept checkpoint."""
        return next((kept for kept in self.kept if kept.version == version), None)

    def parts(self) -> dict[str, bytes]:
        """Every checkpoint by its version, as JSON. None ever changes."""
        before = self._encoded
        self._encoded = {kept.version: before.get(kept.version) or encode(kept) for kept in self.kept}
        return {str(version): part for version, part in self._encoded.items()}

    def restore(self, parts: Mapping[str, bytes]) -> None:
        """Take back the checkpoints that `parts` gave.

        Raises:
            Misconfigured: they are not whole.
        """
        kept = [decode(part, Kept, "the history of the models") for part in parts.values()]
        self.kept = sorted(kept, key=lambda one: one.version)
