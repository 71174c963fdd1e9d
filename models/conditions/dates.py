"""A date against now, or against a fixed one, as the conditions of a plan compare them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from math import inf
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from models.conditions.spec import Spec
from models.conditions.words import ENGLISH, Say
from models.durations import Duration, Moment, format_duration, parse_duration
from profiles.times import parse_time

__all__ = ["Date", "Dated", "date_of", "require_date"]

_KEYS = ("within", "beyond", "passed", "lately", "before", "after")
_ON_ONE_LINE = re.compile(rf"({'|'.join(_KEYS)})\s+(\S+)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NOTHING = re.compile(r"0\s*[smhdw]?")


def _ago(value: Any) -> Any:
    """A duration that may be 0."""
    return 0.0 if _NOTHING.fullmatch(str(value)) else parse_duration(value)


def _moment(value: Any) -> Any:
    """A day alone is its first moment, UTC; YAML makes a date of what looks like one."""
    text = value.isoformat() if hasattr(value, "isoformat") else value
    return f"{text}T00:00:00Z" if isinstance(text, str) and _DAY.fullmatch(text) else text


Ago = Annotated[float, BeforeValidator(_ago), PlainSerializer(format_duration, return_type=str, when_used="json")]
Day = Annotated[Moment, BeforeValidator(_moment)]


class Dated(Spec):
    """A date against now; several keys together make a range. Each answer begins and ends at its very moment."""

    within: Duration | None = Field(default=None, description="It lies ahead, by this at most.")
    beyond: Duration | None = Field(default=None, description="It lies ahead, by more than this.")
    passed: Ago | None = Field(default=None, description="It is past, for this long at least; 0d: it is past.")
    lately: Duration | None = Field(default=None, description="It is past, for less than this.")
    before: Day | None = Field(default=None, description="It is before this day, or time.")
    after: Day | None = Field(default=None, description="It is this day or time, or a later one.")

    @property
    def dates(self) -> bool:
        """Whether any of the keys is given."""
        return any(getattr(self, key) is not None for key in _KEYS)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """See that some date satisfies every key. Seconds from now: above `least`, up to `most`."""
        least = max(
            0.0 if self.within is not None else -inf,
            self.beyond if self.beyond is not None else -inf,
            -self.lately if self.lately is not None else -inf,
        )
        most = min(
            self.within if self.within is not None else inf,
            -self.passed if self.passed is not None else inf,
            0.0 if self.lately is not None else inf,
        )
        if least >= most or (self.before is not None and self.after is not None and self.after >= self.before):
            raise ValueError(f"no date is {Dated.in_words(self)}")
        return self

    def test(self) -> Callable[[float, float], bool]:
        """(date, now) → whether the date satisfies every key.

        Compared as points in time, the same sums as `lengths` leads to: no rounding between the two.
        """
        within, beyond, passed, lately = self.within, self.beyond, self.passed, self.lately
        before, after = self.before, self.after

        def holds(date: float, now: float) -> bool:
            return (
                (within is None or date - within <= now < date)
                and (beyond is None or now < date - beyond)
                and (passed is None or now >= date + passed)
                and (lately is None or date <= now < date + lately)
                and (before is None or date < before)
                and (after is None or date >= after)
            )

        return holds

    def lengths(self) -> list[float]:
        """How long after the date time alone turns the answer, seconds; below 0 for before it."""
        found = {-length for length in (self.within, self.beyond) if length is not None}
        found |= {length for length in (self.passed, self.lately) if length is not None}
        return sorted(found | ({0.0} if self.within is not None or self.lately is not None else set()))

    def in_words(self, say: Say = ENGLISH) -> str:
        """`in 30 days at most`."""
        said: list[str] = []
        for words, length in (("within %(span)s", self.within), ("in more than %(span)s", self.beyond)):
            said += [] if length is None else [say(words, span=say.duration(length))]
        if self.passed is not None:
            ago = say("%(span)s ago or more", span=say.duration(self.passed)) if self.passed else say("past")
            said.append(ago)
        said += [] if self.lately is None else [say("less than %(span)s ago", span=say.duration(self.lately))]
        for words, moment in (("before %(date)s", self.before), ("not before %(date)s", self.after)):
            said += [] if moment is None else [say(words, date=_written(moment))]
        return say.all_of(said)


def _written(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")


def _as_date(value: Any) -> Any:
    """A comparison on one line as a mapping; what is no text stays as it is."""
    if not isinstance(value, str):
        return value
    found = _ON_ONE_LINE.fullmatch(value.strip())
    if found is None:
        raise ValueError(
            f"{value!r} says nothing of a date; write such as 'within 30d', 'passed 10d', 'before 2027-01-01'"
        )
    return {found[1]: found[2]}


def require_date(value: Dated) -> Dated:
    """The comparison, which must have a key.

    Raises:
        ValueError: it has none.
    """
    if not value.dates:
        raise ValueError(f"say when: {', '.join(_KEYS)}")
    return value


Date = Annotated[Dated, BeforeValidator(_as_date)]
"""A comparison of a date on one line, `within 30d`; or a mapping for a range."""


def date_of(value: Any) -> float | None:
    """A trait as a point in time; None if it is none. A day is its first moment, UTC."""
    return _read(value) if type(value) in (str, int, float) else None


@lru_cache(maxsize=4096)  # a date is asked for with every change of who has it
def _read(value: str | float) -> float | None:
    try:
        return parse_time(value)
    except ValueError:
        return None
