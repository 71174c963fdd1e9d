"""The counters of today, and of the days that late events may still change, as people and tools read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import Field

from console.views.document import Document, Money, Time
from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import ANSWERS, STAGES
from profiles.daily.noting import THOUSANDTHS

__all__ = ["AnswersOfDay", "CountersOfDay", "TodayView", "today_view"]


class AnswersOfDay(Document):
    """What was answered to one kind of question on a day; of the NPS each customer's newest answer."""

    kind: str = Field(description=f"{', '.join(ANSWERS[:-1])} or {ANSWERS[-1]}.")
    answers: int
    satisfied: int
    dissatisfied: int
    mean: float | None = Field(description="Mark; null of fewer answers than the plan's `analyses.smallest`.")


class CountersOfDay(Document):
    """What happened on one local day, as far as it is known now."""

    day: date
    events: int = Field(description="Of all that customers do themselves.")
    customers: int = Field(description="Who did anything of it.")
    new_customers: int = Field(description="Whose first order it was.")
    orders: int
    revenue: Money
    refunds: Money = Field(description="Paid back on the day, whenever it was bought.")
    net: Money
    tickets_opened: int
    tickets_solved: int = Field(description="That were solved on the day last, and still are.")
    complaints: int
    answers: list[AnswersOfDay]


class TodayView(Document):
    """The latest days, and how customers are now, as the stream has counted them."""

    at: Time = Field(description="Now; while history is loaded, where that is.")
    zone: str = Field(description="In which days are cut.")
    days: list[CountersOfDay] = Field(description="The newest first.")
    customers: int = Field(description="With anything that they did themselves.")
    stages: dict[str, int] = Field(description="The same by stage of their life with us.")
    open_tickets: int


def today_view(
    at: float,
    days: LocalTime,
    counted: Sequence[Mapping[str, int]],
    now: Mapping[str, int],
    currency: str,
    smallest: int,
) -> TodayView:
    """The document of counters.

    Args:
        at: seconds; of the newest day.
        days: of the plan's zone.
        counted: the counters of that day, of the one before, and so on.
        now: those that are of no day.
        currency: of the plan.
        smallest: answers of which a mean is told.
    """
    newest = days.of(at)
    stages = {stage: now.get(f"stage_{stage}", 0) for stage in STAGES}
    return TodayView(
        at=at,
        zone=days.zone,
        days=[_day(days.date(newest - back), each, currency, smallest) for back, each in enumerate(counted)],
        customers=sum(stages.values()),
        stages=stages,
        open_tickets=now.get("open_tickets", 0),
    )


def _day(day: date, counts: Mapping[str, int], currency: str, smallest: int) -> CountersOfDay:
    revenue, refunds = counts.get("revenue", 0), counts.get("refunds", 0)
    same = ("events", "customers", "new_customers", "orders", "tickets_opened", "tickets_solved", "complaints")
    return CountersOfDay(
        day=day,
        revenue=Money.of_minor(revenue, currency),
        refunds=Money.of_minor(refunds, currency),
        net=Money.of_minor(revenue - refunds, currency),
        answers=[_answers(kind, counts, smallest) for kind in ANSWERS],
        **{name: counts.get(name, 0) for name in same},
    )


def _answers(kind: str, counts: Mapping[str, int], smallest: int) -> AnswersOfDay:
    answers = counts.get(f"{kind}_answers", 0)
    mean = counts.get(f"{kind}_marks", 0) / THOUSANDTHS / answers if answers >= max(smallest, 1) else None
    return AnswersOfDay(
        kind=kind,
        answers=answers,
        satisfied=counts.get(f"{kind}_good", 0),
        dissatisfied=counts.get(f"{kind}_bad", 0),
        mean=mean,
    )
