"""Ranks of customers that are the same in every engine: `rank` goes by rows in some and by values in others."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

__all__ = ["ranked", "tenth"]


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


def tenth(place: ir.IntegerValue, of: ir.IntegerValue) -> ir.IntegerValue:
    """The tenth, from 1 on, of a place: ten equal groups; if the number cannot be divided, the first have one more.

    Args:
        place: in the order, from 0 on, each place once.
        of: how many there are.
    """
    size, more = (of / 10).floor().cast("int64"), of % 10
    larger = more * (size + 1)
    group = ibis.ifelse(
        place < larger,
        (place / (size + 1)).floor(),
        more + ((place - larger) / ibis.greatest(size, ibis.literal(1))).floor(),
    )
    return 1 + group.cast("int64")
