"""What a file of events holds: which calls there are, from where, and what stands in each of their fields.

Bounded, whatever the file: so many calls, fields of each, and different values of a field; what is beyond is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.money import CURRENCIES
from profiles.times import parse_time

__all__ = ["CALLS", "FIELDS", "VALUES", "Call", "Field", "Seen", "observe"]

CALLS = 200
FIELDS = 100  # of a call
INNER = 30  # of an object in it
DEEPEST = 3  # objects and lists in one another
VALUES = 16  # different ones of a field
_ITEMS = 20  # of a list that are looked at
_LONGEST = 60  # characters of a value that may be one of a few
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")  # RFC 3339
_CODES = frozenset(CURRENCIES)


@dataclass(slots=True)
class Field:
    """The values of one field, nulls apart."""

    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # boolean, integer, number, string, array, object
    looks: Counter[str] = field(default_factory=Counter)  # of strings: email, date-time, currency, number
    values: Counter[str | int] = field(default_factory=Counter)  # short ones, up to VALUES different ones
    many: bool = False  # there are more, or long ones
    inner: dict[str, Field] = field(default_factory=dict)  # of objects
    item: Field | None = None  # of arrays

    def all_of(self, *kinds: str) -> bool:
        """Whether every value is of one of these kinds."""
        return 0 < self.count == sum(self.kinds[kind] for kind in kinds)

    def all_look(self, look: str) -> bool:
        """Whether every value is a string that looks so."""
        return self.all_of("string") and self.looks[look] == self.count

    def note(self, value: Any, depth: int = 0) -> None:
        """Take in a value that is not null."""
        self.count += 1
        kind = _kind(value)
        self.kinds[kind] += 1
        if kind == "object" and depth < DEEPEST:
            _note_all(self.inner, value, INNER, depth + 1)
        elif kind == "array":
            for one in value[:_ITEMS] if depth < DEEPEST else ():
                if one is not None:
                    self.item = self.item or Field()
                    self.item.note(one, depth + 1)
        elif kind == "string":
            self._note_text(value)
        elif kind == "integer":
            self._note_value(value)

    def _note_text(self, text: str) -> None:
        if _EMAIL.fullmatch(text):
            self.looks["email"] += 1
        elif _MOMENT.fullmatch(text) and _is_time(text):
            self.looks["date-time"] += 1
        elif text.upper() in _CODES:
            self.looks["currency"] += 1
        elif re.fullmatch(r"-?\d+(\.\d+)?", text):
            self.looks["number"] += 1
        self._note_value(text)

    def _note_value(self, value: str | int) -> None:
        new = value not in self.values
        if new and (len(str(value)) > _LONGEST or len(self.values) == VALUES):
            self.many = True
        else:
            self.values[value] += 1


@dataclass(slots=True)
class Call:
    """All events of a type and name."""

    type: str
    name: str  # "" of identify, group, alias, and of pages and screens
    count: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    fields: dict[str, Field] = field(default_factory=dict)  # of properties; of traits of identify and group calls
    left_out: int = 0  # fields beyond FIELDS


@dataclass(slots=True)
class Seen:
    """What a file of events holds."""

    count: int = 0
    calls: dict[tuple[str, str], Call] = field(default_factory=dict)
    left_out: int = 0  # events of calls beyond CALLS
    sources: Counter[str] = field(default_factory=Counter)
    browsers: Counter[str] = field(default_factory=Counter)  # by source: events as SDKs of pages and apps send them
    who: dict[str, Field] = field(default_factory=dict)  # userId, anonymousId, context.device.id…
    regions: Counter[str] = field(default_factory=Counter)  # of locales

    def named(self, path: str) -> Field:
        """What stands in a field that says who somebody is; empty if it is nowhere."""
        return self.who.get(path, Field())

    def currency(self) -> str:
        """The one that most amounts are in; "" if none says."""
        said: Counter[str] = Counter()
        for call in self.calls.values():
            for code, count in call.fields.get("currency", Field()).values.items():
                said[str(code).strip().upper()] += count
        return next((code for code, _ in said.most_common() if code in _CODES), "")


def observe(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Seen:
    """Go through events.

    Args:
        events: (source, event as a sender writes it); type is one of the six calls.
    """
    seen = Seen()
    for source, event in events:
        _take(seen, source, event)
    return seen


def _take(seen: Seen, source: str, event: Mapping[str, Any]) -> None:
    seen.count += 1
    type_ = event["type"]
    name = event.get("event") if type_ == "track" else ""
    key = (type_, name if isinstance(name, str) else "")
    context = event.get("context")
    context = context if isinstance(context, Mapping) else {}
    seen.sources[source] += 1
    if event.get("anonymousId") or context.get("userAgent") or context.get("page"):
        seen.browsers[source] += 1
    _who(seen, event, context)
    if type_ == "track" and (not key[1].strip() or key[1] == "*"):
        return
    if key not in seen.calls and len(seen.calls) >= CALLS:
        seen.left_out += 1
        return
    call = seen.calls.setdefault(key, Call(*key))
    call.count += 1
    call.sources[source] += 1
    carried = event.get("traits" if type_ in ("identify", "group") else "properties")
    if isinstance(carried, Mapping):
        call.left_out += _note_all(call.fields, carried, FIELDS, 0)


def _who(seen: Seen, event: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    device, traits = context.get("device"), context.get("traits")
    said = {
        "userId": event.get("userId"),
        "anonymousId": event.get("anonymousId"),
        "previousId": event.get("previousId"),
        "groupId": event.get("groupId"),
        "context.groupId": context.get("groupId"),
        "context.device.id": device.get("id") if isinstance(device, Mapping) else None,
        "context.traits.email": traits.get("email") if isinstance(traits, Mapping) else None,
        "context.traits.phone": traits.get("phone") if isinstance(traits, Mapping) else None,
    }
    for path, value in said.items():
        if value not in (None, "") and not isinstance(value, dict | list):
            seen.who.setdefault(path, Field()).note(value)
    locale = context.get("locale")
    if isinstance(locale, str) and (found := re.fullmatch(r"[A-Za-z]{2,3}[-_]([A-Za-z]{2})", locale)):
        seen.regions[found[1].upper()] += 1


def _note_all(fields: dict[str, Field], carried: Mapping[str, Any], most: int, depth: int) -> int:
    """Take in the values of an object; how many fields there was no room for."""
    left_out = 0
    for name, value in carried.items():
        if value is None:
            continue
        if name not in fields and len(fields) >= most:
            left_out += 1
        else:
            fields.setdefault(name, Field()).note(value, depth)
    return left_out


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except (ValueError, OverflowError):
        return False
    return True
