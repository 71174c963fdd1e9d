"""Time in what people and other systems write: read in every form that leaves no doubt, written in one.

What is read: RFC 3339 and ISO 8601 (also its basic form, 24:00 and a leap second), epochs by their size, RFC 2822, and
what JavaScript, Go, Ruby, Java, .NET, Swift and MongoDB write of themselves. What is not: a day and a month in figures
whose order is anybody's guess, years of two figures, zones by letters that several have.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

__all__ = ["EARLIEST", "parse_time", "rfc3339", "to_microsecond"]

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""Seconds. A time before it is of a clock that was never set, unless the plan says otherwise."""

_LONGEST = 100  # characters of a time; a longer text is none
_FIRST = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


@lru_cache(maxsize=1000)  # a batch tells one time again and again
def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC: `rfc3339(0.5) == "1970-01-01T00:00:00.500000Z"`.

    Always six decimals: as exact as the archive's columns and the times that senders give, so that who reads a time
    back has the same one, and times sort as their text does.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def to_microsecond(seconds: float) -> float:
    """The time that who reads `rfc3339(seconds)` has."""
    return round(seconds, 6)


def parse_time(value: object, zone: tzinfo = UTC) -> float:
    """Seconds since the epoch of a time in any form that leaves no doubt.

    A number, also as text, is an epoch: seconds, from 1e11 on milliseconds, from 1e14 microseconds, from 1e17
    nanoseconds, so that each of them begins in 1973.

    Args:
        value: as a sender wrote it.
        zone: of a time that names none.

    Raises:
        ValueError: it is no time, leaves doubt, or is not in the years 1 to 9999.
    """
    if type(value) is str:
        time = _read(value, zone)
    elif type(value) is int or type(value) is float:
        time = _epoch(value)
    elif type(value) is dict and value.keys() == {"$date"} and type(value["$date"]) is not dict:  # MongoDB's
        time = parse_time(value["$date"], zone)
    else:
        raise ValueError("not a time")
    if not _FIRST <= time <= _LAST:
        raise ValueError("not in the years 1 to 9999")
    return time


def _epoch(number: float) -> float:
    size = abs(number)
    if size < 1e11:
        return float(number)
    if size < 1e14:
        return number / 1e3
    if size < 1e17:
        return number / 1e6
    return number / 1e9 if size < 1e20 else _LAST + 1


def _read(text: str, zone: tzinfo) -> float:
    text = text.strip()
    if text[4:5] == "-" or text[8:9] == "T":  # as nearly all are: the standard library is ten times as fast as we are
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    if len(text) > _LONGEST:
        raise ValueError("not a time")
    return _other(" ".join(text.strip("\"'").split()), zone)


def _other(text: str, zone: tzinfo) -> float:
    """A time that is not written as a standard says, or not as ours does."""
    if text.isdecimal() and text.isascii():
        return _digits(text, zone)
    if (found := _DECIMAL.fullmatch(text)) and len(found[1]) in _EPOCHS:
        return _epoch(float(text))
    if _JAVA.fullmatch(text):
        return _epoch(float(text))
    if found := _DOT_NET.fullmatch(text):
        return float(found[1]) / 1000
    text = _COLON_BEFORE_ZONE.sub("", _MONOTONIC_CLOCK.sub("", text))
    for form in _FORMS:
        if found := form.fullmatch(text):
            try:
                return _moment(found, zone).timestamp()
            except OverflowError:  # midnight at the end of the year 9999, or a leap second
                raise ValueError("not in the years 1 to 9999") from None
    raise ValueError("not a time in a form that is known and leaves no doubt")


def _digits(text: str, zone: tzinfo) -> float:
    """An epoch, or a date and time in figures alone; their lengths tell them apart."""
    if len(text) in _EPOCHS:
        return _epoch(int(text))
    if len(text) == _DATE:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=zone).timestamp()
    if len(text) in (_DATE_AND_TIME, _DATE_AND_TIME + 3):  # with milliseconds
        moment = datetime.strptime(text[:_DATE_AND_TIME], "%Y%m%d%H%M%S").replace(tzinfo=zone)
        return moment.timestamp() + int(text[_DATE_AND_TIME:] or 0) / 1000
    raise ValueError("figures that may be several times, or none")


