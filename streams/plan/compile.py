"""From a planned event to something quick: a compiled JSON Schema, closures for its facts, one call to enforce it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from profiles.money import CURRENCIES, to_minor
from streams.plan.model import Enforce, EventSpec, Extra, Property

__all__ = ["Checker", "EventRule", "Facts", "Outcome", "Violation", "json_schema"]

_MAX_AMOUNT = 1e12  # of money, unless the plan says less: in minor units it stays exact in a float and in 64 bits
_JSON_TYPE: dict[str, list[str]] = {
    "id": ["string", "integer"],
    "date-time": ["string"],
    "money": ["number"],
}
_NAMES: dict[type, str] = {
    str: "a string", bool: "a boolean", int: "a number", float: "a number", dict: "an object", list: "an array",
    type(None): "null",
}  # fmt: skip
_KEYWORD = {
    "min": "minimum", "max": "maximum", "min_length": "minLength", "max_length": "maxLength", "min_items": "minItems",
    "max_items": "maxItems", "pattern": "pattern",
}  # fmt: skip
_KIND = {
    "additionalProperties": "extra", "required": "required", "type": "type", "enum": "enum", "pattern": "pattern",
    "format": "format", "minimum": "range", "maximum": "range", "minLength": "length", "maxLength": "length",
    "minItems": "length", "maxItems": "length",
}  # fmt: skip

Get = Callable[[dict[str, Any]], Any]


class Violation(NamedTuple):
    """One thing about an event that is not as planned. It never quotes the value, which may be personal."""

    path: str  # properties.products[0].price
    message: str
    kind: str  # required, type, enum, pattern, format, range, length, extra, unplanned

    def __str__(self) -> str:
        """As it is written into a flagged event."""
        return f"{self.path}: {self.message}"


class Outcome(NamedTuple):
    """What enforcing a rule gives: what goes on, what was wrong, and whether the event goes on at all."""

    properties: dict[str, Any]
    violations: list[Violation]
    accepted: bool


class Facts(msgspec.Struct, frozen=True, gc=False):
    """The neutral facts of an event; zero, empty or None where it has none."""

    amount: int = 0  # minor units
    currency: str = ""  # ISO-4217, whenever there is an amount
    quantity: float = 0.0
    subject: str = ""
    rating: float | None = None


_NO_FACTS = Facts()


def json_schema(properties: Mapping[str, Property], extra: Extra = "allow") -> dict[str, Any]:
    """The JSON Schema (2020-12) of an object. A null counts as absent, so optional properties accept it."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _schema(prop, extra) for name, prop in properties.items()},
    }
    if required := [name for name, prop in properties.items() if prop.required]:
        schema["required"] = required
    if extra != "allow" and properties:
        schema["additionalProperties"] = False
    return schema


def _schema(prop: Property, extra: Extra) -> dict[str, Any]:
    schema = json_schema(prop.properties or {}, extra) if prop.type == "object" else {}
    types = list(_JSON_TYPE.get(prop.type, [prop.type]))
    enum: list[Any] | None = list(prop.enum) if prop.enum is not None else None
    if prop.format == "currency":
        enum = list(CURRENCIES)
    elif prop.format is not None:
        schema["format"] = prop.format
    elif prop.type == "date-time":
        schema["format"] = "date-time"
    if prop.type == "money":
        schema |= {"minimum": -_MAX_AMOUNT, "maximum": _MAX_AMOUNT}
    for key, keyword in _KEYWORD.items():
        if (limit := getattr(prop, key)) is not None:
            schema[keyword] = limit
    if prop.type == "id":
        schema.setdefault("minLength", 1)
    if prop.items is not None:
        schema["items"] = _schema(prop.items, extra)
    if not prop.required:
        types.append("null")
        enum = enum and [*enum, None]
    schema["type"] = types if len(types) > 1 else types[0]
    if enum is not None:
        schema["enum"] = enum
    return schema | {"description": prop.description}


