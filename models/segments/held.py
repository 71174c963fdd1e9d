"""Held rules: segments and alerts that stay as they are while workers have different plans.

Two workers that decide differently, and whose partitions move, would send a customer to and fro. So nobody enters or
leaves a held segment, and no alert of a held rule opens or ends. Whatever a held segment decides is held as well
(`plan.agreement`), so that leaving out what was found of them is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

__all__ = ["Held", "Holding", "as_held", "hold_nothing"]


class Held(NamedTuple):
    """Names of the rules that are held, those of the other plans included."""

    segments: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()


Holding = Callable[[], Held]
"""Answers what is held at the moment."""

_NOTHING = Held()


def hold_nothing() -> Held:
    """All plans agree, as they do nearly always."""
    return _NOTHING


def as_held(found: set[str], current: Collection[str], held: frozenset[str]) -> set[str]:
    """The segments of a customer: those found, but of the held ones those they are in."""
    return (found - held) | held.intersection(current)
