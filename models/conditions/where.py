"""`where`: narrows the events of a role, by what they carry, by the client that sent them, by weekday or hour.

A profile cannot look back at events, so it keeps a tally for each way in which its plan narrows a role: as exact as
that of the role itself, from the time on at which the plan first had it.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field

from models.conditions.client import DEVICES, browser_of, country_of, device_of, os_of, plain
from models.conditions.comparisons import Comparison, require_threshold
from models.conditions.spec import Spec
from models.conditions.vocabulary import Vocabulary, suggest
from models.conditions.words import ENGLISH, Say
from profiles.ledger.entries import TIMED
from profiles.types import Event

__all__ = [
    "MOST_NARROWINGS", "WORDS", "Narrowed", "Part", "Where", "in_words", "is_narrowed", "meets", "narrowing",
    "planned_words", "role_in",
]  # fmt: skip

MOST_NARROWINGS = 100
"""In how many ways a plan may narrow roles: a profile keeps a tally for each that ever held of one of its events."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MARK = "?"  # between the role and what stands for the narrowing; in no role's name
_PATH = re.compile(r"[^.\[\]]+(\[\])?(\.[^.\[\]]+(\[\])?)*")

Words = Mapping[str, Any]
_OF_CLIENT: dict[str, Callable[[Words], str]] = {
    "device": device_of,
    "browser": browser_of,
    "os": os_of,
    "country": country_of,
}
WORDS = frozenset({*_OF_CLIENT, "campaign", "source", "weekday", "hour", "timezone"})
"""What a `where` may name besides properties."""

_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


def planned_words(names: Iterable[str]) -> list[str]:
    """Those of the properties that `where` would not take for properties."""
    return sorted(WORDS.intersection(names))


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return require_threshold(Comparison.model_validate(value))
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(one, str | int | float | bool) for one in several):
        raise ValueError("give a value, a list of values, or a comparison such as {above: 100}")
    return value


def _weekday(days: list[Any]) -> None:
    if wrong := [day for day in days if _day(day) is None]:
        raise ValueError(f"{wrong[0]!r} is no weekday; write such as monday, or [sat, sun]")


def _hour(hours: list[Any]) -> None:
    if not isinstance(hours[0], Comparison) and not all(type(hour) is int and 0 <= hour < 24 for hour in hours):
        raise ValueError("an hour is 0 to 23, or a comparison such as {at_least: 18}")


def _timezone(zones: list[Any]) -> None:
    if len(zones) > 1 or zones[0] not in _zones():
        raise ValueError(f"{zones[0]!r} is no time zone such as Europe/Amsterdam")


def _device(kinds: list[Any]) -> None:
    if wrong := [kind for kind in kinds if kind not in DEVICES]:
        raise ValueError(f"{wrong[0]!r} is no kind of device; there are {', '.join(DEVICES)}")


_CHECKS = {"weekday": _weekday, "hour": _hour, "timezone": _timezone, "device": _device}


def _sensible(where: dict[str, Any]) -> dict[str, Any]:
    for name, value in where.items():
        values = _listed(value)
        if name in _CHECKS:
            _CHECKS[name](values)
        elif name in WORDS:
            if not all(isinstance(one, str) for one in values):
                raise ValueError(f"{name} is text, or a list of texts")
        elif not _PATH.fullmatch(name):
            raise ValueError(f"{name!r} is no path such as category, products[].category or context.page.path")
    if "timezone" in where and not {"weekday", "hour"} & where.keys():
        raise ValueError("timezone goes with weekday or hour")
    return where


Where = Annotated[
    dict[str, Annotated[Any, BeforeValidator(_value)]],
    Field(min_length=1, max_length=8),
    AfterValidator(_sensible),
]
"""Property, path or word → the value that it must have, one of several, or a comparison."""


