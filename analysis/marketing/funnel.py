"""The funnel: how many of those who begin go how far, in which time, and where the others stay."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import ClassVar, NamedTuple, Self

import ibis
import ibis.expr.types as ir
from pydantic import Field, field_validator

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Quantile, Row, Share, Text, Words
from analysis.engines.engine import FACTS
from analysis.framing import Frame
from analysis.parameters import Parameters
from analysis.relations.lines import by_product
from plan.model import ROLES
from profiles.errors import WrongUse

__all__ = ["FUNNEL", "Step", "steps_of"]

_NEVER = -(2**62)

HELD = ("", "product", "category", "subject", "channel", "device", "utm_campaign", "company", "feature", "plan")


class Step(NamedTuple):
    """One step: what is done, of which events that carry what, and whether it may be left out."""

    role: str
    where: tuple[tuple[str, str], ...]  # a column of the facts and its value
    optional: bool


_STEP = re.compile(r"\s*([a-z_]+)\s*(?:\[([^\]]*)\])?\s*(\??)\s*")


def steps_of(said: str) -> list[Step]:
    """The steps of a text such as `view[category=shoes], cart, checkout?, purchase`.

    Raises:
        ValueError: it is no list of two to ten steps, or names a fact that no event has.
    """
    steps = []
    for part in re.split(r",(?![^\[]*\])", said):
        found = _STEP.fullmatch(part)
        if found is None:
            raise ValueError(f"{part.strip()!r} is no step: write a role, such as view, view[category=shoes] or cart?")
        wheres = [each.partition("=") for each in (found[2] or "").split(",") if each.strip()]
        for name, equals, _ in wheres:
            if not equals or FACTS.get(name.strip()) != "string":
                raise ValueError(f"{name.strip()!r} is no fact of an event that is a word")
        steps.append(Step(found[1], tuple((n.strip(), value.strip()) for n, _, value in wheres), bool(found[3])))
    if not 2 <= len(steps) <= 10:
        raise ValueError("a funnel has two to ten steps")
    if steps[0].optional or steps[-1].optional:
        raise ValueError("the first and the last step of a funnel cannot be optional")
    return steps


class Asked(Parameters):
    """Which steps, within how long, and what has to stay the same."""

    length: ClassVar[int] = 91

    name: str = Field("", description="A funnel of the plan, by its name.")
    steps: str = Field(
        "view, cart, checkout, purchase",
        description="Roles in their order; `?` behind one that may be left out, `[channel=web]` for some events of it.",
    )
    window: float = Field(7, gt=0, le=366, description="Days from the first step within which the others count.")
    hold: str = Field("", description="A fact that has to be the same in all steps, such as product.")

    @field_validator("steps")
    @classmethod
    def _read(cls, said: str) -> str:
        steps_of(said)
        return said

    @field_validator("hold")
    @classmethod
    def _known(cls, said: str) -> str:
        if said not in HELD:
            raise ValueError(f"what stays the same is one of {', '.join(HELD[1:])}")
        return said

    def by_plan(self, name: str, frame: Frame) -> Self:
        if self.name and self.name not in frame.funnels:
            raise WrongUse(f"the plan has no funnel {self.name!r}; it has {', '.join(frame.funnels) or 'none'}")
        if not self.name and "steps" in self.model_fields_set:
            return self
        said = frame.funnels[self.name] if self.name else frame.defaults.get(name, {})
        made = self.model_copy(update={key: value for key, value in said.items() if key not in self.model_fields_set})
        try:
            steps_of(made.steps)
        except ValueError as error:
            raise WrongUse(f"the plan's funnel {self.name!r}: {error}") from None
        return made


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row at each step for everybody who began, with how far their best attempt went."""
    steps = steps_of(asked.steps)
    window = int(asked.window * 86_400e6)
    since, until = asked.period(base.frame)
    begun, later = _reached(base, asked, steps, window, since, until)
    first = begun.group_by("customer").agg(entered=lambda t: t.us.min())
    # The best attempt went furthest; of those that went as far, the one that was there first.
    attempts = later.group_by("customer", "held", "start").agg(
        furthest=lambda t: t.step.max(), arrived=lambda t: t.us.max()
    )
    best = ibis.window(
        group_by="customer",
        order_by=[ibis.desc("furthest"), ibis.asc("arrived"), ibis.desc("start"), ibis.asc("held")],
    )
    attempts = attempts.mutate(_rank=ibis.row_number().over(best)).filter(lambda t: t._rank == 0)
    attempts = attempts.select("customer", "held", "start", "furthest")
    # Of those who came to no second step it is the first beginning.
    at_once = first.select("customer", held=ibis.literal(""), start="entered")
    if asked.hold:
        at_once = begun.inner_join(first, "customer").select(begun.customer, begun.held, begun.us, start=first.entered)
        at_once = (
            at_once.filter(at_once.us == at_once.start).group_by("customer", "start").agg(held=lambda t: t.held.min())
        )
    at_once = at_once.select("customer", "held", "start")
    at_once = at_once.anti_join(attempts, "customer").mutate(furthest=ibis.literal(1).cast("int64"))
    attempts = attempts.mutate(furthest=attempts.furthest.cast("int64")).union(at_once)
    # Whoever began so lately that the window has not ended may yet go on, and is in no rate.
    entrants = attempts.inner_join(first, "customer").select(
        attempts, closed=first.entered + window < base.frame.now_us
    )
    entrants = _by_beginning(base, entrants, begun)
    grid = entrants.cross_join(_steps(len(steps)))
    joined = grid.left_join(later, ["customer", "held", "start", "step"])
    us = ibis.ifelse(grid.step == 1, grid.start, later.us)
    here = us.notnull()
    required = [number for number, step in enumerate(steps, 1) if not step.optional]
    table = joined.select(
        *[grid[name] for name in ("by", "step", "customer", "closed", "furthest")],
        here=here,
        seconds=ibis.ifelse(here & grid.closed, (us - grid.start) / 1e6, ibis.null("float64")),
    )
    # The step before is the last one that may not be left out.
    last = [max((n for n in required if n < number), default=1) for number in range(1, len(steps) + 1)]
    there = table.furthest >= ibis.cases(*[(table.step == n, before) for n, before in enumerate(last, 1)])
    return table.mutate(
        converted=table.here & table.closed,
        previous=there & table.closed,
        dropped=there & table.closed & ~table.here,
        open=~table.closed,
        open_reached=~table.closed & table.here,
    )


