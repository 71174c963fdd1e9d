"""What every analysis of one plan goes by: zone, calendar, currency, least numbers, and until when things are known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from models.customer.config import CostsSpec
from models.segments.bases import bases_of
from plan import Plan
from plan.analysing.defaults import GoalSpec
from profiles.money import exponent, to_minor

__all__ = ["Frame", "Goal", "framed"]

WEEK_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment is to reach, by when."""

    segment: str
    measure: str  # customers, share, value, risk
    target: float  # money in minor units
    by: date
    since: date | None = None  # from whose figure a line leads to the target
    at_most: bool = False

    @property
    def name(self) -> str:
        """What it is called in figures."""
        return f"{self.segment}: {self.measure}"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one plan, and the bounds of one archive (analyses are pure functions of these and of its rows).

    `now` is the archive's watermark: the newest time of receipt that was flushed, never the clock.
    """

    now: datetime  # UTC; whatever happened later is not known
    begins: date  # the first local day that the archive has an event of
    zone: str = "UTC"  # IANA; periods are cut in it
    week_start: int = 0  # 0 is Monday
    currency: str = "EUR"
    smallest: int = 5  # customers; shares and means of fewer are blank
    few: int = 30  # customers; figures of fewer are marked
    confidence: float = 0.95
    session_gap: float = 1800.0  # seconds
    horizon: float = 26 * 7 * 86400.0  # seconds without the sign of life of `churn`, after which a customer has left
    churn: str = "purchase"  # the role whose absence is churn
    new_for: float = 30 * 86400.0  # seconds after the first order
    loyal_orders: int = 4
    won_back_for: float = 60 * 86400.0  # seconds after the order that ended a silence of the horizon
    bases: dict[str, str] = {}  # of segments, by name: demographic, value, … (`models.segments.bases`)
    hold_out: float = 0.0  # share of customers whom no alert on their risk opens for
    threshold: float = 0.5  # the least risk of churn that opens an alert
    internal: int = 0  # customers who are the house's own people
    objecting: int = 0  # customers who do not want to be in analyses
    snapshots: date | None = None  # the first local day of which profiles are kept
    late: tuple[date, ...] = ()  # days that events came for after they had been closed
    merged: int = 0  # homes of events that count for another customer, by a merge
    merged_on: date | None = None  # the local day of the newest merge or split
    erased: int = 0  # homes that were erased, and are in nothing
    erased_on: date | None = None  # the local day of the newest erasure
    link: int = -1  # offset of the newest merge or split that is known of
    contact_costs: dict[str, int] = {}  # of a contact that we make, in minor units, by channel; `other` of all others
    margins: dict[str, float] = {}  # shares of the revenue that goods leave, by category
    goals: tuple[Goal, ...] = ()
    funnels: dict[str, dict[str, Any]] = {}  # by name, what the plan says of each
    defaults: dict[str, dict[str, Any]] = {}  # by analysis, what the plan says of parameters that nobody gave

    @property
    def today(self) -> date:
        """The local day that holds `now`: it is not complete."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def now_us(self) -> int:
        """`now` as the column `us` counts: microseconds since 1970, UTC."""
        return (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    def day_of(self, seconds: float) -> date:
        """The local day of a moment in seconds since 1970."""
        return datetime.fromtimestamp(seconds, ZoneInfo(self.zone)).date()

    def offsets(self) -> list[tuple[int, int]]:
        """By how much local time is ahead of UTC, each after since when, until a year after now.

        Both are whole microseconds, the first as the column `us` counts; oldest first.
        """
        zone, hour = ZoneInfo(self.zone), timedelta(hours=1)
        when = datetime(self.begins.year, self.begins.month, self.begins.day, tzinfo=UTC) - timedelta(days=2)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        found: list[tuple[int, int]] = []

        def told(moment: datetime) -> int:
            return (moment.astimezone(zone).utcoffset() or timedelta()) // timedelta(microseconds=1)

        while when < self.now + timedelta(days=400):
            if not found or told(when) != found[-1][1]:
                changed = when
                while found and told(changed - hour) != found[-1][1]:  # zones change at whole hours of UTC, or halves
                    changed -= hour
                while found and told(changed - hour / 4) != found[-1][1]:
                    changed -= hour / 4
                found.append(((changed - epoch) // timedelta(microseconds=1), told(changed)))
            when += timedelta(days=1)
        return found

    def start_of(self, day: date, interval: str) -> date:
        """The first day of the period that holds a day: `day`, `week`, `month`, `quarter` or `year`."""
        if interval == "week":
            return day - timedelta(days=(day.weekday() - self.week_start) % 7)
        if interval == "day":
            return day
        month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}[interval]
        return day.replace(month=month, day=1)

    def next(self, day: date, interval: str) -> date:
        """The first day of the period after the one that begins on a day."""
        if interval in ("day", "week"):
            return day + timedelta(days=1 if interval == "day" else 7)
        months = day.year * 12 + day.month - 1 + {"month": 1, "quarter": 3, "year": 12}[interval]
        return date(months // 12, months % 12 + 1, 1)

    def complete(self, day: date, interval: str) -> bool:
        """Whether the period that begins on a day has ended."""
        return self.next(day, interval) <= self.today


def framed(plan: Plan, now: datetime, begins: date) -> Frame:
    """The frame of a plan, for an archive that knows what happened from a day up to a moment."""
    file = plan.file
    said = getattr(file, "analyses", None)
    funnels = {
        name: {"steps": ", ".join(spec.steps), "window": spec.window / 86400, "hold": spec.hold}
        for name, spec in file.analyses.funnels.items()
    }
    costs = _unit_costs(file.analyses.costs, plan.currency)
    return Frame(
        now=now,
        begins=begins,
        zone=getattr(file, "timezone", "UTC"),
        week_start=WEEK_DAYS.index(getattr(file, "week_start", "monday")),
        currency=plan.currency,
        smallest=getattr(said, "smallest", 5),
        confidence=getattr(said, "confidence", 0.95),
        session_gap=float(getattr(said, "session_gap", 1800.0)),
        horizon=float(plan.churn.horizon),
        churn=plan.churn.role,
        new_for=float(plan.churn.lifecycle.new_for),
        loyal_orders=plan.churn.lifecycle.loyal_orders,
        won_back_for=float(plan.churn.lifecycle.won_back_for),
        bases=dict(bases_of(plan.segments)),
        hold_out=plan.churn.hold_out,
        goals=tuple(_goal(goal, plan.currency) for goal in file.analyses.goals),
        funnels=funnels,
        defaults={
            "funnel": next(iter(funnels.values()), {}),
            "attribution": _in_days(file.analyses.attribution.model_dump(exclude_unset=True)),
            "keep": file.analyses.keep.model_dump(exclude_unset=True),
            "profit": costs,
            "profit_deciles": costs,
        },
        contact_costs={name: to_minor(cost, plan.currency) for name, cost in file.analyses.costs.contact.items()},
        margins=dict(file.analyses.costs.margins),
        threshold=min((rule.threshold for rule in plan.alerts if rule.threshold is not None), default=0.5),
    )


def _goal(spec: GoalSpec, currency: str) -> Goal:
    scale = 10 ** exponent(currency) if spec.measure == "value" else 1
    return Goal(
        segment=spec.segment,
        measure=spec.measure,
        target=spec.target * scale,
        by=spec.by,
        since=spec.since,
        at_most=spec.at_most,
    )


def _unit_costs(said: CostsSpec, currency: str) -> dict[str, Any]:
    """What the plan says that things cost, as the parameters of profit have it."""
    money = {"shipping_cost": said.shipping, "ticket_cost": said.ticket, "return_cost": said.refund}
    known = {name: to_minor(cost, currency) for name, cost in money.items() if cost is not None}
    shares = {"margin": said.margin, "fee": said.fee}
    return known | {name: value for name, value in shares.items() if value is not None}


def _in_days(said: dict[str, Any]) -> dict[str, Any]:
    """Lengths of time as parameters have them: in days, not in seconds."""
    return {name: value / 86400 if name in ("look_back", "half_life") else value for name, value in said.items()}
