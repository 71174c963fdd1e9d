"""Durations and scaling as a plan writes them, in seconds."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

__all__ = ["DAY", "WEEK", "Duration", "Moment", "format_duration", "parse_duration", "parse_moment"]

DAY = 86400.0
WEEK = 7 * DAY

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY, "w": WEEK}
_FIRST, _END = -62135596800.0, 253402300800.0  # the years 1 to 9999
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def parse_duration(value: Any) -> float:
    """Seconds of a duration such as `90d`, `26w`, `12h`, `30m` or `15s`; a number is taken as seconds.

    Raises:
        ValueError: it is none of these, or not above zero.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = _seconds(value)
    else:
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"{value!r} is no duration; write a number and s, m, h, d or w, such as 90d or 12h")
        seconds = float(found[1]) * _UNITS[found[2]]
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{value!r} is no duration; it must be above zero")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest way to write a duration."""
    for unit in ("w", "d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[
    float, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str, when_used="json")
]
"""Seconds, written as `90d`, `26w`, `12h`, `30m` or `15s`."""


def parse_moment(value: Any) -> float:
    """Seconds since the epoch of an RFC 3339 time such as `2026-11-02T10:00:00Z`.

    Raises:
        ValueError: it is none, names no zone, or is not of the years 1 to 9999: no other can be written.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = _seconds(value)
    else:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValueError(f"{value!r} is no time; write such as 2026-11-02T10:00:00Z") from None
        if moment.tzinfo is None:
            raise ValueError(f"{value!r} names no zone; write such as 2026-11-02T10:00:00Z")
        seconds = moment.timestamp()
    if not _FIRST <= seconds < _END:
        raise ValueError(f"{value!r} is no time of the years 1 to 9999")
    return seconds


def _seconds(number: float) -> float:
    """A number; one that is too large for one is endless."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[float, BeforeValidator(parse_moment), PlainSerializer(_rfc3339, return_type=str, when_used="json")]
"""Seconds since the epoch, written as `2026-11-02T10:00:00Z`."""