def _reached(
    base: Base, asked: Asked, steps: list[Step], window: int, since: date, until: date
) -> tuple[ir.Table, ir.Table]:
    """The events that may begin an attempt; and when each attempt reached each step after the first.

    For each event of a step, `start` is the latest beginning of a chain that came to the step before it earlier: one
    pass over a customer's events in their order, each looking at those before it only, so that none is two steps.
    """
    after = until + timedelta(days=int(asked.window) + 2)
    events = base.of(*dict.fromkeys(step.role for step in steps))
    events = events.filter((events.day >= ibis.date(since)) & (events.day < ibis.date(after)))
    if asked.hold in ("product", "category"):
        events = by_product(events)
    if asked.hold:
        events = events.mutate(held=events[asked.hold].fill_null("")).filter(lambda t: t.held != "")
    else:
        events = events.mutate(held=ibis.literal(""))
    matches = {f"s{number}": _is(events, step) for number, step in enumerate(steps, 1)}
    events = events.mutate(**matches)
    inside = (events.day >= ibis.date(since)) & (events.day < ibis.date(until))
    events = events.mutate(begins=events.s1 & inside & base.fits(events))
    rows = events.select("customer", "held", "us", "log_partition", "log_offset", "begins", *matches)
    rows = rows.distinct() if asked.hold == "category" else rows  # of which an event may have several products
    rows = rows.mutate(place=ibis.cases(*[(rows[name], number) for number, name in enumerate(matches, 1)], else_=0))
    rows = rows.filter(rows.place > 0)
    before = ibis.window(
        group_by=["customer", "held"], order_by=["us", "place", "log_partition", "log_offset"], preceding=(None, 1)
    )
    rows = rows.mutate(c1=ibis.ifelse(rows.begins, rows.us, ibis.null("int64")))
    parts = []
    for number in range(2, len(steps) + 1):
        sources = _sources(steps, number)
        # Only what is this step or a later one, or may lie right before it, has to do with it.
        rows = rows.filter(ibis.or_(*[rows[f"s{each}"] for each in range(sources[-1], len(steps) + 1)]))
        reached = [rows[f"c{source}"].fill_null(_NEVER) for source in sources]
        came = ibis.greatest(*reached) if len(reached) > 1 else reached[0]
        rows = rows.mutate(_came=came)
        rows = rows.mutate(_latest=rows._came.max().over(before).fill_null(_NEVER))
        counts = rows[f"s{number}"] & (rows._latest > _NEVER) & (rows.us - rows._latest <= window)
        rows = rows.mutate(**{f"c{number}": ibis.ifelse(counts, rows._latest, ibis.null("int64"))})
        there = rows.filter(rows[f"c{number}"].notnull())
        parts.append(
            there.select("customer", "held", "us", start=there[f"c{number}"], step=ibis.literal(number).cast("int64"))
        )
    later = ibis.union(*parts) if len(parts) > 1 else parts[0]
    later = later.group_by("customer", "held", "start", "step").agg(us=later.us.min())
    return events.filter(events.begins), later


def _sources(steps: list[Step], number: int) -> list[int]:
    """The steps from which one may come to a step: the one before it, and further ones if that may be left out."""
    sources = [number - 1]
    while steps[sources[-1] - 1].optional:
        sources.append(sources[-1] - 1)
    return sources


def _is(events: ir.Table, step: Step) -> ir.BooleanValue:
    found: ir.BooleanValue = events.role == step.role
    for name, value in step.where:
        found &= (events[name] == value).fill_null(False)
    return found


