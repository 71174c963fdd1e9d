"""Which of the columns of a table a mapping calls by a name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from console.files.mapping.table_mapping import ANY, OR, TableMapping, Target
from profiles.errors import WrongUse

__all__ = ["HOLE", "Index", "column_named", "columns_of", "names_of", "numbered", "numbers_of"]

HOLE = re.compile(r"\{([^{}]+)\}")
"""The name of a column in a template."""

_SEPARATORS = {";": "semicolon", "\t": "tab", "|": "pipe", ",": "comma"}


def column_named(name: str, columns: Iterable[str]) -> str | None:
    """The column that a mapping calls by a name, None if there is none.

    Args:
        name: its own, or `A | B` for the first of two that there is, or `A?` for one that need not be there. `A (*)`
            is the one that is called so but for what stands in the brackets, if there are not several.
        columns: of the table.
    """
    if name in columns:
        return name
    return next(filter(None, (_bracketed(each, columns) for each in name.removesuffix("?").split(OR))), None)


def _bracketed(name: str, columns: Iterable[str]) -> str | None:
    if name in columns or not name.endswith(ANY):
        return name if name in columns else None
    found = [column for column in columns if column.startswith(name[:-2]) and column.endswith(")")]
    return found[0] if len(found) == 1 else None


def columns_of(field: str, target: Target, columns: Sequence[str]) -> list[int]:
    """Where the columns are that a field's value is made of; those that need not be there and are not are left out.

    Raises:
        WrongUse: one does not exist.
    """
    index = Index(columns)
    if target.column is not None:
        at = index.one_of(field, target.column)
        return [] if at is None else [at]
    return [index[name] for name in HOLE.findall(target.value or "") if name in index]


def numbers_of(each: str, columns: Iterable[str]) -> list[int]:
    """The numbers for which a table has a column that a mapping's `each` calls, ascending."""
    forms = [re.compile(re.escape(form).replace(re.escape("#"), r"(\d+)", 1)) for form in each.split(OR)]
    found = (form.fullmatch(column) for column in columns for form in forms)
    return sorted({int(match[1]) for match in found if match})


def numbered(mapping: TableMapping, number: int) -> TableMapping:
    """A mapping with `each`, for the columns of one number."""
    parts = {
        part: {
            field: target.model_copy(update={"column": target.column and target.column.replace("#", str(number))})
            for field, target in getattr(mapping, part).items()
        }
        for part in ("map", "set")
    }
    return mapping.model_copy(update={**parts, "each": mapping.each.replace("#", str(number))})


def names_of(column: str | None) -> list[str]:
    """How a mapping may call the column of a target: `A | B?`, A, B."""
    return [] if column is None else [column, *column.removesuffix("?").split(OR)]


class Index(dict[str, int]):
    """Which column is where. Of several with one name each is called by its number: `Phone (2)`; those without are not.

    Args:
        columns: their names, as the header has them.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._several = {name for name, count in Counter(columns).items() if name and count > 1}
        met: Counter[str] = Counter()
        super().__init__()
        for at, name in enumerate(columns):
            met[name] += 1
            if name:
                self.setdefault(f"{name} ({met[name]})" if name in self._several else name, at)

    def one_of(self, field: str, column: str) -> int | None:
        """Where the column of a field is; of `A | B` the first that there is, and None if `A?` is not.

        Raises:
            WrongUse: there is none of that name, or several.
        """
        if found := column_named(column, self):
            return self[found]
        if column.endswith("?"):
            return None
        return self.of(field, column)

    def zone_of(self, column: str) -> str:
        """The time zone in the name of the column that a mapping calls `A (*)`, "" if it calls it otherwise."""
        name, _, zone = (column_named(column, self) or "").removesuffix(")").rpartition(" (")
        return zone if f"{name}{ANY}" in column.removesuffix("?").split(OR) else ""

    def of(self, field: str, column: str) -> int:
        """Where the column of a field is.

        Raises:
            WrongUse: there is none of that name, or several.
        """
        if column in self._several:
            raise WrongUse(f"{field}: several columns are called {column!r}; say {column} (1), {column} (2) and so on")
        if column not in self:
            joined = next((mark for mark in _SEPARATORS if len(self) == 1 and mark in next(iter(self))), None)
            known = _SEPARATORS[joined] if joined else ""
            hint = f". Is it divided by {known}s? Then say --delimiter {known}" if joined else ""
            raise WrongUse(f"{field}: there is no column {column!r}; the columns are {', '.join(self)}{hint}")
        return self[column]
