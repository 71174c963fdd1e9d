"""What acting on risks is worth: customers whom alerts could open for against those who are left alone."""

from __future__ import annotations

from datetime import timedelta
from math import ceil, log, sqrt
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Share, Text, Total, Words
from analysis.parameters import Parameters
from profiles.money import exponent

__all__ = ["EXPERIMENT", "Outcome", "Sequence", "entered"]

_LEAST = 1000  # customers before an interval is told
_VERDICTS = Words(("brings", "harms", "no effect worth having", "not known yet", "nobody is held out"))
_TELLING = 100  # customers before it is told how many it takes
_TUNED = 4000  # customers for which it is the narrowest


class Outcome(Parameters):
    """Who is looked at, what counts, and within how long."""

    outcome: Literal["purchase", "net"] = Field("purchase", description="What counts: an order, or net of orders.")
    within: int = Field(28, ge=1, le=366, description="Days after the risk rose within which it counts.")
    threshold: float | None = Field(
        None, gt=0, lt=1, description="The risk from which on a customer is looked at; that of the plan's alerts."
    )


class Asked(Outcome):
    """Which effect would be worth having, too."""

    least: float = Field(
        0.01, gt=0, description="The smallest effect worth having: a share of 1, or for net minor units a customer."
    )


class Sequence:
    """An asymptotic confidence sequence of an average effect: valid however often it is looked at.

    Waudby-Smith and others: of the mean of ψ = (y − m)(t − e) / (e(1 − e)), with m the mean so far and e the share that
    is treated, the interval is σ √(2(nρ² + 1) / (n²ρ²) · ln(√(nρ² + 1) / α)) to each side.

    Args:
        treated: share of all that are not held out.
        confidence: of the sequence.
    """

    def __init__(self, treated: float, confidence: float) -> None:
        self._e, self._alpha = treated, 1 - confidence
        # The width is the least for n = _TUNED.
        self._rho = (-2 * log(self._alpha) + log(-2 * log(self._alpha)) + 1) / _TUNED
        self.n = 0
        self._y = self._psi = self._squares = 0.0

    def add(self, held: bool, n: int, total: float, squares: float, mean: float) -> None:
        """Customers of one arm and day: how many, the sum of their y and of its squares; `mean` is that before."""
        factor = -1 / (1 - self._e) if held else 1 / self._e
        self._psi += factor * (total - n * mean)
        self._squares += factor * factor * (squares - 2 * mean * total + n * mean * mean)
        self.n += n
        self._y += total

    @property
    def mean(self) -> float:
        """Of y so far; 0 of nobody."""
        return self._y / self.n if self.n else 0.0

    def interval(self) -> tuple[float | None, float | None, float | None]:
        """The effect, and the ends of its interval; ends are None below so many customers that they would be wrong."""
        if not self.n:
            return None, None, None
        effect = self._psi / self.n
        if self.n < _LEAST:
            return effect, None, None
        width = self._width(self.n)
        return effect, effect - width, effect + width

    def needed(self, width: float) -> int | None:
        """Customers of whom the interval reaches no further than `width` to each side, if they vary as those so far do;
        None of fewer than can tell that, or who do not vary."""
        if self.n < _TELLING or not self._width(self.n):
            return None
        least, most = 1, 2
        while self._width(most) > width:
            least, most = most, most * 2
        while most - least > 1:
            middle = (least + most) // 2
            least, most = (middle, most) if self._width(middle) > width else (least, middle)
        return max(most, _LEAST)

    def _width(self, n: int) -> float:
        """How far the interval would reach to each side of n customers."""
        effect = self._psi / self.n
        sigma = sqrt(max(self._squares / self.n - effect * effect, 0.0))
        spread = n * self._rho
        return sigma * sqrt(2 * (spread + 1) / (n * spread) * log(sqrt(spread + 1) / self._alpha))


