"""A mapping: which column of a table is what, as a mapping file and options say it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.files.numbers import Decimal
from profiles.errors import RapportError, WrongUse

__all__ = [
    "ANY", "NO_TIME", "OR", "TYPES", "Also", "BadRow", "EventType", "Items", "LeftOut", "Split", "TableMapping",
    "Target", "load_mapping", "parse_target", "spell_out", "validated",
]  # fmt: skip

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]
ValueType = Literal["str", "int", "number", "minor", "bool", "json", "time", "currency"]
TYPES: tuple[str, ...] = get_args(EventType)

NO_TIME = "it has no timestamp"
"""Why a row without a time cannot become an event."""

OR = " | "
"""Between names that a column may have."""

ANY = " (*)"
"""At the end of a name: whatever stands in the brackets, such as the time zone."""

_NUMBERED = re.compile(r" \(\d+\)$")  # of a column that others are called like


class BadRow(RapportError):
    """A row that cannot become an event; the message says why, without the line number."""


class LeftOut(BadRow):
    """A row that the mapping says is no event."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Target(_Model):
    """Where a field's value comes from: a column, or a template with `{column}` and `{line}` in it."""

    column: str | None = None
    value: str | None = None
    type: ValueType = "str"


class Split(_Model):
    """Columns that are parts of another."""

    by: str = Field(min_length=1, description="What stands between the parts.")
    into: tuple[str, ...] = Field(min_length=1, description="Names of the parts; the last has all that is left.")


class Items(_Model):
    """Rows of a table that are one event together, such as the line items of an order."""

    of: str = Field(description="Column that says to which event a row belongs; an empty cell means to that before it.")
    into: str = Field("properties.products", description="Field of the event that lists them.")
    map: dict[str, Target] = Field({}, description="Field of an item → column.")


class Also(_Model):
    """A further event of the same row, such as the refund of an order."""

    when: str = Field(description="Column that must hold something, and not 0.")
    type: EventType = "track"
    event: str = ""
    map: dict[str, Target] = {}
    set: dict[str, Target] = {}


class TableMapping(_Model):
    """How the rows of a table become events."""

    type: EventType = "track"
    event: str = Field("", description="Name of a track event, or of a page or screen.")
    map: dict[str, Target] = Field({}, description="Field of the event → column.")
    set: dict[str, Target] = Field({}, description="Field of the event → constant or template.")
    time_format: str = Field(
        "iso", description="iso (any form without doubt), epoch, epoch_ms, excel, or such as %Y%m%d."
    )
    timezone: str = Field("UTC", description="Of times that name none.")
    decimal: Decimal = Field("", description="The decimal mark of numbers, point or comma; in doubt it must be said.")
    minor: dict[str, int] = Field(
        {}, description="Currency → decimals of its minor unit, of amounts of the type minor, where they are others."
    )
    translate: dict[str, dict[str, str]] = Field(
        {},
        description="Field or column → what stands in a cell → what it means; * is all else, and empty leaves it out.",
    )
    split: dict[str, Split] = Field({}, description="Column → columns that are parts of it.")
    leave_out: dict[str, tuple[str, ...]] = Field(
        {}, description="Column → what stands in it of rows that are no events."
    )
    each: str = Field(
        "",
        description="Column with # for a number: each that holds something is an event, and # its number in the map.",
    )
    items: Items | None = Field(None, description="Rows that are one event together.")
    also: tuple[Also, ...] = Field((), description="Further events of a row.")

    def mentioned(self) -> frozenset[str]:
        """The names of columns that a table must have, as its header has them."""
        if self.each:
            mapped = {name: each for name, each in self.map.items() if "#" not in (each.column or "")}
            return self.model_copy(update={"each": "", "map": mapped}).mentioned()
        parts = {name for split in self.split.values() for name in split.into}
        named = {target.column for target in self.map.values() if target.column} | self.split.keys()
        return frozenset(
            _NUMBERED.sub("", name) for name in named - parts if not name.endswith(("?", ANY)) and OR not in name
        )


Spec = TypeVar("Spec", bound=TableMapping)


def parse_target(text: str, *, constant: bool) -> Target:
    """The right-hand side of `--map` or `--set`: `dollars:number`, `{customer}-{line}`, `EUR`."""
    value, colon, kind = text.rpartition(":")
    if not colon or kind not in get_args(ValueType):
        value, kind = text, "str"
    found = {"value" if constant else "column": value, "type": kind}
    return Target.model_validate(found)


def load_mapping(path: Path) -> dict[str, Any]:
    """A mapping file as a dictionary: the command's own options by name, with short targets written out.

    Raises:
        WrongUse: it cannot be read, or is no mapping.
    """
    try:
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise WrongUse(f"{path} cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise WrongUse(f"{path}: a mapping of options expected, such as `source: purchase`")
    spell_out(loaded)
    return loaded


def spell_out(mapping: dict[str, Any]) -> None:
    """Write short targets out, in place, also those of items and of further events."""
    also = mapping.get("also")
    for inner in [mapping.get("items"), *(also if isinstance(also, list) else [])]:
        if isinstance(inner, dict):
            spell_out(inner)
    for part in ("map", "set"):
        if isinstance(targets := mapping.get(part), dict):
            mapping[part] = {
                str(name): target if isinstance(target, dict) else _short(target, part == "set")
                for name, target in targets.items()
            }


def _short(target: object, constant: bool) -> dict[str, Any]:
    """A target of a file written without braces; YAML has already told numbers from text."""
    if constant and isinstance(target, bool | int | float | list):
        return {"value": json.dumps(target), "type": "json"}
    return parse_target(str(target), constant=constant).model_dump()


def validated(model: type[Spec], options: dict[str, Any], where: str) -> Spec:
    """The options as a checked model.

    Raises:
        WrongUse: naming each option that is wrong.
    """
    try:
        return model.model_validate(options)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise WrongUse(f"{where}: {problems}") from error