class Narrowed(Spec):
    """What conditions have in common that may narrow the events they look at."""

    where: Where | None = None

    def key_of(self, role: str) -> str:
        """The name of the tally that they look at: the role's, or that of its narrowed events."""
        return role if self.where is None else narrowing(role, self.where)

    def narrowed_of(self, role: str) -> Sequence[tuple[str, Where]]:
        """The role and how it is narrowed, if it is."""
        return () if self.where is None else ((role, self.where),)

    def role_in_words(self, role: str, say: Say = ENGLISH) -> str:
        """`view where category is shoes`."""
        if self.where is None:
            return say.name(role)
        return say("%(role)s where %(which)s", role=say.name(role), which=in_words(self.where, say))

    def where_problems(self, role: str, known: Vocabulary) -> Iterator[str]:
        """What is wrong with it in this plan."""
        planned = known.properties.get(role)
        for path in self.where or {}:
            name = path.removeprefix("properties.").partition(".")[0].removesuffix("[]")
            if path not in WORDS and not path.startswith("context.") and planned is not None and name not in planned:
                yield f"no event with the role '{role}' has a property '{name}'{suggest(name, planned)}"


def narrowing(role: str, where: Where) -> str:
    """The name of the tally of a role's narrowed events: the same whenever they are narrowed alike."""
    mark = TIMED if {"weekday", "hour"} & where.keys() else _MARK
    held = json.dumps({name: _canonical(name, value) for name, value in where.items()}, sort_keys=True)
    return f"{role}{mark}{urlsafe_b64encode(blake2b(held.encode(), digest_size=6).digest()).decode()}"


def is_narrowed(key: str) -> bool:
    """Whether the name of a tally is that of narrowed events."""
    return _MARK in key


def role_in(key: str) -> str:
    """The role in the name of a tally."""
    return key.partition(_MARK)[0]


class Part(NamedTuple):
    """A part of a role's events that the plan names: those of one event, as far as they meet a `where`."""

    role: str
    key: str  # the name of its tally; that of other events may be the same
    event: str  # as it is named; `*` for any
    where: Where


def meets(narrowed: Iterable[tuple[str, Where]], named: Iterable[Part] = ()) -> dict[str, Callable[[Event], list[str]]]:
    """By role, a function from an event to the names of the tallies of narrowed events that it belongs to."""
    by_role: dict[str, dict[str, list[Test]]] = {}
    asked: dict[str, set[bytes]] = {}
    for role, where in narrowed:
        by_role.setdefault(role, {})[narrowing(role, where)] = [_test(where)]
        asked.setdefault(role, set()).add(_property(where))
    for role, key, event, where in named:
        by_role.setdefault(role, {}).setdefault(key, []).append(_of_event(event, _test(where)))
        asked.setdefault(role, set()).add(_property(where))
    return {
        role: _meets({key: _any(tests) for key, tests in several.items()}, tuple(asked[role]))
        for role, several in by_role.items()
    }


def _property(where: Where) -> bytes:
    """The name of a property that what meets it must have, as it is in the bytes of an event; b"" for none."""
    for path in where:
        if path not in WORDS and not path.startswith("context."):
            return path.removeprefix("properties.").partition(".")[0].removesuffix("[]").encode()
    return b""


Test = Callable[[Event, Words, Words], bool]
"""(event, its properties, its context) → whether it is among the narrowed."""


def _of_event(name: str, test: Test) -> Test:
    if name == "*":
        return test
    return lambda event, properties, context: event.name == name and test(event, properties, context)


