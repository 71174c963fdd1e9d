"""Values and durations in plain words. Each condition says its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["duration_in_words", "either", "value_in_words"]

_UNITS = ((7 * 86400.0, "week"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def duration_in_words(seconds: float) -> str:
    """`duration_in_words(56 * 86400.0) == "8 weeks"`."""
    for size, unit in _UNITS:
        count = seconds / size
        if count >= 1 and count == int(count):
            return f"{count:g} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"


def either(values: str | Sequence[Any]) -> str:
    """`either(["a", "b"]) == "a or b"`; a text is said as it is."""
    return values if isinstance(values, str) else " or ".join(map(value_in_words, values))


def value_in_words(value: Any) -> str:
    """A value of a plan: `yes`, `2.5`, `NL`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
