"""Planned properties as JSON Schema (2020-12), which other tools read, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plan.model import Extra, Property
from profiles.money import CURRENCIES

__all__ = ["MAX_AMOUNT", "json_schema", "property_schema"]

MAX_AMOUNT = 1e12
"""Of money, in major units, unless the plan says less: in minor units it stays exact in a float and in 64 bits."""

_JSON_TYPE: dict[str, list[str]] = {
    "id": ["string", "integer"],
    "date-time": ["string"],
    "money": ["number"],
}
_KEYWORD = {
    "min": "minimum", "max": "maximum", "min_length": "minLength", "max_length": "maxLength", "min_items": "minItems",
    "max_items": "maxItems", "pattern": "pattern",
}  # fmt: skip


def json_schema(properties: Mapping[str, Property], extra: Extra = "allow") -> dict[str, Any]:
    """The JSON Schema (2020-12) of an object. A null counts as absent, so optional properties accept it."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: property_schema(prop, extra) for name, prop in properties.items()},
    }
    if required := [name for name, prop in properties.items() if prop.required]:
        schema["required"] = required
    if extra != "allow" and properties:
        schema["additionalProperties"] = False
    return schema


def property_schema(prop: Property, extra: Extra) -> dict[str, Any]:
    """The JSON Schema of one property."""
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
        schema |= {"minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT}
    for key, keyword in _KEYWORD.items():
        if (limit := getattr(prop, key)) is not None:
            schema[keyword] = limit
    if prop.type == "id":
        schema.setdefault("minLength", 1)
    if prop.items is not None:
        schema["items"] = property_schema(prop.items, extra)
    if not prop.required:
        types.append("null")
        enum = enum and [*enum, None]
    schema["type"] = types if len(types) > 1 else types[0]
    if enum is not None:
        schema["enum"] = enum
    return schema | {"description": prop.description}
