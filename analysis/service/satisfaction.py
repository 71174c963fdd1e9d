"""What customers answer when they are asked: CSAT, NPS, CES and reviews by period."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Need, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.statistics import share
from profiles.daily.noting import BAD, GOOD

__all__ = ["SATISFACTION", "Asked", "promoter_score"]


class Asked(Parameters):
    """Which questions."""

    kind: str = Field("", description="Only csat, nps, ces or review; all unless said.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each answer; of the NPS one a customer and period, the newest."""
    kinds = [asked.kind] if asked.kind in GOOD else list(GOOD)
    answers = base.chosen(base.within(base.of(*kinds))).filter(lambda t: t.rating.notnull())
    answers = base.broken_down(answers).mutate(period=base.period_of(answers.day))
    newest = ibis.window(
        group_by=["customer", "role", "period"],
        order_by=[ibis.desc("us"), ibis.desc("log_partition"), ibis.desc("log_offset")],
    )
    answers = answers.mutate(_place=ibis.row_number().over(newest))
    answers = answers.filter((answers.role != "nps") | (answers._place == 0))

    def beyond(bounds: dict[str, int], *, least: bool) -> ir.BooleanValue:
        cases = []
        for kind, bound in bounds.items():
            rated = answers.rating >= bound if least else answers.rating <= bound
            cases.append(((answers.role == kind), rated))
        return ibis.cases(*cases, else_=ibis.literal(False))

    return answers.select(
        "period", "by", "customer", kind="role", rated="rating",
        good=beyond(GOOD, least=True), bad=beyond(BAD, least=False),
    )  # fmt: skip


def promoter_score(good: int, bad: int, answers: int) -> tuple[float, float, float]:
    """The NPS, −100 to 100, and its adjusted Wald interval of 95 % (Rocks 2016: three answers are added)."""
    n, p, d = answers + 3, (good + 0.75) / (answers + 3), (bad + 0.75) / (answers + 3)
    width = 1.96 * math.sqrt((p + d - (p - d) ** 2) / n)
    low, high = 100 * (p - d - width), 100 * (p - d + width)
    return 100 * (good - bad) / answers, max(low, -100.0), min(high, 100.0)


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    for row in rows:
        answers = row["answers"]
        row["mean"] = row.pop("rated") / answers if answers else None
        if row["kind"] == "nps":
            row["score"], row["low"], row["high"] = promoter_score(row["good"], row["bad"], answers)
        else:
            low, high = share(row["good"], answers, base.frame.confidence)
            row["score"], row["low"], row["high"] = 100 * row["good"] / answers, 100 * low, 100 * high
        row["complete"] = base.complete(row["period"])
        if answers < base.frame.smallest:
            row["score"] = row["low"] = row["high"] = row["mean"] = None
    return rows


SATISFACTION = Analysis(
    name="satisfaction",
    room="service",
    title=Text("Satisfaction", "满意度"),
    question=Text("How satisfied are those who answer?", "作答的客户有多满意？"),
    how=Text(
        "CSAT and reviews: answers of 4 or 5 of 5, of all answers. CES: 5 to 7 of 7. Both with Wilson's "
        "interval. NPS: "
        "100 · (promoters − detractors) / answers, of each customer the newest answer of the period, with "
        "the adjusted "
        "Wald interval. Who did not answer is not neutral and not in it. Under 30 answers are marked as few.",
        "CSAT 与评价：5 分制中 4–5 分的答案占全部答案的比例；CES：7 分制中 5–7 分；均附 Wilson 区间。NPS：100"
        " ·（推荐者 − "
        "贬损者）/ 答案数，每位客户取该期最新一次作答，附调整 Wald 区间。未作答者不视为中立，也不计入。少于 3"
        "0 份会标出。",
    ),
    parameters=Asked,
    needs=(Need("csat|nps|ces|review", ("rating",)), Need("survey_asked", (), ("response rate",))),
    members=_members,
    dimensions=(
        Column("kind", Text("Question", "问题"), "text", "dimension", words=Words(("csat", "nps", "ces", "review"))),
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("By", "维度"), "text", "dimension"),
    ),
    measures=(
        Count("answers", Text("Answers", "答案")),
        Count("good", Text("Satisfied", "满意"), where="good"),
        Count("bad", Text("Dissatisfied", "不满意"), where="bad"),
        Total("rated", Text("Sum of marks", "评分之和"), "points"),
    ),
    columns=(
        Column("score", Text("Score", "得分"), "points", whole="answers"),
        Column("low", Text("lowest", "下限"), "points", "note"),
        Column("high", Text("highest", "上限"), "points", "note"),
        Column("mean", Text("Mean mark", "平均分"), "points", whole="answers"),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("lines", x="period", y="score", color="kind", low="low", high="high"),
)
