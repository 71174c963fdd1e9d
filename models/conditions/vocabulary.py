"""The names that a plan's conditions may use, and what to say of one that is not among them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Vocabulary", "suggest"]

_LONGEST = 100  # characters of a name that is compared with others


@dataclass(frozen=True)
class Vocabulary:
    """What the plan around a condition declares."""

    roles: Collection[str]
    traits: Mapping[str, Sequence[Any]]  # the values that a trait may have; empty: any
    identities: Collection[str]
    segments: Sequence[str]
    earlier: Sequence[str]  # of the segments, those that the condition may use: listed before its rule
    properties: Mapping[str, Collection[str]] = field(default_factory=dict)  # role → those of its events
    churns: Collection[str] = ()  # further definitions of churn
    dates: Collection[str] | None = None  # of the traits, those that may be dates; None: that is not known


def suggest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the known names if they are few, or nothing."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7) if len(name) <= _LONGEST else []
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there are {', '.join(names)}" if 0 < len(names) <= 8 else ""
