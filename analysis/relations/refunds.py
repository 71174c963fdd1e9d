"""Refunds: one row each, whoever reported them how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from analysis.relations.orders import each_once

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["each_refund", "refunds"]

_SAME = 86_400_000_000
"""Microseconds within which several senders that tell the same amount of an order speak of one refund."""

_REFUND = (
    "customer", "id", "source", "us", "received_us", "day", "hour", "amount", "currency", "quantity", "subject",
    "category", "refund", "cost", "items", "product", "reason", "channel", "device", "utm_source", "utm_campaign",
    "log_partition", "log_offset",
)  # fmt: skip


def each_refund(events: ir.Table) -> ir.Table:
    """Each refund once, as `profiles.ledger.refunds` counts them live.

    What says which refund it is counts once, as it was received last. What does not counts each time, for an order may
    be paid back in parts; but another sender's report of the same amount of the same order within a day is of the same.
    """
    unnamed = events.refund.fill_null("") == ""
    alone = ibis.literal("\0").concat(events.source).concat("\0").concat(events.id)
    told = each_once(events.mutate(_which=ibis.ifelse(unnamed, alone, events.refund)), "_which").drop("_which")
    place = ["us", "log_partition", "log_offset"]
    alike = ["customer", "subject", "amount"]
    told = told.mutate(_nth=ibis.row_number().over(ibis.window(group_by=[*alike, "source"], order_by=place)))
    same = ibis.window(group_by=[*alike, "_nth"], order_by=place)
    told = told.mutate(
        _again=ibis.row_number().over(same),
        _first=told.us.first().over(same),
        _named=(told.refund.fill_null("") != "").ifelse(1, 0).first().over(same),
    )
    other = (told.us - told["_first"] > _SAME) | ((told["_named"] == 1) & (told.refund.fill_null("") != ""))
    return told.filter((told["_again"] == 0) | (told.subject == "") | other).drop("_nth", "_again", "_first", "_named")


def refunds(base: Base) -> ir.Table:
    """One row a refund, at its own time: `customer`, `subject`, `us`, `day`, `refunded` (minor units), `reason`."""
    once = each_refund(base.of("refund").select(*_REFUND))
    return once.mutate(refunded=once.amount.fill_null(0)).drop("amount")
