"""How often customers are contacted, and by how many departments in one week."""

from __future__ import annotations

from typing import ClassVar

import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Ratio, Text, Total
from analysis.parameters import Interval, Parameters

__all__ = ["CONTACT"]


class Asked(Parameters):
    """By week: a customer whom two departments write to in one is contacted twice."""

    length: ClassVar[int] = 182

    interval: Interval = Field("week", description="Periods that the figures are cut into.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer and period."""
    made = base.broken_down(base.chosen(base.within(base.of("contact_made"))))
    made = made.mutate(period=base.period_of(made.day), who=made.department.fill_null(""))
    by_department = made.group_by("period", "by", "customer", "who").agg(times=made.count())
    known = (by_department.who != "").ifelse(1, 0)
    each = by_department.group_by("period", "by", "customer").agg(contacts=by_department.times.sum(), from_=known.sum())
    return each.select(
        "period", "by", "customer", "contacts",
        double=each.from_ >= 2, once=each.contacts == 1, twice=each.contacts == 2, thrice=each.contacts == 3,
        often=each.contacts >= 4,
    )  # fmt: skip


CONTACT = Analysis(
    name="contact",
    room="service",
    title=Text("Contacts", "联系"),
    question=Text("How often do we contact customers, and who of us?", "我们多久联系客户一次，由哪些部门联系？"),
    how=Text(
        "Contacts that we made, by the local week of each. Twice contacted is a customer whom two "
        "departments or more "
        "contacted in one period; a contact that names no department is of none. What happens after many "
        "contacts need "
        "not happen because of them.",
        "我方发起的联系，按本地周计。「重复联系」指同一时期被两个或以上部门联系的客户；未注明部门的联系不属于"
        "任何部门。"
        "多次联系之后发生的事，未必因联系而起。",
    ),
    parameters=Asked,
    needs=(Need("contact_made"), Need("contact_made", ("department",), ("double",))),
    members=_members,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("By", "维度"), "text", "dimension"),
    ),
    measures=(
        Total("contacts", Text("Contacts", "联系次数")),
        Customers("customers", Text("Customers", "客户")),
        Ratio("each", Text("Contacts a customer", "人均次数"), "number", part="contacts", whole="customers"),
        Customers("double", Text("By two departments", "被两个部门联系"), where="double"),
        Customers("once", Text("Once", "一次"), where="once"),
        Customers("twice", Text("Twice", "两次"), where="twice"),
        Customers("thrice", Text("Three times", "三次"), where="thrice"),
        Customers("often", Text("Four times or more", "四次及以上"), where="often"),
    ),
    chart=Chart("stacked", x="period", y=("once", "twice", "thrice", "often")),
)
