"""Touches: what led somebody here before an order, by source."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.types as ir

from analysis.relations.sessions import sessions

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["DIRECT", "Level", "touches"]

Level = Literal["source", "medium", "campaign"]

DIRECT = "direct"
"""Of a session that nobody is known to have sent."""


def touches(
    base: Base,
    level: Level = "source",
    since: date | None = None,
    until: date | None = None,
    of: ir.Table | None = None,
) -> ir.Table:
    """One row a touch: `customer`, `us`, `log_partition`, `log_offset`, `source`.

    A touch is the first event of a session that names a campaign, or its beginning if that has a referrer (one that
    comes later is where people were sent to pay), or else says nothing (`DIRECT`), and each click on something that we
    sent. An order by itself leads nobody to it. Touches of one source
    without a longer pause than that of a session between them are one, at the time of the first.

    Args:
        base: of the facts.
        level: what of a campaign is the source; what has none goes by what is known of the others.
        since: the first local day whose touches are wanted.
        until: the first day of which nothing is wanted.
        of: with a column `customer`: only theirs.
    """
    named = {"source": "utm_source", "medium": "utm_medium", "campaign": "utm_campaign"}[level]
    keys = ("customer", "us", "log_partition", "log_offset")
    visits = sessions(base, since=since, until=until, of=of)
    begins = visits.begins & (visits.role != "purchase")
    visits = visits.mutate(
        source=ibis.coalesce(
            _word(visits[named]),
            _word(visits.utm_source),
            ibis.ifelse(begins, _word(visits.referrer), ibis.null("string")),
            ibis.literal(DIRECT),
        ),
        _begins=begins,
    )
    # The beginning counts as direct beside a source that comes later: direct is taken only where there is no other.
    first = ibis.window(group_by=["customer", "session", "_sent"], order_by=["us", "log_partition", "log_offset"])
    visits = visits.mutate(_sent=visits.source != DIRECT)
    visits = visits.filter(visits._sent | visits._begins)  # a beginning that is direct is the first of these as well
    visits = visits.mutate(_rank=ibis.row_number().over(first))
    visits = visits.filter(visits._rank == 0)
    clicks = base.of("contact_clicked")
    if since is not None:
        clicks = clicks.filter(clicks.day >= ibis.date(since))
    if until is not None:
        clicks = clicks.filter(clicks.day < ibis.date(until))
    if of is not None:
        clicks = clicks.semi_join(of, "customer")
    clicks = clicks.mutate(
        source=ibis.coalesce(
            _word(clicks[named]), _word(clicks.utm_source), _word(clicks.channel), ibis.literal("contact")
        )
    )
    every = visits.select(*keys, "source").union(clicks.select(*keys, "source"))
    before = ibis.window(
        group_by=["customer", "source"], order_by=["us", "log_partition", "log_offset"], preceding=(None, 1)
    )
    every = every.mutate(_last=every.us.max().over(before))
    gap = int(base.frame.session_gap * 1e6)
    return every.filter(every._last.isnull() | (every.us - every._last > gap)).drop("_last")


def _word(column: ir.Value) -> ir.StringValue:
    return column.nullif("")
