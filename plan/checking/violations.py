"""What is not as planned, in words that never quote the value: it may be personal."""

from __future__ import annotations

from typing import Any, NamedTuple

from jsonschema_rs import ValidationError

from profiles.money import CURRENCIES

__all__ = ["Path", "Violation", "dotted", "violations_of"]

Path = tuple[str | int, ...]
"""Where a value stands in the properties: `("products", 0, "price")`."""

_NAMES: dict[type, str] = {
    str: "a string", bool: "a boolean", int: "a number", float: "a number", dict: "an object", list: "an array",
    type(None): "null",
}  # fmt: skip
_KIND = {
    "additionalProperties": "extra", "required": "required", "type": "type", "enum": "enum", "pattern": "pattern",
    "format": "format", "minimum": "range", "maximum": "range", "minLength": "length", "maxLength": "length",
    "minItems": "length", "maxItems": "length",
}  # fmt: skip


class Violation(NamedTuple):
    """One thing about an event that is not as planned. It never quotes the value, which may be personal."""

    path: str  # properties.products[0].price
    message: str
    kind: str  # required, type, enum, pattern, format, range, length, items, extra, unplanned

    def __str__(self) -> str:
        """As it is written into a flagged event."""
        return f"{self.path}: {self.message}"


def violations_of(error: ValidationError, where: str) -> list[tuple[Path, Violation]]:
    """One error of the validator as violations, each with the place of what is wrong."""
    path: Path = tuple(error.instance_path)
    keyword = error.kind.name
    details = error.kind.as_dict()
    kind = _KIND.get(keyword, keyword)
    if keyword == "required":
        told = {(*path, details["property"]): "is required"}
    elif keyword == "additionalProperties":
        told = {(*path, name): "is not in the plan" for name in details["unexpected"]}
    else:
        told = {path: _message(keyword, details, error.instance)}
    return [(at, Violation(dotted(where, at), message, kind)) for at, message in told.items()]


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


def dotted(where: str, path: Path) -> str:
    """A place as people write it: `properties.products[0].price`."""
    return where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
