"""Tickets: their events folded into one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["tickets"]

_ROLES = ("ticket_opened", "ticket_replied", "ticket_solved", "ticket_reopened")
_OF_OPENING = (
    "day",
    "product",
    "category",
    "topic",
    "department",
    "agent",
    "channel",
    "device",
    "source",
    "utm_campaign",
)


def tickets(base: Base) -> ir.Table:
    """One row a ticket that was opened, by `customer` and `subject`, with what its first opening says of it.

    In microseconds: `opened`, `replied` (the first public answer), `solved` (first), `closed` (last, if solved now),
    null for not yet; one that is opened again after it was solved is not solved now. `replies` and `reopened` count.
    What is said to have happened before the opening is left out; the analysis `quality` counts it.
    """
    events = base.of(*_ROLES).filter(lambda t: t.subject != "")
    first = ibis.window(group_by=["customer", "subject"], order_by=["us", "log_partition", "log_offset"])
    opened = events.filter(events.role == "ticket_opened").mutate(_place=ibis.row_number().over(first))
    opened = opened.filter(opened._place == 0).select("customer", "subject", *_OF_OPENING, opened="us")
    later = events.inner_join(opened.select("customer", "subject", "opened"), ["customer", "subject"])
    later = later.filter(later.us >= later.opened)

    def when(role: str) -> ir.BooleanValue:
        return later.role == role

    folded = later.group_by("customer", "subject").agg(
        replied=later.us.min(where=when("ticket_replied")),
        solved=later.us.min(where=when("ticket_solved")),
        last_solved=later.us.max(where=when("ticket_solved")),
        last_reopened=later.us.max(where=when("ticket_reopened") | (when("ticket_opened") & (later.us > later.opened))),
        replies=when("ticket_replied").ifelse(1, 0).sum(),
        reopened=when("ticket_reopened").ifelse(1, 0).sum(),
    )
    joined = opened.left_join(folded, ["customer", "subject"])
    names = ("replied", "solved", "last_solved", "last_reopened", "replies", "reopened")
    table = joined.select(*[opened[name] for name in opened.columns], *[folded[name] for name in names])
    is_solved = table.last_solved.notnull() & (table.last_reopened.fill_null(0) <= table.last_solved.fill_null(0))
    table = table.mutate(closed=ibis.ifelse(is_solved, table.last_solved, ibis.null("int64")))
    return table.drop("last_solved", "last_reopened")
