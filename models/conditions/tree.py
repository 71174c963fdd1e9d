"""A condition as a plan writes it: a small tree of the kinds in `models.conditions.kinds`, read as a sentence in YAML.

`all`, `any` and `not` join others; every other key names one thing about a profile. Who is inside a segment leaves it
only when a measured value has passed its threshold by the margin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag

from models.conditions.kind import Kind
from models.conditions.kinds import KINDS
from models.conditions.where import Where

__all__ = [
    "BY_KEY", "DEEPEST", "MOST", "Condition", "depth", "leaves", "measures_of", "narrowed_in", "segments_of", "windows",
]  # fmt: skip

DEEPEST = 20
"""How deep conditions may be nested: Python, into which they are compiled, has a limit."""

MOST = 500
"""Statements that one condition may join: all of a plan's rules become one function, which every change of a profile
runs."""

BY_KEY: dict[str, type[Kind]] = {kind.key: kind for kind in KINDS}
"""The kinds of conditions, by the key that tells them."""


def _key(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [key for key in BY_KEY if key in value]
        return found[0] if len(found) == 1 else None
    return value.key if isinstance(value, Kind) else None


if TYPE_CHECKING:
    Condition = Kind
    """A statement about a profile at a time."""
else:
    Condition = Annotated[
        reduce(or_, (Annotated[kind, Tag(key)] for key, kind in BY_KEY.items())),
        Discriminator(
            _key,
            custom_error_type="condition",
            custom_error_message=f"a condition is a mapping with exactly one of: {', '.join(BY_KEY)}",
        ),
    ]
    for _kind in KINDS:  # those that join others name `Condition`, which was not known yet
        _kind.model_rebuild(_types_namespace={"Condition": Condition})


def leaves(condition: Kind) -> Iterator[Kind]:
    """Every statement of a condition that joins no others, left to right."""
    parts = condition.parts()
    if not parts:
        yield condition
    for part in parts:
        yield from leaves(part)


def depth(condition: Kind) -> int:
    """How deep a condition is nested; 1 for one that joins no others."""
    return 1 + max(map(depth, condition.parts()), default=0)


def measures_of(*conditions: Kind) -> tuple[frozenset[str], bool]:
    """The measures whose quantiles conditions ask for, and whether they ask for clusters."""
    found = _leaves(conditions)
    return frozenset(name for leaf in found for name in leaf.measures()), any(leaf.clusters() for leaf in found)


def segments_of(*conditions: Kind) -> list[str]:
    """The segments that conditions ask for."""
    return [name for leaf in _leaves(conditions) for name in leaf.segments()]


def windows(conditions: Iterable[Kind]) -> dict[str, int]:
    """By role, or part of one, how many of the latest times a profile must keep for what is counted within a window."""
    most: dict[str, int] = {}
    for leaf in _leaves(conditions):
        for role, times in leaf.windows().items():
            most[role] = max(most.get(role, 1), times)
    return most


def narrowed_in(conditions: Iterable[Kind]) -> list[tuple[str, Where]]:
    """The roles that conditions narrow, and how."""
    return [each for leaf in _leaves(conditions) for each in leaf.narrowed()]


def _leaves(conditions: Iterable[Kind]) -> list[Kind]:
    return [leaf for condition in conditions for leaf in leaves(condition)]