def entered(base: Base, asked: Outcome) -> ir.Table:
    """A row for each customer whose risk rose to the threshold for the first time in the period.

    Args:
        base: of the question.
        asked: whom it looks at, and within how long what follows counts.

    Returns:
        `customer`, the `day` of the rise, the `risk` then, `held_out`, the `orders` and the `net` (whole minor units)
        that followed, and whether the days within which they count are over, `closed`.
    """
    least = asked.threshold or base.frame.threshold
    risky = base.spells.filter((base.spells.risk >= least).fill_null(False))
    first = base.within(risky.group_by("customer").agg(day=risky.day.min(), risk=risky.risk.argmin(risky.day)))
    orders = base.orders.select("customer", "net", ordered="day")
    joined = first.left_join(orders, "customer")
    after = (joined.ordered > joined.day) & (joined.ordered <= joined.day + ibis.interval(days=asked.within))
    each = joined.mutate(after=after.fill_null(False)).group_by("customer", "day").agg(
        orders=lambda t: t.after.ifelse(1, 0).sum(), net=lambda t: t.after.ifelse(t.net, 0).sum(),
        risk=lambda t: t.risk.max(),
    )  # fmt: skip
    arms = base.people.select("customer", "held_out")
    found = each.inner_join(arms, "customer").select(each, arms.held_out)
    return found.mutate(closed=found.day + ibis.interval(days=asked.within) < ibis.date(base.today))


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer whose risk rose, by the period it rose in, with what followed."""
    found = entered(base, asked)
    closed, held, bought = found.closed, found.held_out, found.orders > 0
    return found.select(
        "customer", "day", period=base.period_of(found.day), open=~closed,
        acted=closed & ~held, held=closed & held, acted_bought=closed & ~held & bought,
        held_bought=closed & held & bought,
        acted_net=(closed & ~held).ifelse(found.net, 0), held_net=(closed & held).ifelse(found.net, 0),
        y=bought.ifelse(1.0, 0.0) if asked.outcome == "purchase" else found.net.cast("float64"),
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Effect and interval of all until the end of each period."""
    if not base.frame.hold_out:
        for row in rows:
            row |= {
                "effect": None,
                "effect_low": None,
                "effect_high": None,
                "verdict": "nobody is held out",
                "weeks": None,
            }
        return rows
    members = _members(base, asked)
    done = members.filter(~members.open)
    days = done.group_by("period", "day", "held").agg(
        n=done.count(), total=done.y.sum(), squares=(done.y * done.y).sum()
    )
    found = base.engine.fetch(days.order_by(["day", "held"])).to_pylist()
    sequence = Sequence(1 - base.frame.hold_out, base.frame.confidence)
    scale = 100.0 if asked.outcome == "purchase" else 100 / 10 ** exponent(base.frame.currency)
    for row in rows:
        theirs = [each for each in found if each["period"] == row["period"]]
        for day in sorted({each["day"] for each in theirs}):
            mean = sequence.mean
            for each in theirs:
                if each["day"] == day:
                    sequence.add(each["held"], each["n"], each["total"], each["squares"], mean)
        effect, low, high = sequence.interval()
        row["verdict"] = _verdict(low, high, asked.least)
        row["weeks"] = _weeks(sequence, found, row, base, asked) if row["verdict"] == "not known yet" else None
        for name, value in (("effect", effect), ("effect_low", low), ("effect_high", high)):
            row[name] = None if value is None else value * scale
    return rows


def _weeks(sequence: Sequence, found: list[Row], row: Row, base: Base, asked: Asked) -> int | None:
    """Weeks after the period until the interval is as narrow as the smallest effect worth having, if as many customers
    come to be at risk as did so far."""
    needed = sequence.needed(asked.least)
    if needed is None:
        return None
    closed = base.today - timedelta(days=asked.within + 1)
    days = (min(base.frame.next(row["period"], asked.interval) - timedelta(days=1), closed) - found[0]["day"]).days + 1
    each_day: float = sequence.n / max(days, 1)
    return ceil(max(needed - sequence.n, 0) / each_day / 7)


def _verdict(low: float | None, high: float | None, least: float) -> str:
    if low is None or high is None:
        return "not known yet"
    if low > 0:
        return "brings"
    if high < 0:
        return "harms"
    return "no effect worth having" if -least < low and high < least else "not known yet"


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    last = rows[-1]
    low, high = last["effect_low"], last["effect_high"]
    if last["verdict"] in ("brings", "harms") and low is not None and high is not None:
        of_orders = asked.outcome == "purchase"
        ends = sorted(abs(end) for end in (low, high))
        what, zh = ("orders", "单") if of_orders else (f"{base.frame.currency} net", f"{base.frame.currency} 净额")
        verb, verb_zh = ("brings", "带来") if last["verdict"] == "brings" else ("costs", "损失")
        return Text(
            f"Acting on risks {verb} between {ends[0]:.1f} and {ends[1]:.1f} {what} per 100 customers.",
            f"针对风险采取行动，每 100 位客户{verb_zh} {ends[0]:.1f} 至 {ends[1]:.1f} {zh}。",
        )
    if last["verdict"] == "not known yet" and last["weeks"] is not None:
        return Text(
            f"What acting on risks is worth is not known yet: enough in about {last['weeks']:,} weeks.",
            f"针对风险采取行动的价值尚不可知：约 {last['weeks']:,} 周后样本足够。",
        )
    words = {
        "not known yet": Text("What acting on risks is worth is not known yet.", "针对风险采取行动的价值尚不可知。"),
        "no effect worth having": Text(
            "Acting on risks has no effect worth having.", "针对风险采取行动没有值得拥有的效果。"
        ),
        "nobody is held out": Text(
            "Nobody is held out, so nothing can be told: `churn.hold_out` of the plan.",
            "没有保留对照组，因此无法得知：见计划的 `churn.hold_out`。",
        ),
    }
    return words.get(last["verdict"])


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    acted, held, still = (sum(row[name] for row in rows) for name in ("acted", "held", "open"))
    if not rows:
        return []
    return [
        Text(
            f"{acted:,} customers, of whom alerts could open for all, against {held:,} held out; {still:,} are left "
            "out, whose days are not over.",
            f"{acted:,} 位可触发提醒的客户对比 {held:,} 位保留客户；{still:,} 位观察期未满，未计入。",
        )
    ]


