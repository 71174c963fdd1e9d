"""Members of several kinds in one table, so that one analysis can give figures of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir

__all__ = ["stacked"]


def stacked(tables: Sequence[ir.Table], keys: Sequence[str], others: Mapping[str, Any]) -> ir.Table:
    """The rows of all tables.

    Args:
        tables: each with the columns of `keys`, and some of `others`.
        keys: columns that all have.
        others: further columns, with what stands where a table does not have them: False, or 0.
    """
    alike = []
    for table in tables:
        given = [
            (table[name] if name in table.columns else ibis.literal(blank)).cast(
                "boolean" if isinstance(blank, bool) else "int64"
            ).name(name)
            for name, blank in others.items()
        ]  # fmt: skip
        alike.append(table.select(*[table[name] for name in keys], *given))
    return ibis.union(*alike) if len(alike) > 1 else alike[0]
