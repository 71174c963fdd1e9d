"""From which stage into which customers move."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Words
from analysis.parameters import Parameters
from analysis.relations.staged import STAGES, staged
from analysis.shares import of_whole, share_columns

__all__ = ["STAGE_MOVES"]

_NEVER = "not there"
_STAGES = Words((_NEVER, *STAGES))


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each customer in each period but the first: the stage at its end, and at the end of the one before."""
    each = staged(base)
    before = each.stage.lag().over(ibis.window(group_by="customer", order_by="period"))
    each = each.mutate(before=before.fill_null(_NEVER))
    first = base.frame.start_of(asked.period(base.frame)[0], asked.interval)
    return each.filter(each.period > ibis.date(first)).rename(after="stage")


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """Shares of those who were in the stage before."""
    whole: dict[object, int] = {}
    for row in rows:
        key = row["period"], row["before"]
        whole[key] = whole.get(key, 0) + row["customers"]
    for row in rows:
        row.update(of_whole(row["customers"], whole[row["period"], row["before"]], base.frame))
        row["complete"] = base.complete(row["period"])
    order = (_NEVER, *STAGES)
    return sorted(rows, key=lambda row: (row["period"], order.index(row["before"]), order.index(row["after"])))


STAGE_MOVES = Analysis(
    name="stage_moves",
    without=("by", "product", "category", "channel", "campaign"),
    room="growth",
    title=Text("Moves between stages", "阶段流转"),
    question=Text("From which stage into which do customers move?", "客户从哪个阶段流向哪个阶段？"),
    how=Text(
        "Customers by their stage at the end of the period before and at the end of this one, as of the analysis of "
        "stages. What lies between both ends is not seen: who was lost and won back in one period moves from active to "
        "won back. Shares are of those who were in the stage before.",
        "按客户在上期末与本期末的阶段统计（阶段定义同“客户阶段”）。两端之间的变化不可见：同一时期内流失又赢回者记为由"
        "活跃到赢回。占比以上期处于该阶段者为分母。",
    ),
    needs=(Need("purchase", ("subject",)), Need("visit", (), ("prospect",))),
    members=_members,
    once=True,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("before", Text("From", "自"), "text", "dimension", words=_STAGES),
        Column("after", Text("To", "至"), "text", "dimension", words=_STAGES),
    ),
    measures=(Customers("customers", Text("Customers", "客户")),),
    columns=(
        *share_columns(Text("Of those who were there", "占原阶段")),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("sankey", x="before", y="customers", color="after"),
)
