"""In which stage of the life with us each customer was at the end of each period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from analysis.relations.lives import lives

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["STAGES", "staged"]

STAGES = ("prospect", "new", "active", "loyal", "won_back", "churned")
"""In the order of a life. `at_risk` is not among them: a risk is not kept in the history of events."""


def staged(base: Base) -> ir.Table:
    """One row for each customer at the end of each period asked for: `period`, `customer`, `stage`.

    As of the end of the last local day of the period, or of today, by the plan's limits: churned, else new, else won
    back, else loyal, else active; prospects have not ordered.
    """
    frame = base.frame
    calendar = base.calendar
    last = ibis.least(calendar.ends - ibis.interval(days=1), ibis.date(base.today))
    calendar = calendar.mutate(at=last).select("period", "at")
    first = base.orders.filter(base.orders.number == 1).select("customer", first="day", first_us="us")
    loyal = base.orders.filter(base.orders.number == frame.loyal_orders).select("customer", loyal="day")
    each = lives(base)
    known = each.left_join(first, "customer").left_join(loyal, each.customer == loyal.customer)
    theirs = known.select(
        each.customer,
        each.life,
        each.begun,
        each.following,
        each.lost,
        new_until=base.day_of(first.first_us + int(frame.new_for * 1e6) - 1),
        back_until=base.day_of(each.begun_us + int(frame.won_back_for * 1e6) - 1),
        loyal=loyal.loyal,
    )
    theirs = theirs.cross_join(calendar)
    theirs = theirs.filter(
        (theirs.begun <= theirs["at"]) & (theirs.following.isnull() | (theirs.following > theirs["at"]))
    )
    at = theirs["at"]
    buyers = theirs.select(
        "period",
        "customer",
        stage=ibis.cases(
            ((theirs.lost <= at).fill_null(False), "churned"),
            (theirs.new_until > at, "new"),
            ((theirs.life > 1) & (theirs.back_until > at), "won_back"),
            ((theirs.loyal <= at).fill_null(False), "loyal"),
            else_="active",
        ),
    )
    seen = base.seen
    others = seen.left_join(first, "customer").select(seen.customer, seen.seen, first=first["first"])
    others = others.cross_join(calendar)
    prospects = others.filter(
        (others.seen <= others["at"]) & (others["first"].isnull() | (others["first"] > others["at"]))
    )
    return buyers.union(prospects.select("period", "customer", stage=ibis.literal("prospect")))
