"""With what customers come: devices, systems, browsers, channels; and how many of them buy."""

from __future__ import annotations

from typing import Literal

import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Share, Text, Words
from analysis.parameters import Parameters
from models.conditions.client import DEVICES

__all__ = ["TECHNOGRAPHIC", "Asked"]


class Asked(Parameters):
    """What is told apart."""

    fact: Literal["device", "os", "browser", "channel", "locale"] = Field("device", description="What is told apart.")
    role: str = Field("visit", description="The role of events by which customers are seen.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each event of the period, with whether its customer bought in the period."""
    events = base.within(base.chosen(base.doing(asked.role)))
    buyers = base.within(base.orders).select("customer").distinct()
    joined = events.left_join(buyers, "customer")
    return joined.select(events.customer, value=events[asked.fact], bought=buyers.customer.notnull())


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    whole = sum(row["events"] for row in rows)
    for row in rows:
        row["share"] = row["events"] / whole
    return sorted(rows, key=lambda row: (-row["customers"], row["value"]))


TECHNOGRAPHIC = Analysis(
    name="technographic",
    without=("by",),
    room="growth",
    title=Text("Devices and browsers", "设备与浏览器"),
    question=Text("With what do customers come, and who of them buys?", "客户用什么设备访问，其中谁会购买？"),
    how=Text(
        "Events of the role and distinct customers by device, system, browser, channel or language, as their events "
        "say; blank is not known. Conversion is the share of these customers with an order in the period, on whatever "
        "device: who comes with two is in both, so customers do not add up.",
        "按事件所载的设备、系统、浏览器、渠道或语言统计该类事件与不同客户；空白为未知。转化率为其中在时期内有订单（不"
        "限设备）的客户比例：使用两种设备者两边都计，因此客户数不可相加。",
    ),
    parameters=Asked,
    needs=(Need("visit", ("device", "os", "browser", "channel", "locale")), Need("purchase", (), ("conversion",))),
    members=_members,
    dimensions=(Column("value", Text("Value", "取值"), "text", "dimension", words=Words(DEVICES)),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Customers("buyers", Text("Who bought", "购买者"), where="bought"),
        Share("conversion", Text("Conversion", "转化率"), part="buyers", whole="customers"),
        Count("events", Text("Events", "事件")),
    ),
    columns=(Column("share", Text("Of all events", "占全部事件"), "share"),),
    finish=_finish,
    chart=Chart("bars", x="value", y="conversion", low="conversion_low", high="conversion_high"),
)
