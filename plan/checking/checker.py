"""Checking one object of an event, and doing what the plan says about what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import jsonschema_rs

from plan.checking.reading import reader_of
from plan.checking.violations import Path, Violation, dotted, violations_of
from plan.model import Enforce, Extra, Property
from plan.schema import json_schema, property_schema
from profiles.identity.extract import IdentityRule

__all__ = ["Checker", "Outcome", "identifying"]

_ITEMS = 20  # wrong ones of an event that are told of one by one, whatever they are
_OBJECTS = 500  # the same of objects that have some keys
_KEYS = 2
_OF_TEXT = ("pattern", "format", "minLength", "maxLength")


class Outcome(NamedTuple):
    """What enforcing a rule gives: what goes on, what was wrong, and whether the event goes on at all."""

    properties: dict[str, Any]
    violations: list[Violation]
    accepted: bool


class Checker:
    """Checks and enforces one object of an event: its properties or its traits.

    Args:
        where: how paths begin, `properties` or `traits`.
        properties: what is planned.
        enforce: what a violation does: the event is rejected, goes on flagged, or loses the offending values.
        extra: what properties that are not planned do.
        currency: of the plan; what an amount's sign means if it is of several.
        loses: properties that an event may lose if they cannot be read, also where violations reject it; so are all
            of type money.
        instead: properties of which the first present counts: an event has what is required if it has one of them.
    """

    __slots__ = (
        "_instead", "_is_valid", "_lists", "_loses", "_reader", "enforce", "extra", "properties", "schema",
        "validator", "where",
    )  # fmt: skip

    def __init__(
        self,
        where: str,
        properties: Mapping[str, Property],
        enforce: Enforce,
        extra: Extra = "allow",
        currency: str = "",
        loses: Collection[str] = (),
        instead: Collection[str] = (),
    ) -> None:
        self.where = where
        self._reader = reader_of(properties, currency)
        self._loses = frozenset(loses)
        self._instead = frozenset(instead)
        self.properties = properties
        self.enforce: Enforce = enforce
        self.extra: Extra = extra
        self.schema = json_schema(properties, extra)
        self.validator = _validator(self.schema)
        self._lists = _Lists(properties, extra)
        self._is_valid = self.validator.is_valid

    def check(self, value: Any) -> list[Violation]:
        """Every violation of what was sent, as it is; quick (no list is built) when there is none."""
        return [] if self._is_valid(value) else [v for _, v in self._errors(value)]

    def enforce_on(self, value: Any) -> Outcome:
        """Read what can be read, check, and do what the plan says about what is wrong. The argument is not changed."""
        if self._is_valid(value):
            return Outcome(value, [], True)
        value = self._read(value)
        errors = self._errors(value)
        violations = [violation for _, violation in errors]
        wrong = [(path, violation) for path, violation in errors if violation.kind != "extra"]
        # What is not planned may be in a list that was not gone through: it must not get in that way.
        unseen = {"extra", "items"} if self.extra != "allow" else {"extra"}
        extras = [path for path, violation in errors if violation.kind in unseen]
        if not isinstance(value, dict):
            return Outcome({}, violations, self.enforce != "reject")
        refused = self.enforce == "reject" and not all(
            self._may_lose(value, path, violation) for path, violation in wrong
        )
        if refused or (extras and self.extra == "reject"):
            return Outcome(value, violations, False)
        kept = value
        if extras and self.extra == "drop":
            kept = _without(kept, extras)
        if wrong and self.enforce != "flag":
            kept = self._repaired(kept)
        return Outcome(kept, violations, True)

    def _read(self, value: Any) -> Any:
        return value if self._reader is None else self._reader.read(value)

    def _may_lose(self, value: dict[str, Any], path: Path, violation: Violation) -> bool:
        """Whether what is wrong is an amount, a currency, a count or an item of a list that cannot be read."""
        name = str(path[0]) if len(path) == 1 else ""
        if name and value.get(name) is None:  # it is required
            return name in self._instead and any(value.get(other) is not None for other in self._instead)
        if violation.kind not in ("type", "enum"):
            return False
        if name in self._loses:
            return violation.kind == "type"
        if not path or isinstance(path[-1], int):
            return len(path) > 1
        prop, level = self._planned(path)
        return prop is not None and (
            prop.format == "currency" or prop.type == "money" or (violation.kind == "type" and level > 0)
        )

    def _planned(self, path: Path) -> tuple[Property | None, int]:
        """The property at a path, and how many lists it is in."""
        level: Mapping[str, Property] = self.properties
        found: Property | None = None
        lists = 0
        for part in path:
            if isinstance(part, int):
                found = None if found is None else found.items
                lists += 1
            else:
                found = level.get(part)
            if found is None:
                return None, lists
            level = found.properties or {}
        return found, lists

    def _errors(self, value: Any) -> list[tuple[Path, Violation]]:
        """Every violation and where it is; one alone of a list with too many wrong items."""
        value, emptied = self._lists.shorten(value)
        errors = [found for error in self.validator.iter_errors(value) for found in violations_of(error, self.where)]
        if not emptied:
            return errors
        message = "has many items that are not as planned"
        told = [(at, Violation(dotted(self.where, at), message, "items")) for at in emptied]
        return [error for error in errors if error[0] not in emptied] + told

    def _repaired(self, value: dict[str, Any]) -> dict[str, Any]:
        """Without offending values; where a nested required one is missing, without what lacks it."""
        while True:
            offending = [
                path[:-1] if violation.kind == "required" else path
                for path, violation in self._errors(value)
                # A missing top-level property, also one just dropped, has nothing to drop: it stays a flag.
                if violation.kind != "extra" and (violation.kind != "required" or len(path) > 1)
            ]
            if not offending:
                return value
            value = _without(value, offending + self._of_currencies(value, offending))

    def _of_currencies(self, value: dict[str, Any], offending: list[Path]) -> list[Path]:
        """The amounts whose currency is taken out: without it they would count as the plan's."""
        found: list[Path] = []
        for path in offending:
            prop, _ = self._planned(path)
            if prop is None or prop.format != "currency":
                continue
            *outer, name = path
            around: Any = value
            for part in outer:
                around = around[part]
            for beside in around:
                here = (*outer, beside)
                money, _ = self._planned(here)
                if money is not None and money.type == "money" and (money.currency or "currency") == name:
                    found.append(here)
        return found