EXPERIMENT = Analysis(
    name="experiment",
    without=("grain", "by", "product", "category", "channel", "campaign", "against"),
    reasons={"against": "compares two groups of customers, and each period is added to those before"},
    room="marketing",
    title=Text("What acting on risks brings", "风险行动的效果"),
    question=Text(
        "Do customers whom we act for buy more than those we leave alone?", "我们采取行动的客户是否比不干预者买得更多？"
    ),
    how=Text(
        "For a share of customers (`churn.hold_out` of the plan, drawn by the letters of their ids) no alert on a risk "
        "opens. Everybody whose risk rose to the threshold for the first time in the period counts, by the archive's "
        "profiles by day, whether or not anybody dealt with them: what is compared is meaning to act, not having "
        "acted. Of each it counts whether an order, or how much net, followed within so many days; who has had fewer "
        "is left out. The effect is the mean of (y − m)(t − e) / (e(1 − e)), m the mean before, e the share that is "
        "not held out, over all until the end of the period, with an asymptotic confidence sequence, which stays "
        f"valid however often one looks; from {_LEAST} customers on; of 100 customers, in orders or in money. "
        "Merged customers are in the arm of the one that remained. While nothing is known, it says in how many weeks "
        "the interval will reach no further than the smallest effect worth having (`least`) to each side, if as many "
        f"come to be at risk as did so far, and vary as much; from {_TELLING} customers on.",
        "部分客户（计划的 `churn.hold_out`，按编号字母抽取）不会触发风险提醒。"
        "此期间风险首次升至阈值的所有客户都计入（取自"
        "每日档案），无论是否有人处理过：比较的是意向处理。每位客户计其后若干天内是否下单或净额多少；"
        "未满天数者不计。效果"
        "为截至期末所有客户 (y − m)(t − e) / (e(1 − e)) 的平均，m 为此前均值，e 为未保留的比例，附渐近置信序列，"
        "可随时查看"
        f"而仍有效；自 {_LEAST} 位客户起给出。以每百位客户的订单数或金额表示。合并的客户归入保留下来的一方。"
        "结果未知时，给出若到达风险的客户数与变异如前，约多少周后区间两侧不超过最小值得的效果（`least`）；"
        f"自 {_TELLING} 位客户起给出。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("amount", "subject")),),
    members=_members,
    dimensions=(Column("period", Text("Risk rose in", "风险升高时期"), "date", "dimension"),),
    measures=(
        Customers("acted", Text("Alerts could open", "可触发提醒"), where="acted"),
        Customers("acted_bought", Text("Of these, bought", "其中购买"), where="acted_bought"),
        Share("acted_share", Text("Share", "占比"), part="acted_bought", whole="acted"),
        Total("acted_net", Text("Net of these", "其净额"), "money"),
        Customers("held", Text("Held out", "保留"), where="held"),
        Customers("held_bought", Text("Of these, bought (held out)", "保留者中购买"), where="held_bought"),
        Share("held_share", Text("Share (held out)", "占比（保留）"), part="held_bought", whole="held"),
        Total("held_net", Text("Net of these (held out)", "其净额（保留）"), "money"),
        Customers("open", Text("Days not over", "观察期未满"), where="open"),
    ),
    columns=(
        Column("effect", Text("Effect so far, of 100 customers", "累计效果（每百位客户）"), "points"),
        Column("effect_low", Text("lowest", "下限"), "points", "note"),
        Column("effect_high", Text("highest", "上限"), "points", "note"),
        Column("weeks", Text("Enough in so many weeks", "约若干周后足够"), "count", "note"),
        Column("verdict", Text("Verdict", "结论"), "text", "note", words=_VERDICTS),
    ),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("lines", x="period", y="effect", low="effect_low", high="effect_high"),
)
