"""Audiences as a table: which segments other tools may read as files, and what of each member."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.conditions.rules import Name
from models.conditions.spec import Spec
from models.durations import DAY, Duration

__all__ = ["AudiencesSpec", "Leaves"]

Leaves = Literal["plain", "sha256"]
"""How a value leaves: as profiles hold it, or as the SHA-256 of its one spelling, in hexadecimal."""


class AudiencesSpec(Spec):
    """Segments that are written as tables, for whoever reads files."""

    segments: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    identities: dict[str, Leaves] = Field({}, max_length=20)  # which types of a member's identities are told, and how
    traits: dict[str, Leaves] = Field({}, max_length=50)  # which traits may leave, and how
    every: Annotated[Duration, Field(ge=10, le=7 * DAY)] = 900.0  # seconds between two looks
    keep: Annotated[Duration, Field(ge=3600, le=366 * DAY)] = 7 * DAY  # seconds for which changes can be read

    def in_words(self) -> str:
        """What of each member leaves, and how: "`user_id`, `email` as SHA-256, trait `plan`"."""
        told = [("", name, how) for name, how in self.identities.items()]
        told += [("trait ", name, how) for name, how in self.traits.items()]
        words = [f"{kind}`{name}`{' as SHA-256' if how == 'sha256' else ''}" for kind, name, how in told]
        return ", ".join(["profile id, since when", *words])
