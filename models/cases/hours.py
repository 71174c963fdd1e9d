"""Hours of a day in a time zone, as a plan writes them: when nobody is to be disturbed, and when a digest goes out."""

from __future__ import annotations

from datetime import datetime, timedelta
from datetime import time as clock_time
from functools import lru_cache
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from models.conditions.spec import Spec
from models.conditions.words import ENGLISH, Say

__all__ = ["Hour", "Quiet", "Zone", "day_of", "next_at", "quiet_until"]

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DAYS: tuple[str, ...] = get_args(Day)

Hour = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of the day, as 08:30."""


@lru_cache(maxsize=100)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _known(name: str) -> str:
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):  # a folder of zones among them
        raise ValueError(f"'{name}' is no time zone such as Europe/Amsterdam") from None
    return name


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known)]
"""An IANA time zone."""


class Quiet(Spec):
    """When nobody is to be disturbed: each night between two hours, and all of some days. Critical alerts pass."""

    from_: Hour | None = Field(default=None, alias="from")
    to: Hour | None = None
    days: tuple[Day, ...] = ()  # all day long
    then: Literal["wait", "digest"] = "wait"  # what came meanwhile is told one by one at its end, or together

    @model_validator(mode="after")
    def _ends(self) -> Quiet:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("says only one end of the night: give `from` and `to`")
        if self.from_ is None and not self.days:
            raise ValueError("says neither hours (`from`, `to`) nor `days`")
        if self.from_ is not None and self.from_ == self.to:
            raise ValueError("`from` and `to` are the same")
        if len(set(self.days)) == len(_DAYS):
            raise ValueError("all seven days are quiet, so nothing would ever be told; leave the sink out")
        return self

    def in_words(self, say: Say = ENGLISH) -> str:
        """When, and what comes of it."""
        hours = [say("%(time)s to %(end)s", time=self.from_, end=self.to or "")] if self.from_ else []
        when = say.all_of([*hours, *map(say.name, self.days)])
        if self.then == "digest":
            return say("quiet %(when)s, then in one digest", when=when)
        return say("quiet %(when)s, then one by one", when=when)


def quiet_until(quiet: Quiet, zone: str, now: float) -> float | None:
    """When the quiet time ends in which `now` is, seconds since the epoch; None if it is in none."""
    if not _is_quiet(quiet, zone, now):
        return None
    hours = ["00:00", *([quiet.to] if quiet.to else [])]
    ends = sorted(_at(zone, now, days, hour) for days in range(9) for hour in hours)
    return next(end for end in ends if end > now and not _is_quiet(quiet, zone, end))


def next_at(hour: str, zone: str, now: float) -> float:
    """When it is this hour next in a zone, later than `now`; seconds since the epoch."""
    return next(at for days in range(3) if (at := _at(zone, now, days, hour)) > now)


def day_of(zone: str, now: float) -> str:
    """The day in a zone, as 2026-11-30."""
    return datetime.fromtimestamp(now, _zone(zone)).date().isoformat()


def _is_quiet(quiet: Quiet, zone: str, now: float) -> bool:
    local = datetime.fromtimestamp(now, _zone(zone))
    if _DAYS[local.weekday()] in quiet.days:
        return True
    if quiet.from_ is None or quiet.to is None:
        return False
    hour = f"{local:%H:%M}"
    if quiet.from_ < quiet.to:
        return quiet.from_ <= hour < quiet.to
    return hour >= quiet.from_ or hour < quiet.to


def _at(zone: str, now: float, days: int, hour: str) -> float:
    """When it is this hour, so many days after that of `now`."""
    day = datetime.fromtimestamp(now, _zone(zone)).date() + timedelta(days=days)
    return datetime.combine(day, clock_time.fromisoformat(hour), _zone(zone)).timestamp()
