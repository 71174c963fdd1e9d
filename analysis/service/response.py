"""What customers do with the messages of a campaign: reached, opened, clicked, bought."""

from __future__ import annotations

import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Share, Text
from analysis.parameters import Parameters

__all__ = ["RESPONSE"]

_DAY = 86_400_000_000  # microseconds


class Asked(Parameters):
    """How long after a contact an order counts."""

    days: int = Field(7, ge=1, le=60, description="Days after the contact within which an order counts.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer whom a campaign reached."""

    def of(role: str) -> ir.Table:
        table = base.of(role)
        return table.mutate(campaign=table.utm_campaign.fill_null(""))

    made = base.chosen(base.within(of("contact_made")))
    reached = made.group_by("campaign", "customer").agg(first=made.us.min(), last=made.us.max())
    flags = {}
    for name, role in (("opened", "contact_opened"), ("clicked", "contact_clicked"), ("left", "unsubscribe")):
        events = of(role)
        keys = ["customer"] if role == "unsubscribe" else ["campaign", "customer"]
        after = events.inner_join(reached.select("campaign", "customer", "first", "last"), keys)
        after = after.filter((after.us >= after["first"]) & (after.us <= after["last"] + asked.days * _DAY))
        if role == "unsubscribe":
            after = after.select(campaign=after.campaign_right, customer=after.customer)
        flags[name] = after.group_by("campaign", "customer").agg(times=after.count())
    bought = base.orders.select("customer", bought_us="us").inner_join(reached, "customer")
    bought = bought.filter(
        (bought.bought_us >= bought["first"]) & (bought.bought_us <= bought["last"] + asked.days * _DAY)
    )
    flags["bought"] = bought.group_by("campaign", "customer").agg(times=bought.count())
    table = reached
    for name, found in flags.items():
        joined = table.left_join(found, ["campaign", "customer"])
        table = joined.select(*[table[each] for each in table.columns], **{name: found.times.notnull()})
    return table.select("campaign", "customer", *flags)


RESPONSE = Analysis(
    name="response",
    without=("by",),
    room="service",
    title=Text("Response to campaigns", "活动响应"),
    question=Text("What do those do whom a campaign reached?", "活动触达的客户做了什么？"),
    how=Text(
        "Distinct customers whom a campaign contacted in the period; of them, who opened, clicked or bought until so "
        "many days after the last contact of it, and who unsubscribed. Opening is often done by machines "
        "that protect "
        "privacy: go by clicks. Who bought might have bought anyway: only a hold-out tells what a campaign brought.",
        "该期被活动联系的不同客户；其中在该活动最后一次联系后若干天内打开、点击、购买及退订者。打开常由保护隐"
        "私的机器完成，"
        "请以点击为准。购买者本来也可能购买：只有留出对照组才能说明活动带来了什么。",
    ),
    parameters=Asked,
    needs=(
        Need("contact_made", ("utm_campaign",)),
        Need("contact_opened", ("utm_campaign",), ("opened",)),
        Need("contact_clicked", ("utm_campaign",), ("clicked",)),
        Need("purchase", (), ("bought",)),
        Need("unsubscribe", (), ("unsubscribed",)),
    ),
    members=_members,
    dimensions=(Column("campaign", Text("Campaign", "活动"), "text", "dimension"),),
    measures=(
        Customers("reached", Text("Reached", "触达")),
        Customers("opened", Text("Opened", "打开"), where="opened"),
        Customers("clicked", Text("Clicked", "点击"), where="clicked"),
        Share("click_rate", Text("Clicked, share", "点击率"), part="clicked", whole="reached"),
        Customers("bought", Text("Bought", "购买"), where="bought"),
        Share("order_rate", Text("Bought, share", "购买率"), part="bought", whole="reached"),
        Customers("unsubscribed", Text("Unsubscribed", "退订"), where="left"),
    ),
    chart=Chart("bars", x="campaign", y=("reached", "clicked", "bought")),
)