def _any(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda event, properties, context: any(test(event, properties, context) for test in tests)


def _meets(tests: Mapping[str, Test], asked: Sequence[bytes]) -> Callable[[Event], list[str]]:
    def met(event: Event) -> list[str]:
        sent: Any = event.properties
        if type(sent) is msgspec.Raw:  # a look at the bytes takes a tenth of reading them
            packed = bytes(sent)
            if not any(name in packed for name in asked):
                return []
        properties, context = _dict(sent), _dict(event.context)
        return [key for key, test in tests.items() if test(event, properties, context)]

    return met


def _dict(sent: Any) -> Words:
    """An object of an event; where profiles are changed it is still as it was sent (`streams.records.happened`)."""
    if type(sent) is dict:
        return sent
    try:
        return _decode(sent)
    except msgspec.DecodeError:
        return {}


def _test(where: Where) -> Test:
    zone = where.get("timezone")
    tests = [_test_one(name, value, zone) for name, value in where.items() if name != "timezone"]
    return lambda event, properties, context: all(test(event, properties, context) for test in tests)


def _test_one(name: str, value: Any, zone: str | None) -> Test:
    if name == "weekday":
        days = {_day(day) for day in _listed(value)}
        return lambda event, properties, context: _local(event.time, zone, context).weekday() in days
    if name == "hour":
        fits = value.includes if isinstance(value, Comparison) else set(_listed(value)).__contains__
        return lambda event, properties, context: fits(_local(event.time, zone, context).hour)
    if name == "source":
        sources = set(_listed(value))
        return lambda event, properties, context: event.source in sources
    if name == "campaign":
        named = {plain(one) for one in _listed(value)}
        return lambda event, properties, context: any(
            type(one) is str and plain(one) in named for one in _at(context, ("campaign", "name"))
        )
    if (read := _OF_CLIENT.get(name)) is not None:
        wanted = {plain(one) for one in _listed(value)}
        return lambda event, properties, context: read(context) in wanted
    fits = _fits(value)
    if name.startswith("context."):
        path = tuple(name.split(".")[1:])
        return lambda event, properties, context: any(map(fits, _at(context, path)))
    path = tuple(name.removeprefix("properties.").split("."))
    return lambda event, properties, context: any(map(fits, _at(properties, path)))


def _fits(value: Any) -> Callable[[Any], bool]:
    """A test of one value that an event carries. True is not 1, and text is no number."""
    if isinstance(value, Comparison):
        return lambda held: type(held) in (int, float) and value.includes(held)
    wanted = {(isinstance(one, bool), one) for one in _listed(value)}
    return lambda held: type(held) in (str, int, float, bool) and (type(held) is bool, held) in wanted


def _at(node: Any, path: Sequence[str]) -> Iterator[Any]:
    """The values at a path, those in lists one by one."""
    if type(node) is list:
        for inner in node:
            yield from _at(inner, path)
    elif not path:
        yield node
    elif type(node) is dict and (inner := node.get(path[0].removesuffix("[]"))) is not None:
        yield from _at(inner, path[1:])


def _local(time: float, zone: str | None, context: Words) -> datetime:
    """When it was, by the clocks of the zone that is named, else of the sender's, else UTC."""
    return datetime.fromtimestamp(time, UTC if (named := zone or context.get("timezone")) is None else _zone(named))


def _zone(name: Any) -> tzinfo:
    return _known_zone(name) if type(name) is str and name in _zones() else UTC


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1000)
def _known_zone(name: str) -> tzinfo:
    return ZoneInfo(name)


def _day(text: Any) -> int | None:
    """The number of a weekday, Monday's is 0; None for what is none. `sat` is one."""
    word = text.strip().lower() if isinstance(text, str) else ""
    return next((number for number, day in enumerate(_DAYS) if len(word) >= 3 and day.startswith(word)), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _canonical(name: str, value: Any) -> Any:
    if isinstance(value, Comparison):
        return value.model_dump(exclude_none=True)
    if name == "timezone":
        return value
    spell: Callable[[Any], Any] = (
        _day if name == "weekday" else plain if name in _OF_CLIENT or name == "campaign" else lambda one: one
    )
    spelt = [spell(one) for one in _listed(value)]
    return sorted({json.dumps(one): one for one in spelt}.values(), key=json.dumps)


def in_words(where: Where, say: Say = ENGLISH) -> str:
    """`category is shoes and price above 100`."""
    zone = f" ({where['timezone']})" if "timezone" in where else ""
    told = [
        f"{say.name(name)} {value.in_words(say)}"
        if isinstance(value, Comparison)
        else say("%(what)s is %(value)s", what=say.name(name), value=say.either(_listed(value)))
        for name, value in where.items()
        if name != "timezone"
    ]
    return say.all_of(told) + zone
