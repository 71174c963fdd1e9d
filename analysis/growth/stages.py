"""How many customers are in each stage of the life with us."""

from __future__ import annotations

import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Words
from analysis.parameters import Parameters
from analysis.relations.staged import STAGES, staged
from analysis.shares import of_whole, share_columns

__all__ = ["STAGES_OF_THE_BASE"]


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each customer in each period."""
    return staged(base)


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """Shares of all customers of the period, in the order of a life."""
    whole: dict[object, int] = {}
    for row in rows:
        whole[row["period"]] = whole.get(row["period"], 0) + row["customers"]
    for row in rows:
        row.update(of_whole(row["customers"], whole[row["period"]], base.frame))
        row["complete"] = base.complete(row["period"])
    return sorted(rows, key=lambda row: (row["period"], STAGES.index(row["stage"])))


STAGES_OF_THE_BASE = Analysis(
    name="stages",
    without=("by", "product", "category", "channel", "campaign"),
    room="growth",
    title=Text("Stages", "客户阶段"),
    question=Text("How many customers are in each stage?", "各阶段有多少客户？"),
    how=Text(
        "Customers by stage at the end of the last local day of a period (today's of one that still runs), the first "
        "that is true: prospect, no order yet; churned, the churn horizon has passed since the last order; new, the "
        "first order is younger than the plan says; won back, an order after such a silence is; loyal, the number of "
        "orders that the plan says; active. Customers at risk are among the loyal and the active, since risks are not "
        "kept in the history of events.",
        "按时期最后一个本地日结束时（进行中的时期取今日）的阶段统计客户，取首个成立者：潜在客户，尚无订单；流失，距最"
        "近订单已过流失期限；新客户，首单未满计划所定时长；赢回，流失后的订单未满所定时长；忠诚，订单数达到计划所定；"
        "活跃。历史事件不含风险，因此有风险者计入忠诚或活跃。",
    ),
    needs=(Need("purchase", ("subject",)), Need("visit", (), ("prospect",))),
    members=_members,
    once=True,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("stage", Text("Stage", "阶段"), "text", "dimension", words=Words(STAGES)),
    ),
    measures=(Customers("customers", Text("Customers", "客户")),),
    columns=(
        *share_columns(Text("Share", "占比")),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("area", x="period", y="customers", color="stage"),
)