def identifying(
    rules: Iterable[IdentityRule], traits: Mapping[str, Property]
) -> dict[tuple[str, str], Callable[[str], bool]]:
    """For identities that are found in traits, whether a text is what the trait may be; by type and field.

    What is not would make strangers one customer: people write anything into a field that they have to fill. What is
    read as an e-mail address anyway is not asked for its format, since a validator knows fewer of them.
    """
    found: dict[tuple[str, str], Callable[[str], bool]] = {}
    for rule in rules:
        for path in rule.fields:
            where, _, name = path.removeprefix("context.").partition(".")
            if where == "traits" and (trait := traits.get(name)) is not None:
                schema = property_schema(trait, "allow")
                wanted: dict[str, Any] = {key: schema[key] for key in _OF_TEXT if key in schema}
                if rule.pii == "email":
                    wanted.pop("format", None)
                if wanted:
                    found[rule.type, path] = _validator({"type": "string", **wanted}).is_valid
    return found


def _without(value: dict[str, Any], paths: list[Path]) -> dict[str, Any]:
    """A deep copy without the values at these paths; list items are taken from the end, so that indices hold."""
    result = copy.deepcopy(value)
    for path in sorted(set(paths), key=lambda p: tuple((isinstance(x, str), x) for x in p), reverse=True):
        node: Any = result
        for part in path[:-1]:
            node = node[part]
        del node[path[-1]]
    return result


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    # A linear-time regex engine: a plan's pattern can never be made to hang a worker.
    regex = jsonschema_rs.RegexOptions()
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, pattern_options=regex, offline=True)


class _Lists:
    """Leaves out what is in lists with too many wrong items, so that these are told of as one.

    Args:
        properties: what is planned of the object.
        extra: what properties that are not planned do.
    """

    __slots__ = ("_of",)

    def __init__(self, properties: Mapping[str, Property], extra: Extra) -> None:
        self._of: dict[str, _Lists | _List] = {}
        for name, prop in properties.items():
            if (found := _lists_of(prop, extra)) is not None:
                self._of[name] = found

    def shorten(self, value: Any) -> tuple[Any, dict[Path, None]]:
        """The object with nothing in its lists that have too many wrong items, and where these are."""
        emptied: dict[Path, None] = {}
        return self._shortened(value, (), _Budget(), emptied), emptied

    def _shortened(self, value: Any, path: Path, budget: _Budget, emptied: dict[Path, None]) -> Any:
        if type(value) is not dict:
            return value
        changed = {}
        for name, inner in self._of.items():
            if (old := value.get(name)) is not None:
                new = inner._shortened(old, (*path, name), budget, emptied)
                if new is not old:
                    changed[name] = new
        return {**value, **changed} if changed else value


class _Budget:
    """How many wrong items of an event may still be told of.

    In proportion to what was sent: a number where a product belongs is two bytes, and telling of it takes us ten
    microseconds. Objects of some size have a budget of their own: every line of a cart may have the same mistake.
    """

    __slots__ = ("items", "objects")

    def __init__(self) -> None:
        self.items, self.objects = _ITEMS, _OBJECTS

    def take(self, item: Any) -> bool:
        if type(item) is dict and len(item) >= _KEYS:
            self.objects -= 1
            return self.objects >= 0
        self.items -= 1
        return self.items >= 0


class _List:
    """Shortens one list."""

    __slots__ = ("_inside", "_is_valid")

    def __init__(self, item: Property, extra: Extra) -> None:
        self._is_valid = _validator(property_schema(item, extra)).is_valid
        self._inside = _lists_of(item, extra)

    def _shortened(self, value: Any, path: Path, budget: _Budget, emptied: dict[Path, None]) -> Any:
        if type(value) is not list:
            return value
        wrong = []
        for index, item in enumerate(value):
            if not self._is_valid(item):
                if not budget.take(item):
                    emptied[path] = None
                    return []
                wrong.append(index)
        if self._inside is None:
            return value
        new = list(value)
        for index in wrong:
            new[index] = self._inside._shortened(value[index], (*path, index), budget, emptied)
        return new


def _lists_of(prop: Property, extra: Extra) -> _Lists | _List | None:
    """Of what a property holds, None if it holds no list."""
    if prop.items is not None:
        return _List(prop.items, extra)
    inside = _Lists(prop.properties or {}, extra)
    return inside if inside._of else None
