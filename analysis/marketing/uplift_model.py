"""Whether those whom the model ranks high gain most from being acted on: the Qini curve, on randomised data."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.marketing.experiment import Outcome, entered
from analysis.relations.ranking import tenth
from profiles.money import exponent

__all__ = ["UPLIFT_MODEL", "qini_area"]

Floats = NDArray[np.float64]

_DRAWS = 1000  # of the bootstrap
_SEED = 16
_VERDICTS = Words(("gain more", "gain less", "cannot be told", "too few", "nobody is held out"))


def qini_area(sums: Floats) -> float | None:
    """The area between the Qini curve and the straight line to its end, not divided by anything.

    Args:
        sums: a row for each group of customers, the highest risks first: how many were treated, what these kept, how
            many were held out, what these kept.

    Returns:
        In what is kept, over all shares of the customers from none to all; None where nobody is held out.
    """
    acted, acted_kept, held, held_kept = np.cumsum(sums, axis=0).T
    there = held > 0
    if not there.any() or not there[-1]:
        return None
    share = (acted + held) / (acted[-1] + held[-1])
    uplift = acted_kept[there] - held_kept[there] * (acted[there] / held[there])
    x, y = np.append(0.0, share[there]), np.append(0.0, uplift)
    return float(np.trapezoid(y - x * y[-1], x))


def _members(base: Base, asked: Outcome) -> ir.Table:
    """A row for each customer whose risk rose and whose days are over, by the tenth of that risk."""
    found = entered(base, asked)
    found = found.filter(found.closed)
    ranked = found.mutate(
        place=ibis.row_number().over(ibis.window(order_by=[ibis.desc("risk"), ibis.asc("customer")])),
        of=found.count().over(ibis.window()),
    )
    held, bought = ranked.held_out, ranked.orders > 0
    return ranked.select(
        "customer", tenth=tenth(ranked.place, ranked.of), acted=~held, held=held, acted_bought=~held & bought,
        held_bought=held & bought, acted_net=held.ifelse(0, ranked.net), held_net=held.ifelse(ranked.net, 0),
        kept=(bought.ifelse(1, 0) if asked.outcome == "purchase" else ranked.net).cast("int64"),
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Outcome) -> list[Row]:
    """The curve from the highest risks on, and in the last row the area with its interval."""
    for row in rows:
        row.update(dict.fromkeys(column.name for column in _COLUMNS))
    if not rows:
        return rows
    last, money = rows[-1], asked.outcome == "net"
    names = ("acted", "acted_net" if money else "acted_bought", "held", "held_net" if money else "held_bought")
    sums = np.array([[float(row[name]) for name in names] for row in rows])
    so_far = np.cumsum(sums, axis=0)
    whole = so_far[-1, 0] + so_far[-1, 2]
    for row, (acted, _, held, _) in zip(rows, so_far, strict=True):
        row["of_customers"] = float((acted + held) / whole)
    if not base.frame.hold_out:
        last["verdict"] = "nobody is held out"
        return rows
    scale = 10.0 ** -exponent(base.frame.currency) if money else 1.0
    smallest, few = base.frame.smallest, base.frame.few
    last["verdict"] = "too few"
    if min(so_far[-1, 0], so_far[-1, 2]) < smallest:
        return rows
    end = _uplift(so_far[-1]) * scale
    for row, each in zip(rows, so_far, strict=True):
        row["line"] = row["of_customers"] * end
        if min(each[0], each[2]) >= smallest:
            row["uplift"] = _uplift(each) * scale
    area = qini_area(sums)
    last["area"] = None if area is None else area * scale
    if min(so_far[-1, 0], so_far[-1, 2]) >= few:
        low, high = (float(value) * scale for value in _interval(base, asked))
        last |= {"area_low": low, "area_high": high, "verdict": _verdict(low, high)}
    return rows


def _uplift(so_far: Floats) -> float:
    """What the treated kept more than as many of the held-out did."""
    acted, acted_kept, held, held_kept = so_far
    return float(acted_kept - held_kept * acted / held)


def _interval(base: Base, asked: Outcome) -> Floats:
    """The ends of the area's percentile interval, of as many customers drawn with replacement, so often.

    The edges of the tenths stay at the risks where they are. Customers of one tenth and arm who kept the same are
    alike, so it is drawn how many of each kind come, which is the same and asks less.
    """
    members = _members(base, asked)
    kinds = members.group_by("tenth", "held", "kept").agg(n=members.count())
    found = sorted(
        (row["tenth"], row["held"], row["kept"], row["n"]) for row in base.engine.fetch(kinds).to_pylist()
    )  # engines give them in any order, and what is drawn hangs on it
    tenths, held, kept, n = (np.array(column) for column in zip(*found, strict=True))
    values = np.stack([~held, ~held * kept, held, held * kept], axis=1).astype(np.float64)
    starts = np.flatnonzero(np.diff(tenths, prepend=tenths[0] - 1))
    rng, every = np.random.default_rng(_SEED), int(n.sum())
    areas = []
    for _ in range(_DRAWS):
        drawn = rng.multinomial(every, n / every)
        area = qini_area(np.add.reduceat(values * drawn[:, None], starts, axis=0))
        if area is not None:
            areas.append(area)
    beyond = (1 - base.frame.confidence) / 2
    ends: Floats = np.quantile(areas, [beyond, 1 - beyond])
    return ends


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "gain more"
    return "gain less" if high < 0 else "cannot be told"


def _sentence(rows: list[Row], base: Base, asked: Outcome) -> Text | None:
    last = rows[-1]
    verdict, low, high = last["verdict"], last["area_low"], last["area_high"]
    if verdict in ("gain more", "gain less"):
        least, most = sorted(abs(end) for end in (low, high))
        of_orders = asked.outcome == "purchase"
        net = Text(f"{base.frame.currency} net", f"{base.frame.currency} 净额")
        what = Text("customers", "位客户") if of_orders else net
        more, more_zh = ("more", "多") if verdict == "gain more" else ("less" if not of_orders else "fewer", "少")
        return Text(
            f"Whom the model ranks high {verdict} from being acted on: the highest risks first, that keeps between "
            f"{least:,.1f} and {most:,.1f} {what.en} {more} than as many drawn by lot, on average over how many it is "
            "done for.",
            f"模型排名靠前者从行动中获益更{more_zh}：按风险从高到低行动，比随机抽取同样人数平均{more_zh}保留 "
            f"{least:,.1f} 至 {most:,.1f} {what.zh}（对行动人数取平均）。",
        )
    words = {
        "cannot be told": Text(
            "Whether those whom the model ranks high gain more from being acted on cannot be told: the interval of "
            "the area holds 0.",
            "模型排名靠前者是否从行动中获益更多，尚无法判断：面积的区间包含 0。",
        ),
        "too few": Text(
            "Whether those whom the model ranks high gain more from being acted on is not told of so few: it takes "
            f"{base.frame.few} customers of either arm.",
            f"人数太少，无法判断模型排名靠前者是否从行动中获益更多：两组各需 {base.frame.few} 位客户。",
        ),
        "nobody is held out": Text(
            "Nobody is held out, so nothing can be told: `churn.hold_out` of the plan.",
            "没有保留对照组，因此无法得知：见计划的 `churn.hold_out`。",
        ),
    }
    return words.get(verdict)


def _notes(rows: list[Row], base: Base, asked: Outcome) -> list[Text]:
    found = entered(base, asked)
    counted = found.agg(still=found.closed.ifelse(0, 1).sum())
    [row] = base.engine.fetch(counted).to_pylist()
    acted, held = (sum(row[name] for row in rows) for name in ("acted", "held"))
    still = row["still"] or 0
    if not rows and not still:
        return []
    return [
        Text(
            f"{acted:,} customers, of whom alerts could open for all, against {held:,} held out; {still:,} are left "
            "out, whose days are not over.",
            f"{acted:,} 位可触发提醒的客户对比 {held:,} 位保留客户；{still:,} 位观察期未满，未计入。",
        )
    ]


_COLUMNS = (
    Column("of_customers", Text("Customers so far", "累计客户"), "share", "note"),
    Column("uplift", Text("Kept more so far", "累计多保留"), "points"),
    Column("line", Text("Drawn by lot", "随机抽取"), "points"),
    Column("area", Text("Area between them", "两者间面积"), "points"),
    Column("area_low", Text("lowest", "下限"), "points", "note"),
    Column("area_high", Text("highest", "上限"), "points", "note"),
    Column("verdict", Text("Those ranked high", "排名靠前者"), "text", "note", words=_VERDICTS),
)


UPLIFT_MODEL = Analysis(
    name="uplift_model",
    without=("grain", "interval", "by", "product", "category", "channel", "campaign", "against"),
    reasons={"against": "compares two groups of customers"},
    room="marketing",
    title=Text("Who gains from acting on risks", "谁从风险行动中获益"),
    question=Text(
        "Do those whom the model ranks high gain most from being acted on?", "模型排名靠前的客户是否从行动中获益最多？"
    ),
    how=Text(
        "Customers, arms and outcome are those of `experiment`: everybody whose risk rose to the threshold for the "
        "first time in the period, those for whom alerts could open (treated, whether or not anybody dealt with them) "
        "against those who are held out by lot (`churn.hold_out` of the plan); of each whether an order, or how much "
        "net, followed within so many days; who has had fewer is left out. They are ranked by the risk of the day on "
        "which it rose, the highest first (equal ones by id, which tells nothing of the arm), and cut into ten equal "
        "groups; what became known later is not used. "
        "The Qini curve is, over all until the end of a tenth, what the treated kept − what the held-out kept · "
        "treated / held out; the straight line to its end is what the same number drawn by lot would give. The area "
        "between them, by trapezes over the share of customers from 0 to 1, is not divided by anything: it is how "
        "much more is kept by going from the highest risks down than by lot, on average over where one stops, in "
        "customers or in whole units of the currency; it stands in the last row. Points and area are blank below the "
        "plan's smallest number (`analyses.smallest`) of either arm, points without anybody held out are passed over "
        f"by a straight line. Its interval is of a bootstrap: {_DRAWS:,} times as many customers drawn with "
        "replacement, always the same draws, edges of tenths at the risks where they are; percentiles by "
        "`analyses.confidence`, told from thirty customers of either arm on. All of it above 0: whom the model ranks "
        "high gain more; below: less; else it cannot be told. Below the threshold nobody is looked at, so that it says "
        "nothing of them; a lower one than the alerts' ranks many for whom none opened yet. Merged customers are in "
        "the arm of the one that remained. Unlike `experiment` it is not valid however often one looks.",
        "客户、分组与结果同 `experiment`：此期间风险首次升至阈值的所有客户，可触发提醒者（无论是否有人处理过）对"
        "比随机保留者（计划的 `churn.hold_out`）；每位计其后若干天内是否下单或净额多少；未满天数者不计。按风险升"
        "高当日的风险从高到低排列（相等者按编号，与分组无关），分为十个等分组；其后才知道的不用。Qini 曲线为：截"
        "至某十分位的全部客户中，处理组保留数 − 保留组保留数 × 处理人数 ÷ 保留人数；到其终点的直线为随机抽取同样"
        "人数的结果。两者之间的面积按客户占比从 0 到 1 用梯形计算，不作任何归一化：即从最高风险起行动比随机多保留"
        "多少，对行动到何处取平均，以客户数或货币整单位计，列于末行。任一组少于计划的最小人数（"
        "`analyses.smallest`）时点与面积不予显示；尚无保留客户的点以直线越过。区间用自助法：有放回抽取同样人数的"
        f"客户 {_DRAWS:,} 次，抽样固定，十分位边界按原有风险不变；分位数取 `analyses.confidence`，两组各满三十位客"
        "户起给出。区间全在 0 以上：模型排名靠前者获益更多；以下：更少；否则无法判断。低于阈值者不计，故对其无结"
        "论；阈值低于提醒阈值时，许多客户尚未触发提醒。合并的客户归入保留下来的一方。与 `experiment` 不同，不宜反"
        "复查看。",
    ),
    parameters=Outcome,
    needs=(Need("purchase", ("amount", "subject")),),
    members=_members,
    once=True,
    dimensions=(Column("tenth", Text("Tenth by risk", "风险十分位"), "count", "dimension"),),
    measures=(
        Customers("acted", Text("Alerts could open", "可触发提醒"), where="acted"),
        Customers("acted_bought", Text("Of these, bought", "其中购买"), where="acted_bought"),
        Total("acted_net", Text("Net of these", "其净额"), "money"),
        Customers("held", Text("Held out", "保留"), where="held"),
        Customers("held_bought", Text("Of these, bought (held out)", "保留者中购买"), where="held_bought"),
        Total("held_net", Text("Net of these (held out)", "其净额（保留）"), "money"),
    ),
    columns=_COLUMNS,
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("lines", x="tenth", y=("uplift", "line")),
)
