"""Times as the cells of a table have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from profiles.errors import WrongUse
from profiles.times import parse_time

__all__ = ["iso_time"]

_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001  (as of Excel, whose 1900 had a 29th of February; a zone is added)
_LAST_DAY = 2_958_466
_FAR = 253_402_300_800.0  # seconds, the year 10000
_FIGURES = re.compile(r"(\d{1,2})([./-])(\d{1,2})(?:\2(\d{2}|\d{4})\b(.*))?")
_SERIAL = re.compile(r"[1-9]\d{4}(\.\d+)?")


def iso_time(time_format: str, timezone: str) -> Callable[[str], str]:
    """A function from a time as written to RFC 3339 in UTC; it raises ValueError.

    Raises:
        WrongUse: there is no such time zone.
    """
    try:
        zone: tzinfo = UTC if timezone.upper() in {"UTC", "Z"} else ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongUse(f"there is no time zone {timezone!r}; write such as Europe/Berlin") from error

    @lru_cache(maxsize=65_536)  # dates repeat, and strptime is slow
    def read(text: str) -> str:
        return datetime.fromtimestamp(_seconds(text, time_format, zone), UTC).isoformat().replace("+00:00", "Z")

    return read


def _seconds(text: str, time_format: str, zone: tzinfo) -> float:
    if time_format == "iso":
        try:
            return parse_time(text, zone)
        except ValueError as error:
            raise ValueError(f"{error}{_hint(text)}") from error
    if time_format in {"epoch", "epoch_ms"}:
        seconds = float(text) / (1000 if time_format == "epoch_ms" else 1)
        if not 0 <= seconds < _FAR:
            raise ValueError(
                "in this unit it is no year from 1970 to 9999; without --time-format its size tells the unit"
            )
        return seconds
    if time_format == "excel":
        days = float(text)
        if not 1 <= days < _LAST_DAY:
            raise ValueError("no number of a day in a spreadsheet")
        moment = _DAY_0 + timedelta(milliseconds=round(days * 86_400_000))
    else:
        moment = datetime.strptime(text, time_format)  # noqa: DTZ007  (a zone is added below)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _hint(text: str) -> str:
    """What to do about a time that leaves doubt."""
    if found := _FIGURES.match(text):
        first, mark, second = int(found[1]), found[2], int(found[3])
        year = "%Y" if found[4] is None or len(found[4]) == 4 else "%y"
        forms = [f"%d{mark}%m{mark}{year}"] if second <= 12 else []
        forms += [f"%m{mark}%d{mark}{year}"] if first <= 12 else []
        said = " or ".join(f"--time-format '{form}{' ...' if found[5] else ''}'" for form in forms)
        return f"; say which is the month: {said}" if said else ""
    if _SERIAL.fullmatch(text):
        return "; the day of a spreadsheet? Then say --time-format excel"
    return ""