def _moment(found: re.Match[str], zone: tzinfo) -> datetime:
    part = found.groupdict()
    month = part["month"] if part["month"].isdigit() else _MONTHS[part["month"][:3].lower()]
    hour, second = int(part["hour"] or 0), int(part["second"] or 0)
    if half := part["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("hours from 1 to 12 have a half of the day")
        hour = hour % 12 + (12 if half in "pP" else 0)
    after = timedelta()
    if hour == 24 and not int(part["minute"]) and not second:  # midnight at the end of a day (ISO 8601)
        hour, after = 0, timedelta(days=1)
    elif second == 60:  # a leap second, which the epoch does not count
        second, after = 59, timedelta(seconds=1)
    micros = int(((part["fraction"] or "") + "000000")[:6])
    date = datetime(int(part["year"]), int(month), int(part["day"]), tzinfo=_zone(part, zone))
    return date.replace(hour=hour, minute=int(part["minute"] or 0), second=second, microsecond=micros) + after


def _zone(part: dict[str, str | None], zone: tzinfo) -> tzinfo:
    """The offset, which says all; else a name that means only one thing."""
    if offset := part["offset"]:
        sign, figures = (-1 if offset[0] == "-" else 1), offset[1:].replace(":", "")
        if part["named"] == "Z" and figures.strip("0"):
            raise ValueError("two zones")
        return timezone(sign * timedelta(hours=int(figures[:2]), minutes=int(figures[2:] or 0)))
    if part["utc"]:
        return UTC
    if part["named"]:
        raise ValueError("a zone without its offset from UTC")
    return zone


_DECIMAL = re.compile(r"([0-9]{1,19})\.[0-9]{1,20}")
_JAVA = re.compile(r"[0-9]\.[0-9]{1,18}E(?:9|12|15|18)")  # an epoch as a Java double; a spreadsheet's E+12 is rounded
_EPOCHS = frozenset({9, 10, 12, 13, 15, 16, 18, 19})  # figures of an epoch from 1973 on, in each of its units
_DATE = 8
_DATE_AND_TIME = 14
_DOT_NET = re.compile(r"/Date\((-?[0-9]{1,16})(?:[+-][0-9]{4})?\)/")  # milliseconds; the offset is only told
_MONOTONIC_CLOCK = re.compile(r" m=[+-][0-9.]{1,30}$")  # Go's
_COLON_BEFORE_ZONE = re.compile(r"(?<=[0-9]):(?=(?:Z|[+-][0-9]{2}:?[0-9]{2})$)")  # a Swift SDK's: 16:00:27.029:Z
_MONTHS = {
    name: str(number)
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}  # fmt: skip
_MONTH = (
    r"(?P<month>(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))\.?"
)
_WEEKDAY = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? )"
_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,12}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_PLACE = (  # UTC, GMT+0100, +01:00, "+0100 CET", "+01:00[Europe/Paris]", "GMT+0100 (Central European Standard Time)"
    r" ?(?P<utc>UTC|GMT|UT|[Zz])? ?(?P<offset>[+-][0-9]{2}(?::?[0-9]{2})?)?"
    r" ?(?P<named>UTC|GMT|Z|[A-Z]{2,5}|[+-][0-9]{2}(?:[0-9]{2})?|\([^()0-9@]*\)|\[[A-Za-z0-9_/+-]+\])?"
)
_FORMS = [
    re.compile(form)
    for form in (
        # 2026-11-16 10:00:00 +0100, 2026/11/16 10:00, 2026-11-16T10:00:00+01:00[Europe/Paris]
        rf"(?P<year>[0-9]{{4}})(?P<mark>[-/.])(?P<month>[0-9]{{1,2}})(?P=mark)(?P<day>[0-9]{{1,2}})"
        rf"(?:(?:[Tt]|,? ){_CLOCK}{_PLACE})?",
        # Mon, 16 Nov 2026 10:00:00 GMT, 16-Nov-2026 10:00, 16/Nov/2026:10:00:00 +0000
        rf"{_WEEKDAY}?(?P<day>[0-9]{{1,2}})[ /-]{_MONTH}[ /-](?P<year>[0-9]{{4}})(?:(?:,? |:){_CLOCK}{_PLACE})?",
        # Mon Nov 16 2026 10:00:00 GMT+0100 (Central European Standard Time), November 16th, 2026, 10:00 AM
        rf"{_WEEKDAY}?{_MONTH} (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<year>[0-9]{{4}})"
        rf"(?:(?:,| at)? {_CLOCK}{_PLACE})?",
        # Mon Nov 16 10:00:00 UTC 2026
        rf"{_WEEKDAY}{_MONTH} (?P<day>[0-9]{{1,2}}) {_CLOCK}{_PLACE} (?P<year>[0-9]{{4}})",
    )
]
