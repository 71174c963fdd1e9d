"""Ranks of customers that are the same in every engine: `rank` goes by rows in some and by values in others."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

__all__ = ["ranked"]


def ranked(table: ir.Table, value: str, name: str, within: tuple[str, ...] = (), *, falling: bool = False) -> ir.Table:
    """A table with one more column: how many rows have less, or more if `falling`; equal values have equal ranks.

    Args:
        table: with a column `customer`, which tells rows of one value apart.
        value: the column that is ranked.
        name: of the new column.
        within: columns; each of their values is ranked by itself.
        falling: from the largest.
    """
    order = ibis.desc(value) if falling else ibis.asc(value)
    placed = table.mutate(_at=ibis.row_number().over(ibis.window(group_by=list(within), order_by=[order, "customer"])))
    first = placed["_at"].min().over(ibis.window(group_by=[*within, value]))
    return placed.mutate(**{name: first}).drop("_at")
