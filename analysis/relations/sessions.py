"""Sessions: what somebody does without a long pause, whatever the hour and wherever they come from in between."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["ONLINE", "sessions"]

ONLINE = (
    "visit", "view", "search", "cart", "checkout", "purchase", "signup", "login", "feature_use", "subscription_start",
    "subscription_cancel", "subscription_change", "coupon_denied", "goal",
)  # fmt: skip
"""Roles of what somebody does on a site or in an app."""

_KEPT = (
    "customer", "us", "day", "log_partition", "log_offset", "role", "product", "category", "channel", "device",
    "utm_source", "utm_medium", "utm_campaign", "referrer",
)  # fmt: skip


def sessions(
    base: Base,
    *roles: str,
    since: date | None = None,
    until: date | None = None,
    of: ir.Table | None = None,
) -> ir.Table:
    """The events of sessions, of roles that are done online: `session` (a number of the customer's, from 1), `place` (1
    is the first event), `begins` (whether it is), `before` (the role of the event before it in the session, null of the
    first), `began_us`, `began_day`, and of `facts` the columns that sessions are told apart by (`_KEPT`).

    A pause longer than the plan's `session_gap` ends a session. Midnight does not, nor does another campaign.

    Args:
        base: of the facts.
        roles: others than those.
        since: the first local day whose sessions are wanted; those that began before it may be there in part.
        until: the first day of which nothing is wanted.
        of: with a column `customer`: only theirs.
    """
    events = base.of(*(roles or ONLINE)).select(*_KEPT)
    if since is not None:
        events = events.filter(events.day >= ibis.date(since - timedelta(days=1)))  # what goes on over midnight
    if until is not None:
        events = events.filter(events.day < ibis.date(until))
    if of is not None:
        events = events.semi_join(of, "customer")
    order = ["us", "log_partition", "log_offset"]
    theirs = ibis.window(group_by="customer", order_by=order)
    upto = ibis.window(group_by="customer", order_by=order, preceding=None, following=0)
    gap = int(base.frame.session_gap * 1e6)
    # Two passes over the events of a customer; what follows from the same pass is told there.
    events = events.mutate(
        _last=events.us.lag().over(theirs), _role=events.role.lag().over(theirs), _nth=ibis.row_number().over(theirs)
    )
    events = events.mutate(begins=events._last.isnull() | (events.us - events._last > gap))
    events = events.mutate(
        session=events.begins.ifelse(1, 0).sum().over(upto),
        began_us=events.begins.ifelse(events.us, ibis.null("int64")).max().over(upto),
        began_day=events.begins.ifelse(events.day, ibis.null("date")).max().over(upto),
        _first=events.begins.ifelse(events._nth, ibis.null("int64")).max().over(upto),
        before=events.begins.ifelse(ibis.null("string"), events._role),
    )
    return events.mutate(place=events._nth - events._first + 1).drop("_last", "_role", "_nth", "_first")
