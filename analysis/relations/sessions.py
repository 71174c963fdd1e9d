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
    is the first event), `began_us`, and of `facts` the columns that sessions are told apart by (`_KEPT`).

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
    before = ibis.window(group_by="customer", order_by=order, preceding=(None, 1))
    upto = ibis.window(group_by="customer", order_by=order, preceding=None, following=0)
    gap = int(base.frame.session_gap * 1e6)
    events = events.mutate(_last=events.us.max().over(before))
    events = events.mutate(_new=(events._last.isnull() | (events.us - events._last > gap)).ifelse(1, 0))
    events = events.mutate(session=events._new.sum().over(upto))
    whole = ibis.window(group_by=["customer", "session"])
    within = ibis.window(group_by=["customer", "session"], order_by=order)
    return events.mutate(began_us=events.us.min().over(whole), place=ibis.row_number().over(within) + 1).drop(
        "_last", "_new"
    )
