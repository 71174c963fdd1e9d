"""Times on the command line: `2h`, `3d`, `2026-01-31`, `2026-01-31T09:30:00Z`."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from profiles.times import parse_time

__all__ = ["Since", "Until", "ahead", "moment"]

_AGO = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str | None) -> float | None:
    """Seconds since the epoch.

    Raises:
        typer.BadParameter: it is no time.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        return parse_time(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; write 2h, 3d, 2026-01-31 or 2026-01-31T09:30:00Z") from None


def ahead(text: str) -> float:
    """Seconds since the epoch of a time to come, where `4h` is from now on.

    Raises:
        typer.BadParameter: it is no time, or has passed.
    """
    now = time.time()
    if span := _AGO.fullmatch(text.strip()):
        return now + int(span[1]) * _SECONDS[span[2]]
    if (at := moment(text)) is None or at <= now:
        raise typer.BadParameter(f"{text!r} has passed; write 4h, 3d (from now), a day or a time to come")
    return at


Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 2h, 3d (ago), 2026-01-31, an RFC 3339 time."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then, written in the same way.")]