class Checker:
    """Checks and enforces one object of an event: its properties or its traits.

    Args:
        where: how paths begin, `properties` or `traits`.
        properties: what is planned.
        enforce: what a violation does: the event is rejected, goes on flagged, or loses the offending values.
        extra: what properties that are not planned do.
    """

    __slots__ = ("_is_valid", "enforce", "extra", "properties", "schema", "validator", "where")

    def __init__(
        self, where: str, properties: Mapping[str, Property], enforce: Enforce, extra: Extra = "allow"
    ) -> None:
        self.where = where
        self.properties = properties
        self.enforce: Enforce = enforce
        self.extra: Extra = extra
        self.schema = json_schema(properties, extra)
        # A linear-time regex engine: a plan's pattern can never be made to hang a worker.
        self.validator = jsonschema_rs.Draft202012Validator(
            self.schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), offline=True
        )
        self._is_valid = self.validator.is_valid

    def check(self, value: Any) -> list[Violation]:
        """Every violation; quick (no list is built) when there is none."""
        return [] if self._is_valid(value) else [v for _, v in self._errors(value)]

    def enforce_on(self, value: Any) -> Outcome:
        """Check, and do what the plan says about what is wrong. The argument is not changed."""
        if self._is_valid(value):
            return Outcome(value, [], True)
        errors = self._errors(value)
        violations = [violation for _, violation in errors]
        extras = [path for path, violation in errors if violation.kind == "extra"]
        others = len(extras) < len(errors)
        if not isinstance(value, dict):
            return Outcome({}, violations, self.enforce != "reject")
        if (others and self.enforce == "reject") or (extras and self.extra == "reject"):
            return Outcome(value, violations, False)
        kept = value
        if extras and self.extra == "drop":
            kept = _without(kept, extras)
        if others and self.enforce == "drop_property":
            kept = self._repaired(kept)
        return Outcome(kept, violations, True)

    def _errors(self, value: Any) -> list[tuple[tuple[str | int, ...], Violation]]:
        found: list[tuple[tuple[str | int, ...], Violation]] = []
        for error in self.validator.iter_errors(value):
            path = tuple(error.instance_path)
            keyword = error.kind.name
            details = error.kind.as_dict()
            messages: dict[str, str] = {}
            if keyword == "required":
                messages[details["property"]] = "is required"
            elif keyword == "additionalProperties":
                messages = dict.fromkeys(details["unexpected"], "is not in the plan")
            kind = _KIND.get(keyword, keyword)
            for name, message in messages.items():
                at = (*path, name)
                found.append((at, Violation(_dotted(self.where, at), message, kind)))
            if not messages:
                said = _message(keyword, details, error.instance)
                found.append((path, Violation(_dotted(self.where, path), said, kind)))
        return found

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
            value = _without(value, offending)


class EventRule:
    """One planned event, compiled. See `streams.plan.model.EventSpec` for what the words mean."""

    __slots__ = (
        "_facts", "_planned", "checker", "description", "enforce", "name", "owner", "pii", "role", "schema", "sources",
        "spec", "type", "validator", "where", "why",
    )  # fmt: skip

    def __init__(self, spec: EventSpec, checker: Checker, currency: str, *, planned: bool = True) -> None:
        self.spec = spec
        self.name = spec.name
        self.type = spec.type
        self.sources = tuple(spec.sources)
        self.owner = spec.owner
        self.description = spec.description
        self.why = spec.why
        self.role: str = spec.role or ""
        self.checker = checker
        self.enforce = checker.enforce
        self.schema = checker.schema
        self.validator = checker.validator
        self.where = checker.where
        self.pii = dict(_pii(checker.properties, ""))
        self._facts = compile_facts(spec, currency)
        self._planned = planned

    def payload(self, event: Mapping[str, Any]) -> Any:
        """What of a raw event this rule is about: its properties, or its traits for identify and group.

        An identify call's `context.traits` count too: some SDKs put traits only there. Absent and null are `{}`.
        """
        if self.where == "properties":
            found = event.get("properties")
        else:
            found = event.get("traits")
            if self.type == "identify" and isinstance(context := event.get("context"), dict):
                more = context.get("traits")
                if isinstance(more, dict) and (found is None or isinstance(found, dict)):
                    return {**more, **(found or {})}
        return {} if found is None else found

    def check(self, properties: Any) -> list[Violation]:
        """Every violation of a payload."""
        return self.enforce_on(properties).violations if not self._planned else self.checker.check(properties)

    def enforce_on(self, properties: Any) -> Outcome:
        """Check a payload and do what the plan says: the one call of the pipeline's check step."""
        if self._planned:
            return self.checker.enforce_on(properties)
        unplanned = Violation("event", "is not in the plan", "unplanned")
        return Outcome(properties if isinstance(properties, dict) else {}, [unplanned], True)

    def facts(self, properties: dict[str, Any]) -> Facts:
        """The neutral facts of an event. Never raises: what is not of its type counts as absent."""
        return self._facts(properties)


