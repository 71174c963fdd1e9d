"""Times on the command line: `2h`, `3d`, `2026-01-31`, `2026-01-31T09:30:00Z`."""

from __future__ import annotations

import re
import time
from typing import Annotated

import typer

from profiles.times import parse_time

__all__ = ["Since", "Until", "moment"]

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


Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: 2h, 3d (ago), 2026-01-31, an RFC 3339 time."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then, written in the same way.")]
