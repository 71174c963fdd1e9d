"""What a customer's timeline tells of an event's properties: the few that the plan shows, short and as they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from plan.facts import Get, currency_path, getter
from plan.model import EventSpec, Property
from plan.schema import MAX_AMOUNT
from profiles.identity.spelling import PII
from profiles.money import CURRENCIES, to_minor

__all__ = ["LONGEST", "Shown", "compile_shown", "described"]

LONGEST = 60
"""Characters of a text that is kept; so an entry of a timeline grows by about a kilobyte at most."""

_ITEMS = 8  # of a list that are looked at
_EXACT = 1 << 53


class Shown(NamedTuple):
    """What the plan says of a property that is shown."""

    description: str
    type: str
    unit: str | None
    pii: PII  # of the property, or of what it is in


def compile_shown(spec: EventSpec, currency: str) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    """A function from properties to what is shown of them, by path; None where the plan shows nothing.

    A value is a text, a number, true or false, or of money [minor units, currency]; of a list, the first few different
    ones as one text. What is absent or not of its type is left out.

    Args:
        spec: the planned event.
        currency: the plan's, of money beside which none is named.
    """
    readers = [(path, _reader(path, spec.properties, currency)) for path in spec.show]
    if not readers:
        return None

    def shown(properties: dict[str, Any]) -> dict[str, Any]:
        return {path: value for path, read in readers if (value := read(properties)) is not None}

    return shown


def described(spec: EventSpec) -> dict[str, Shown]:
    """What the plan says of each property that is shown, by path."""
    found: dict[str, Shown] = {}
    for path in spec.show:
        *around, prop = _along(path, spec.properties)
        pii: PII = next((each.pii for each in (prop, *reversed(around)) if each.pii != "none"), "none")
        found[path] = Shown(prop.description, prop.type, prop.unit, pii)
    return found


def _along(path: str, properties: Mapping[str, Property]) -> list[Property]:
    """The properties on the way to the one at a path, that one last."""
    found: list[Property] = []
    for part in path.split("."):
        found.append(properties[part.removesuffix("[]")])
        if part.endswith("[]") and (items := found[-1].items) is not None:
            found.append(items)
        properties = found[-1].properties or {}
    return found


def _reader(path: str, properties: Mapping[str, Property], currency: str) -> Get:
    prop = _along(path, properties)[-1]
    before, listed, after = path.partition("[]")
    if listed:
        return _of_list(getter(before), getter(after[1:]) if after else None)
    get = getter(path)
    if prop.type == "id":
        return lambda properties: None if (value := _value(get(properties))) is None else str(value)
    if prop.type != "money":
        return lambda properties: _value(get(properties))
    currency_of = getter(currency_path(path, properties))

    def money(properties: dict[str, Any]) -> list[Any] | None:
        amount, code = get(properties), currency_of(properties)
        code = currency if code is None else code.strip().upper() if type(code) is str else ""
        if type(amount) not in (int, float) or code not in CURRENCIES or not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
            return None
        return [to_minor(amount, code), code]

    return money


def _of_list(array: Get, value: Get | None) -> Get:
    def first(properties: dict[str, Any]) -> str | None:
        items = array(properties)
        if type(items) is not list:
            return None
        found: dict[str, None] = {}  # a set that keeps their order
        for item in items[:_ITEMS]:
            told = _value(item if value is None else value(item) if type(item) is dict else None)
            if told is not None:
                found[str(told)] = None
        more = [f"+{len(items) - _ITEMS}"] if len(items) > _ITEMS else []
        return _cut(", ".join([*found, *more])) if found else None

    return first


def _value(value: Any) -> str | int | float | bool | None:
    """What is kept of a value; None for what is none, or no number that everybody reads alike."""
    if type(value) is str:
        return _cut(text) if (text := value[: 4 * LONGEST].strip()) else None
    if type(value) is bool:
        return value
    if type(value) in (int, float):
        return value if -_EXACT <= value <= _EXACT else None
    return None


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
