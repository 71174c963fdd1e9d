"""Attribution: what orders brought, shared among what led to them, by five rules side by side."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import ClassVar, Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.relations.touches import DIRECT, Level, touches

__all__ = ["ATTRIBUTION", "MODELS"]

MODELS = ("first", "last", "linear", "position", "decay")

_ORDER = ("order_partition", "order_offset")  # no other event has the same place in the log
_TOUCH = ["us", "log_partition", "log_offset"]


class Asked(Parameters):
    """What a touch is called after, how far back it counts, and how fast it fades."""

    length: ClassVar[int] = 91

    level: Level = Field("source", description="What touches are told apart by: source, medium or campaign.")
    look_back: float = Field(30, gt=0, le=366, description="Days before an order in which touches count.")
    half_life: float = Field(7, gt=0, le=366, description="Days after which a touch weighs half, in the model decay.")
    direct: Literal["alone", "always"] = Field(
        "alone", description="Whether visits that nobody sent count only where nothing else does, or always."
    )
    reset: bool = Field(False, description="Whether an order uses up the touches before it.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each order and source that led to it, with its part by each model; "" where none is known."""
    orders = base.within(base.chosen(base.orders))
    orders = base.broken_down(orders).select(
        "by", "customer", "net", at="us", order_partition="log_partition", order_offset="log_offset"
    )
    shares = _shares(_led_to(base, asked, orders), asked)
    rounded = shares.select(*_ORDER, "source", **{name: _part(shares, name) for name in MODELS})
    each = rounded.group_by(*_ORDER, "source").agg(**{name: rounded[name].sum() for name in MODELS})
    joined = orders.left_join(each, _ORDER)
    touched = each.source.notnull()
    return joined.select(
        *[orders[name] for name in ("by", "customer")],
        source=each.source.fill_null(""),
        **{name: ibis.ifelse(touched, each[name], orders.net) for name in MODELS},
    )


def _led_to(base: Base, asked: Asked, orders: ir.Table) -> ir.Table:
    """Orders with each of their touches."""
    since, until = asked.period(base.frame)
    every = touches(base, asked.level, since - timedelta(days=math.ceil(asked.look_back) + 1), until, orders)
    if asked.reset:
        before = ibis.window(group_by="customer", order_by=["us", "log_partition", "log_offset"], preceding=(None, 1))
        all_ = base.orders
        last = all_.select(
            "customer",
            order_partition="log_partition",
            order_offset="log_offset",
            previous=all_.us.max().over(before),
        )
        orders = orders.inner_join(last, _ORDER).select(orders, last.previous)
    joined = orders.inner_join(every, "customer")
    found = joined.select(*[orders[name] for name in orders.columns], *[every[name] for name in ("source", *_TOUCH)])
    found = found.filter((found.us <= found.at) & (found.at - found.us <= int(asked.look_back * 86_400e6)))
    if asked.reset:
        found = found.filter(found.previous.isnull() | (found.us > found.previous)).drop("previous")
    if asked.direct == "alone":
        sent = (found.source != DIRECT).ifelse(1, 0).max().over(ibis.window(group_by=_ORDER))
        found = found.mutate(_sent=sent).filter(lambda t: (t._sent == 0) | (t.source != DIRECT)).drop("_sent")
    return found


def _shares(found: ir.Table, asked: Asked) -> ir.Table:
    """Touches with their place among those of the order, and what share of it each model gives them that divides; the
    shares of an order add up to 1."""
    whole = ibis.window(group_by=_ORDER)
    inside = ibis.window(group_by=_ORDER, order_by=_TOUCH)
    found = found.mutate(place=ibis.row_number().over(inside) + 1, of=found.count().over(whole))
    half_lives = (found.at - found.us) / (asked.half_life * 86_400e6)
    found = found.mutate(_fades=ibis.literal(0.5).pow(half_lives))
    return found.mutate(
        linear=1.0 / found.of,
        position=ibis.cases(
            (found.of == 1, 1.0),
            (found.of == 2, 0.5),
            ((found.place == 1) | (found.place == found.of), 0.4),
            else_=0.2 / ibis.greatest(found.of - 2, ibis.literal(1)),
        ),
        decay=found._fades / found._fades.sum().over(whole),
    )


def _part(shares: ir.Table, model: str) -> ir.IntegerValue:
    """What of an order's net a touch has: all or nothing, or a share of it."""
    whole = {"first": shares.place == 1, "last": shares.place == shares.of}.get(model)
    return _rounded(shares, model) if whole is None else whole.ifelse(shares.net, 0)


