"""Ready mappings by name, and which of them fits the columns of a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from console.files.mapping.columns import column_named, numbered, numbers_of
from console.files.mapping.table_mapping import TableMapping, load_mapping, validated
from console.files.rows import FileSpec
from profiles.errors import WrongUse

__all__ = ["fitting", "ready_mapping", "ready_names"]

_FOLDER = Path(str(files(__package__)))


@cache
def ready_names() -> tuple[str, ...]:
    """Names that `--from` takes."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def ready_mapping(name: str) -> dict[str, Any]:
    """A ready mapping, as a mapping file has it.

    Raises:
        WrongUse: there is none of that name.
    """
    if name not in ready_names():
        raise WrongUse(f"there is no ready mapping {name!r}; there are {', '.join(ready_names())}")
    return load_mapping(_FOLDER / f"{name}.yaml")


def fitting(columns: Sequence[str]) -> str:
    """The name of the ready mapping whose columns a table has; of several the one with the most of them, "" if none."""
    fits = {name: _columns_found(validated(FileSpec, ready_mapping(name), name), columns) for name in ready_names()}
    best = max(fits, key=lambda name: fits[name])
    return best if fits[best] else ""


def _columns_found(mapping: TableMapping, columns: Sequence[str]) -> int:
    """How many of its columns a table has, 0 if it lacks one that must be there."""
    if mapping.each:
        numbers = numbers_of(mapping.each, columns)
        return _columns_found(numbered(mapping, numbers[0]).model_copy(update={"each": ""}), columns) if numbers else 0
    found = 0
    for target in mapping.map.values():
        column = target.column or ""
        has = column_named(column, columns) is not None
        if not has and not column.endswith("?"):
            return 0
        found += has
    return found
