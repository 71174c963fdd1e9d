"""What an analysis is given: the base relations under the filters that were asked for, and what is made of them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from analysis.engines.engine import CATALOGUE, FACTS, PEOPLE, PEOPLE_BY_DAY, READINGS, SPELLS
from analysis.framing import Frame
from analysis.parameters import OF_CUSTOMERS, Parameters
from profiles.doings import NOT_OF_THEIR_OWN
from profiles.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.engines.engine import Engine

__all__ = ["Base"]


class Base:
    """The relations of one engine, for one question.

    Args:
        engine: where they are.
        given: what was asked; filters by customer hold everywhere, filters by event where an analysis says so.
    """

    def __init__(self, engine: Engine, given: Parameters) -> None:
        self.engine = engine
        self.given = given
        self.frame: Frame = engine.frame
        self.today = self.frame.today

    @cached_property
    def people(self) -> ir.Table:
        """`people` of those asked for: one row a customer, with traits and segments as of `known_on`.

        Raises:
            WrongUse: companies are to be counted, of whom this is not known.
        """
        self._refuse_companies()
        return self._people

    @cached_property
    def _people(self) -> ir.Table:
        table = ibis.table(PEOPLE, name="people")
        if self._own_people_are_out:
            table = table.filter(~table.internal)
        if self.known_on is not None:
            then = self._people_on(self.known_on)
            same = [name for name in PEOPLE if name == "customer" or name not in PEOPLE_BY_DAY]
            joined = table.select(*same).left_join(then, "customer")
            table = joined.select(*PEOPLE)
        return table if self.given.as_of == "event" else self._fitting(table)

    @cached_property
    def facts(self) -> ir.Table:
        """`facts` of those asked for, of all times. Where companies are counted, `customer` is the company that an
        event names, else the only one that who did it belonged to at the end of that day; others are left out."""
        table = self._facts
        if not self.of_companies:
            return table
        names = table.company.fill_null("") != ""
        named = table.filter(names).mutate(customer=lambda t: t.company)
        of_members = table.filter(~names).inner_join(self._memberships, "customer").filter(_held)
        return named.union(
            of_members.mutate(customer=of_members["_company"], company=of_members["_company"]).select(*FACTS)
        )

    @property
    def _memberships(self) -> ir.Table:
        """From when until when each customer belonged to one company only: `customer`, `_company`, `_since`, `_until`.

        One row for all days in a row, however often they changed meanwhile.
        """
        each = ibis.table(PEOPLE_BY_DAY, name="people_by_day")
        each = each.select("customer", "since", company=each.company.fill_null(""))
        theirs = ibis.window(group_by="customer", order_by="since")
        each = each.mutate(_before=each.company.lag().over(theirs))
        changes = each.filter(each["_before"].isnull() | (each["_before"] != each.company))
        changes = changes.mutate(_until=changes.since.lead().over(theirs))
        return changes.filter(changes.company != "").select("customer", "_until", _company="company", _since="since")

    @property
    def of_companies(self) -> bool:
        """Whether companies are counted, not customers."""
        return self.given.grain == "company"

    def _refuse_companies(self) -> None:
        if self.of_companies:
            raise WrongUse("this counts customers only: what it asks for is known of people, not of companies")

    @property
    def _facts(self) -> ir.Table:
        table = ibis.table(FACTS, name="facts")
        if self._own_people_are_out:
            people = ibis.table(PEOPLE, name="people")
            table = table.anti_join(people.filter(people.internal), "customer")
        if not self.chooses_customers:
            return table
        if self.given.as_of == "event":
            then = self._fitting(ibis.table(PEOPLE_BY_DAY, name="people_by_day"))
            joined = table.inner_join(then.select("customer", _since="since", _until="until"), "customer")
            return joined.filter(_held(joined)).select(*FACTS)
        return table.semi_join(self._people, "customer")

    @property
    def chooses_customers(self) -> bool:
        """Whether only some customers were asked for, by what is known of them."""
        asked = self.given
        return any((asked.country, asked.region, asked.company, asked.segment, asked.without))

    @property
    def chooses_events(self) -> bool:
        """Whether only some events were asked for, by what they are of."""
        asked = self.given
        return any((asked.product, asked.category, asked.channel, asked.campaign))

    @property
    def chooses_events_by_customers(self) -> bool:
        """Whether only some events of customers were asked for, by what was known of them when each happened."""
        return self.chooses_customers and self.given.as_of == "event"

    @property
    def asks_of_customers(self) -> bool:
        """Whether an answer hangs on what is known of customers: which of them, or by what they are parted."""
        return self.chooses_customers or self.given.by in (*OF_CUSTOMERS, "segment")

    @property
    def known_on(self) -> date | None:
        """The day at whose end customers are taken as they were then; None: as they are now."""
        _, until = self.given.period(self.frame)
        return (
            until - timedelta(days=1)
            if self.asks_of_customers and self.given.as_of == "end" and until <= self.today
            else None
        )

    @property
    def _own_people_are_out(self) -> bool:
        return self.frame.internal > 0 and not self.given.internal

    def _fitting(self, table: ir.Table) -> ir.Table:
        """Those of `people`, or of `people_by_day`, who were asked for."""
        for name in ("country", "region", "company"):
            if wanted := getattr(self.given, name):
                table = table.filter(table[name] == wanted)
        if self.given.segment:
            table = table.filter(table.segments.contains(self.given.segment))
        if self.given.without:
            table = table.filter(~table.segments.contains(self.given.without).fill_null(False))
        return table

    def _people_on(self, day: date) -> ir.Table:
        """What is known of each customer at the end of a day."""
        table = ibis.table(PEOPLE_BY_DAY, name="people_by_day")
        held = (table.since <= ibis.date(day)) & (table.until.isnull() | (table.until > ibis.date(day)))
        return table.filter(held).drop("since", "until")

    @cached_property
    def catalogue(self) -> ir.Table:
        """`catalogue`: what the plan's file of products says of each."""
        return ibis.table(CATALOGUE, name="catalogue")

    @cached_property
    def readings(self) -> ir.Table:
        """`readings`: what the texts of all customers say, by event; read now, as far as they have not been yet."""
        read = getattr(self.engine, "read_texts", None)
        if read is not None:
            read()
        return ibis.table(READINGS, name="readings")

    @cached_property
    def spells(self) -> ir.Table:
        """`spells` of those asked for, of all times: how they were from a day on, until another.

        Raises:
            WrongUse: companies are to be counted, of whom this is not known.
        """
        self._refuse_companies()
        keep = getattr(self.engine, "keep", None)
        table: ir.Table = ibis.table(SPELLS, name="spells")
        table = table if keep is None else keep("spells", lambda: ibis.table(SPELLS, name="spells"))
        narrowed = self.chooses_customers or self._own_people_are_out
        return table.semi_join(self.people, "customer") if narrowed else table

    @cached_property
    def spans(self) -> ir.Table:
        """`spells` of those asked for that hold at the end of a period asked for, with the `first` such period, and
        `beyond`, the first after it at whose end they held no more.

        The end is that of its last local day, or of yesterday, the last that is over, in a period that still runs.
        """
        starts, table, today = self._starts, self.spells, ibis.date(self.today)
        begins, ends = ibis.date(starts[0]), ibis.date(self.frame.next(starts[-1], self.given.interval))
        beyond = ibis.ifelse(
            (table.until < today).fill_null(False), ibis.least(self.period_of(table.until), ends), ends
        )
        table = table.mutate(first=ibis.greatest(self.period_of(table.day), begins), beyond=beyond)
        return table.filter((table.day < today) & (table.first < table.beyond))

    def at_ends(self, table: ir.Table) -> ir.Table:
        """`spans`, or what is made of them, once for each `period` at whose end they held."""
        joined = table.cross_join(self.calendar.select("period"))
        return joined.filter((joined.first <= joined.period) & (joined.period < joined.beyond))

    def of(self, *roles: str) -> ir.Table:
        """`facts` of these roles, of all times."""
        return self.facts.filter(self.facts.role.isin(roles))

    def chosen(self, table: ir.Table) -> ir.Table:
        """A table of events, or made of them, under the filters by event: product, category, channel, campaign."""
        return table.filter(self.fits(table))

    def fits(self, table: ir.Table) -> ir.BooleanValue:
        """Whether a row of events, or of what is made of them, is under the filters by event."""
        asked = self.given
        wanted = {"product": asked.product, "category": asked.category, "channel": asked.channel,
                  "utm_campaign": asked.campaign}  # fmt: skip
        fits: ir.BooleanValue = ibis.literal(True)
        for name, value in wanted.items():
            if value and name in table.columns:
                fits &= (table[name] == value).fill_null(False)
        return fits

    def within(self, table: ir.Table, days: int | None = None) -> ir.Table:
        """The rows of a table whose `day` lies in the period asked for."""
        since, until = self.given.period(self.frame, days)
        return table.filter((table.day >= ibis.date(since)) & (table.day < ibis.date(until)))

    def period_of(self, day: ir.DateValue) -> ir.DateValue:
        """The first day of the period of `interval` that holds a day."""
        return self.start_of(day, self.given.interval)

    def start_of(self, day: ir.DateValue, interval: str) -> ir.DateValue:
        """The first day of the period that holds a day: `day`, `week`, `month` or `quarter`."""
        if interval == "day":
            return day
        if interval == "week":
            shift = self.frame.week_start
            return day - (day.day_of_week.index() + 7 - shift).mod(7).cast("int32").as_interval("D")
        return day.truncate({"month": "M", "quarter": "Q"}[interval])

    def periods_between(self, start: ir.DateValue, end: ir.DateValue, interval: str) -> ir.IntegerValue:
        """Calendar periods from the first day of one period to the first day of another."""
        if interval in ("day", "week"):
            return (end.delta(start, unit="day") / {"day": 1, "week": 7}[interval]).floor().cast("int64")
        months = (end.year() - start.year()) * 12 + end.month() - start.month()
        return (months / {"month": 1, "quarter": 3}[interval]).floor().cast("int64")

    def after(self, start: ir.DateValue, interval: str) -> ir.DateValue:
        """The first day of the period after the one that begins on a day."""
        inside = {"day": 1, "week": 7, "month": 40, "quarter": 100}[interval]  # days that end in the next period
        return self.start_of(start + ibis.interval(days=inside), interval)

    def day_of(self, us: ir.IntegerValue) -> ir.DateValue:
        """The local day of a moment in microseconds that is no event's, such as one so long after an event."""
        first, *later = self.frame.offsets()
        ahead: ir.IntegerValue = ibis.literal(first[1], "int64")
        if later:
            cases = [(us >= since, ibis.literal(offset, "int64")) for since, offset in reversed(later)]
            ahead = ibis.cases(*cases, else_=ibis.literal(first[1], "int64"))
        days = ((us + ahead) / 86_400_000_000).floor().cast("int32")
        return ibis.date("1970-01-01") + days.as_interval("D")

    @cached_property
    def calendar(self) -> ir.Table:
        """One row a period asked for, also of those without any event: `period`, and `ends`, the day after its last."""
        table = ibis.array([ibis.date(start) for start in self._starts]).unnest().name("period").as_table()
        return table.mutate(ends=self.after(table.period, self.given.interval))

    @property
    def _starts(self) -> list[date]:
        """The first days of the periods asked for."""
        since, until = self.given.period(self.frame)
        until = min(until, self.today + timedelta(days=1))
        starts = [self.frame.start_of(since, self.given.interval)]
        while (following := self.frame.next(starts[-1], self.given.interval)) < until:
            starts.append(following)
        return starts

    def complete(self, period: date) -> bool:
        """Whether all of a period has passed, and was asked for."""
        since, until = self.given.period(self.frame)
        frame, interval = self.frame, self.given.interval
        return frame.complete(period, interval) and since <= period and frame.next(period, interval) <= until

    def doing(self, role: str) -> ir.Table:
        """`facts` of a role, or with `any` of all that customers do themselves."""
        if role == "any":
            return self.facts.filter(self.facts.role.notin(NOT_OF_THEIR_OWN))
        return self.of(*role.split("|"))

    def broken_down(self, table: ir.Table, *, default: str = "") -> ir.Table:
        """A table with a column `by`: the dimension asked for, of the event or of the customer; "" where unknown."""
        by = self.given.by
        if not by or self.by_segments:
            return table.mutate(by=ibis.literal(default))
        if by in OF_CUSTOMERS or by == "segment":
            self._refuse_companies()
            then = self.given.as_of == "event" and "day" in table.columns
            known = ibis.table(PEOPLE_BY_DAY, name="people_by_day") if then else self.people
            if by == "segment":
                known = known.filter(known.segments.length() > 0).mutate(_by=lambda t: t.segments.unnest())
            else:
                known = known.mutate(_by=known[by])
            if then:
                known = known.select("customer", "_by", _since="since", _until="until")
                joined = table.left_join(known, "customer")
                joined = joined.filter(joined._since.isnull() | _held(joined))
            else:
                joined = table.left_join(known.select("customer", "_by"), "customer")
            return joined.select(*table.columns, by=joined._by.fill_null(""))
        name = {"campaign": "utm_campaign"}.get(by, by)
        return table.mutate(by=table[name].cast("string").fill_null("") if name in table.columns else ibis.literal(""))

    def kept(self, name: str, made: Callable[[Base], ir.Table]) -> ir.Table:
        """A relation of those asked for that many analyses ask for, and that no filter but theirs changes.

        Args:
            name: of the relation.
            made: what it is; of any customer it tells what only their own events say.
        """
        keep = getattr(self.engine, "keep", None)  # engines that compute it anew each time have none
        if keep is None or self.chooses_events_by_customers or self.of_companies:
            return made(self)
        table: ir.Table = keep(name, lambda: made(Base(self.engine, Parameters(internal=True))))
        some = self.chooses_customers or self._own_people_are_out
        return table.semi_join(self.people, "customer") if some else table

    @cached_property
    def seen(self) -> ir.Table:
        """When customers did anything themselves for the first time: `customer`, and the local day `seen`."""
        if self.chooses_events_by_customers or self.of_companies:
            return self.doing("any").group_by("customer").agg(seen=lambda t: t.day.min())
        return self.people.filter(self.people.seen.notnull()).select("customer", "seen")

    @property
    def by_segments(self) -> bool:
        """Whether members are to be parted by segments, of which somebody may be in several: not before there are any,
        since what is folded would be folded once for all of them."""
        return self.given.by == "segment" and self.given.as_of != "event"

    def in_segments(self, members: ir.Table) -> ir.Table:
        """Members once for each segment of their customer, as `by`; "" of those who are in none."""
        theirs = self.people.filter(self.people.segments.length() > 0)
        theirs = theirs.select("customer", by=theirs.segments.unnest())
        joined = members.left_join(theirs, "customer")
        kept = [members[name] for name in members.columns if name != "by"]
        return joined.select(*kept, by=theirs.by.fill_null(""))

    @cached_property
    def orders(self) -> ir.Table:
        """One row an order: `analysis.relations.orders`."""
        from analysis.relations.orders import orders  # noqa: PLC0415  (relations are made of this)

        return self.kept("orders", orders)

    @cached_property
    def refunds(self) -> ir.Table:
        """One row a refund: `analysis.relations.refunds`."""
        from analysis.relations.refunds import refunds  # noqa: PLC0415

        return self.kept("refunds", refunds)

    @cached_property
    def lines(self) -> ir.Table:
        """One row a product of an order: `analysis.relations.lines`."""
        from analysis.relations.lines import lines  # noqa: PLC0415

        return self.kept("lines", lines)

    @cached_property
    def tickets(self) -> ir.Table:
        """One row a ticket: `analysis.relations.folded`."""
        from analysis.relations.folded import tickets  # noqa: PLC0415

        return tickets(self)


def _held(joined: ir.Table) -> ir.BooleanValue:
    """Whether what is known `_since` and `_until` is so on the day of a row."""
    return (joined.day >= joined._since) & (joined._until.isnull() | (joined.day < joined._until))