def _rounded(shares: ir.Table, model: str) -> ir.IntegerValue:
    """The shares of an order's net in whole minor units, so that they add up: what is left after cutting off goes to
    the largest remainders, of equal ones to the earlier touch."""
    exact = shares.net.abs() * shares[model]
    cut = exact.floor().cast("int64")
    largest = ibis.window(group_by=_ORDER, order_by=[ibis.desc((exact - cut).round(6)), *_TOUCH])
    rest = shares.net.abs() - cut.sum().over(ibis.window(group_by=_ORDER))
    part = cut + (ibis.row_number().over(largest) < rest).ifelse(1, 0)
    return ibis.ifelse(shares.net < 0, -part, part)


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Adds how far apart first and last touch judge a source."""
    for row in rows:
        row["difference"] = row["last"] - row["first"]
    return rows


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    total = sum(row["linear"] for row in rows)
    unknown = sum(row["linear"] for row in rows if row["source"] == "")
    if total <= 0:
        return None
    share = f"{100 * (total - unknown) / total:.0f}"
    return Text(
        f"What led to it is known of {share} % of the net of these orders.",
        f"这些订单的净额中，有 {share} % 知道是由什么带来的。",
    )


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    return [
        Text(
            "These rules share what was bought among what came before it. They do not measure what any of it brought: "
            "only a comparison with customers who were left out at random does.",
            "这些规则只是把购买额分给之前的各次触达，并不衡量其中任何一次带来的效果：只有与随机未触达的客户相比较才能"
            "衡量。",
        )
    ]


_LABELS = {
    "first": Text("First touch", "首次触达"),
    "last": Text("Last touch", "末次触达"),
    "linear": Text("All alike", "平均分配"),
    "position": Text("By position", "按位置分配"),
    "decay": Text("By age", "按时间衰减"),
}

ATTRIBUTION = Analysis(
    name="attribution",
    room="marketing",
    title=Text("Attribution", "归因"),
    question=Text(
        "What came before orders, and how much of them do usual rules give to it?",
        "订单之前发生了什么，常用规则各分给它们多少？",
    ),
    how=Text(
        "A touch is the first event of a session that names a campaign, else its beginning, by the site that referred, "
        "else direct, and each click on something we sent. Touches of one source with no pause longer than a "
        "session's between them are one. Those of `look_back` days before an order count; direct ones only where there "
        "is no other. The net of an order (less refunds at any time) goes to the first touch, the last, all alike, by "
        "position (40 % to the first and the last, 20 % to those between; two get half each), or by age (half as much "
        "each `half_life` days). Parts are whole minor units that add up to the order: what is left over goes to the "
        "largest remainders. Orders without a touch are under no name. Touches count for each order after them, "
        "unless `reset` is asked for. Customers of a source had one of their orders led to by it.",
        "触达是一次会话中首个带活动的事件，否则为会话的开始（按引荐网站，否则为直接访问），以及对我们发送内容的"
        "每次点击。同一来源、间隔不超过会话间隔的触达合为一次。计入订单前 `look_back` 天内的触达；仅在没有其他触达时才"
        "计直接访问。订单净额（减去任何时候的退款）分给首次触达、末次触达、平均分给全部、按位置（首末各 40 %，"
        "中间共 20 %；两次时各半），或按时间（每过 `half_life` 天减半）。各部分为整数最小货币单位，总和等于订单：余数"
        "归最大余额者。没有触达的订单列在空名下。除非要求 `reset`，触达对其后的每个订单都计入。某来源的客户"
        "是指至少有一个订单由其带来的客户。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("amount", "subject")),
        Need("visit", ("utm_source", "referrer")),
        Need("contact_clicked", ("channel",), ("touches of what we send",)),
        Need("refund", ("amount", "subject"), ("net",)),
    ),
    members=_members,
    dimensions=(
        Column("by", Text("Of", "细分"), "text", "dimension"),
        Column("source", Text("What led here", "来源"), "text", "dimension", words=Words((DIRECT, "contact"))),
    ),
    measures=(
        Customers("customers", Text("Buyers", "购买客户")),
        Count("orders", Text("Orders it led to", "带来的订单")),
        *(Total(name, _LABELS[name], "money") for name in MODELS),
    ),
    columns=(Column("difference", Text("Last less first touch", "末次减首次"), "money", "note"),),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("bars", x="source", y=MODELS),
)