def compile_facts(spec: EventSpec, plan_currency: str) -> Callable[[dict[str, Any]], Facts]:
    """A function from properties to facts, with every path resolved beforehand."""
    facts = spec.facts
    amounts = [(_path(path), _path(currency_path(path, spec.properties))) for path in facts.amount]
    currency = _first([_path(path) for path in facts.currency])
    quantity = _first([_summed(path) if "[]." in path else _path(path) for path in facts.quantity])
    subject = _first([_path(path) for path in facts.subject])
    rating = _first([_path(path) for path in facts.rating])
    if not (facts.amount or facts.quantity or facts.subject or facts.rating):
        return lambda properties: _NO_FACTS

    def money(properties: dict[str, Any]) -> tuple[int, str]:
        for amount_of, currency_of in amounts:
            amount = amount_of(properties)
            if type(amount) in (int, float):
                code = currency(properties) if facts.currency else currency_of(properties)
                code = plan_currency if code is None else code.strip().upper() if type(code) is str else ""
                # An amount in a currency nobody knows must not be counted as if it were another.
                if code not in _CODES or not -_MAX_AMOUNT <= amount <= _MAX_AMOUNT:
                    return 0, ""
                return to_minor(amount, code), code
        return 0, ""

    def of(properties: dict[str, Any]) -> Facts:
        amount, code = money(properties)
        count = quantity(properties)
        about = subject(properties)
        score = rating(properties)
        return Facts(
            amount,
            code,
            float(count) if type(count) in (int, float) and -_MAX_AMOUNT <= count <= _MAX_AMOUNT else 0.0,
            about if type(about) is str else str(about) if type(about) is int else "",
            float(score) if type(score) in (int, float) and -_MAX_AMOUNT <= score <= _MAX_AMOUNT else None,
        )

    return of


_CODES = frozenset(CURRENCIES)


def currency_path(amount: str, properties: Mapping[str, Property]) -> str:
    """Where the currency of a money property stands: what its `currency` names, or a sibling of that name."""
    *parents, last = amount.split(".")
    siblings: Mapping[str, Property] = properties
    for parent in parents:
        found = siblings.get(parent)
        siblings = (found.properties or {}) if found else {}
    money = siblings.get(last)
    return ".".join([*parents, (money and money.currency) or "currency"])


def _path(path: str) -> Get:
    *parents, last = path.split(".")
    if not parents:
        return lambda properties: properties.get(last)

    def nested(properties: dict[str, Any]) -> Any:
        node: Any = properties
        for parent in parents:
            node = node.get(parent)
            if type(node) is not dict:
                return None
        return node.get(last)

    return nested


def _summed(path: str) -> Get:
    """The sum over an array; an item that does not say how many is one. None without an array."""
    before, _, after = path.partition("[].")
    array, value = _path(before), _path(after)

    def total(properties: dict[str, Any]) -> Any:
        items = array(properties)
        if type(items) is not list or not items:
            return None
        counts = [value(item) if type(item) is dict else None for item in items]
        return sum(count if type(count) in (int, float) else 1 for count in counts)

    return total


def _first(getters: list[Get]) -> Get:
    if not getters:
        return lambda properties: None
    if len(getters) == 1:
        return getters[0]

    def first(properties: dict[str, Any]) -> Any:
        for get in getters:
            value = get(properties)
            if value is not None:
                return value
        return None

    return first


def _pii(properties: Mapping[str, Property], before: str) -> list[tuple[str, str]]:
    """(path, class) of every personal value."""
    found: list[tuple[str, str]] = []
    for name, prop in properties.items():
        path = f"{before}{name}"
        if prop.pii != "none":
            found.append((path, prop.pii))
        if prop.properties:
            found += _pii(prop.properties, f"{path}.")
        if prop.items is not None:
            found += _pii({"[]": prop.items}, path)
    return found


def _message(keyword: str, details: dict[str, Any], value: Any) -> str:
    """What must hold, in words. Never the value itself."""
    limit = details.get("limit")
    limit = int(limit) if isinstance(limit, float) and limit.is_integer() else limit
    match keyword:
        case "type":
            types = [t for t in details["types"] if t != "null"]
            an = " or ".join(f"{'an' if t[0] in 'aeiou' else 'a'} {t}" for t in types)
            return f"must be {an}, not {_NAMES.get(type(value), 'that')}"
        case "enum":
            options = [str(option) for option in details["options"] if option is not None]
            if len(options) == len(CURRENCIES):
                return "must be an ISO-4217 currency code"
            return f"must be one of {', '.join(options[:12])}{', …' if len(options) > 12 else ''}"
        case "pattern":
            return f"must match {details['pattern']}"
        case "format":
            return f"must be a valid {details['format']}"
        case "minimum":
            return f"must be at least {limit}"
        case "maximum":
            return f"must be at most {limit}"
        case "minLength" | "maxLength":
            return f"must have at {'least' if keyword == 'minLength' else 'most'} {_counted(limit, 'character')}"
        case "minItems" | "maxItems":
            return f"must have at {'least' if keyword == 'minItems' else 'most'} {_counted(limit, 'item')}"
        case _:
            return f"breaks the rule '{keyword}'"


def _counted(count: Any, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _dotted(where: str, path: tuple[str | int, ...]) -> str:
    return where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _without(value: dict[str, Any], paths: list[tuple[str | int, ...]]) -> dict[str, Any]:
    """A deep copy without the values at these paths; list items are taken from the end, so that indices hold."""
    result = copy.deepcopy(value)
    for path in sorted(set(paths), key=lambda p: tuple((isinstance(x, str), x) for x in p), reverse=True):
        node: Any = result
        for part in path[:-1]:
            node = node[part]
        del node[path[-1]]
    return result
