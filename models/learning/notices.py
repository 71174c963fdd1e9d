"""What the learner tells people: drift, a roll-back, another champion, a new beginning; what became of decisions."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["Decided", "Notice"]


class Notice(msgspec.Struct, frozen=True):
    """News for the operators."""

    id: str  # the same in every replay
    kind: Literal["drift", "rollback", "champion", "anew"]
    at: float  # event time; of a new beginning, when the learner began
    text: str
    evidence: dict[str, Any] = {}
    by: str = ""  # the person who decided so


class Decided(msgspec.Struct, frozen=True):
    """What became of a person's decision."""

    id: str
    action: str
    target: str
    time: float
    by: str
    done: bool
    text: str  # what was done, or why not