def _steps(number: int) -> ir.Table:
    return ibis.range(1, number + 1).unnest().name("step").as_table()


def _by_beginning(base: Base, entrants: ir.Table, begun: ir.Table) -> ir.Table:
    """Entrants with `by`: what was so of the event that their best attempt began with."""
    if not base.given.by:
        return base.broken_down(entrants)
    latest = ibis.window(
        group_by=["customer", "held", "us"], order_by=[ibis.desc("log_partition"), ibis.desc("log_offset")]
    )
    begun = base.broken_down(begun)
    begun = begun.mutate(_rank=ibis.row_number().over(latest)).filter(lambda t: t._rank == 0)
    begun = begun.select("customer", "held", "by", start="us")
    joined = entrants.left_join(begun, ["customer", "held", "start"])
    return joined.select(entrants, by=begun.by.fill_null(""))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Names the steps."""
    steps = steps_of(asked.steps)
    for row in rows:
        row["name"] = steps[row["step"] - 1].role
        row["optional"] = steps[row["step"] - 1].optional
    return rows


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    ends = [row for row in rows if row["step"] == len(steps_of(asked.steps)) and row["entered"]]
    done, entered = (sum(row[name] for row in ends) for name in ("converted", "entered"))
    if entered < base.frame.smallest:
        return None
    first, last = rows[0]["name"], ends[0]["name"]
    days = f"{asked.window:g}"
    return Text(
        f"{done:,} of {entered:,} customers went from {first} to {last} within {days} days.",
        f"{entered:,} 位客户中有 {done:,} 位在 {days} 天内走完全程。",
    )


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    last = [row for row in rows if row["step"] == len(steps_of(asked.steps))]
    still, done = (sum(row[name] for row in last) for name in ("open", "open_reached"))
    if not still:
        return []
    return [
        Text(
            f"{still:,} began so lately that they may still go on, {done:,} of them came to the end: in no share.",
            f"{still:,} 位客户开始不久，仍可能继续，其中 {done:,} 位已走到最后；他们不计入任何比例。",
        )
    ]


FUNNEL = Analysis(
    name="funnel",
    room="marketing",
    title=Text("Funnel", "漏斗"),
    question=Text(
        "How many of those who begin come to the end, and where do the others stay?",
        "开始的人中有多少走到了最后，其余的人停在哪里？",
    ),
    how=Text(
        "Everybody counts once, by the best of all attempts that began in the period: the one that came furthest, of "
        "those the one that was there first. An attempt is a chain of events in the order of the steps, others may lie "
        "between; all of it lies within the window from its first step, and no event is two steps. Events of the same "
        "time are taken in the order of the steps. A step with ? may be left out. Shares are of those whose first "
        "attempt began so long ago that its window has ended. The value of a breakdown, and filters by product, "
        "category, channel and campaign, are those of the event of the first step. Times are of the best attempt, from "
        "its first step on. Where a fact has to stay the same, events without it are left out.",
        "每位客户只计一次，取此期间开始的所有尝试中最好的一次：走得最远的，若相同则取最先到达的。一次尝试是按步骤"
        "顺序发生的一串事件，中间可以有其他事件；全部须在从第一步起的窗口之内，一个事件不能算作两步。同一时间的"
        "事件按步骤顺序排列。带 ? 的步骤可以跳过。比例只计首次尝试的窗口已结束的客户。细分的取值，以及按商品、"
        "品类、渠道和活动的筛选，均取第一步事件的值。时间从最好一次尝试的第一步算起。若要求某项保持一致，"
        "没有该项的事件不计。",
    ),
    parameters=Asked,
    needs=(Need("view"), Need("cart", (), ("step 2",)), Need("checkout", (), ("step 3",)), Need("purchase")),
    members=_members,
    once=True,
    dimensions=(
        Column("by", Text("Of", "细分"), "text", "dimension"),
        Column("step", Text("Step", "步骤"), "count", "dimension"),
    ),
    measures=(
        Customers("entered", Text("Began", "开始的客户"), where="closed"),
        Customers("previous", Text("Were at the step before", "到达上一步的客户"), where="previous"),
        Customers("converted", Text("Came here", "到达的客户"), where="converted"),
        Customers("dropped", Text("Stayed at the step before", "停在上一步的客户"), where="dropped"),
        Share("of_start", Text("Of those who began", "占开始者的比例"), part="converted", whole="entered"),
        Share("of_previous", Text("Of the step before", "占上一步的比例"), part="converted", whole="previous"),
        Quantile("seconds", Text("Median time from the beginning", "自开始起的时间中位数"), "seconds"),
        Customers("open", Text("May still go on", "仍可能继续的客户"), where="open"),
        Customers("open_reached", Text("Of these, came here", "其中已到达的客户"), where="open_reached"),
    ),
    columns=(
        Column("name", Text("What is done", "行为"), "text", "note", words=Words(ROLES)),
        Column("optional", Text("May be left out", "可跳过"), "text", "note"),
    ),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("funnel", x="name", y="of_start", color="by", low="of_start_low", high="of_start_high"),
)
