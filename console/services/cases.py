"""The list of cases: filtered, sorted and counted over rows, so that only the customers who are shown are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from console.services.open_cases import CaseReads, Look, Sort, cut
from console.views.document import Money
from console.views.matters.cases import Tally
from models.cases.routes import severest
from models.conditions.rules import AlertRule
from profiles.cases.case_rows import CaseRow, row_of
from profiles.cases.joining import STANDING
from profiles.store import Reader
from profiles.types import Profile, is_company

__all__ = ["MINE", "Filters", "Listed", "all_cases", "list_cases"]

MINE = "mine"
"""As a state: whatever stands that the person has who asks."""

_PASSES = 20  # pages of those that are done looked through for one answer, at most


class Filters(NamedTuple):
    """Which cases; None: whatever they are. One that nobody has is the person's to whom it went as its owner."""

    state: str | None = None  # done: those that are over
    kind: str | None = None
    grain: str | None = None  # customer or company
    owner: str | None = None
    assignee: str | None = None  # "": nobody's
    segment: str | None = None
    band: str | None = None
    rule: str | None = None
    severity: str | None = None
    company: str | None = None
    worth: int | None = None  # minor units at risk, at least
    people: Collection[str] = ()  # the names that are people's, where `assignee` is asked for
    rules: Mapping[str, AlertRule] = MappingProxyType({})  # of the plan, where `severity` is asked for

    def let(self, rows: Iterable[CaseRow]) -> list[CaseRow]:
        """The cases that pass all filters but that of the state, in the order they come in."""
        for name in ("kind", "owner", "band"):
            if (wanted := getattr(self, name)) is not None:
                rows = [row for row in rows if getattr(row, name) == wanted]
        if self.grain is not None:
            rows = [row for row in rows if is_company(row.profile) == (self.grain == "company")]
        if self.assignee is not None:
            rows = [row for row in rows if _person(row, self.people) == self.assignee]
        if self.segment is not None:
            rows = [row for row in rows if self.segment in row.segments]
        if self.rule is not None:
            rows = [row for row in rows if self.rule in row.rules]
        if self.severity is not None:
            rows = [row for row in rows if self.severity == severest(row.rules, self.rules)]
        if self.company is not None:
            rows = [row for row in rows if self.company in row.companies]
        if self.worth is not None:
            rows = [row for row in rows if row.value >= self.worth]
        return list(rows)


def _person(row: CaseRow, people: Collection[str]) -> str:
    """Who has a case, or to whom it went; "" for nobody, and for a team."""
    return row.assignee or (row.owner if row.owner in people else "")


class Listed(NamedTuple):
    """A page of cases."""

    customers: list[Profile]
    following: str | None
    counts: Mapping[str, Tally]  # by state; of those that stand, under the filters
    previous: str | None = None  # the cursor of the page before; "": the first; None: there is none, or nobody knows
    start: int | None = None  # how many come before the page; None: nobody knows
    total: int | None = None  # under filters and state; None: nobody knows
    own: int = 0  # that stand and `person` has, under the filters
    as_of: float | None = None  # when the first page was seen, in whose order a later one is
    lost: bool = False  # that order is not known any more: this is the one of now


async def list_cases(
    reader: Reader,
    reads: CaseReads,
    filters: Filters,
    sort: Sort,
    limit: int,
    cursor: str | None,
    currency: str,
    person: str = "",
) -> Listed:
    """A page of cases. Three round trips: rows, how many are done, and the customers shown.

    Later pages have the order of the list as it was when the first one was seen, and of those in it who are in the list
    now: so none of them comes twice or is left out, wherever they would stand by now. Where that look is not known any
    more they are in the order of now, and it is said.

    Args:
        reader: of the store.
        reads: of all who ask it.
        filters: which; of state `MINE`, those of `person`.
        sort: what comes first; of those that are done, the last to end does.
        limit: most of a page.
        cursor: of the page before.
        currency: of the plan.
        person: who asks.
    """
    cases = await reads.read(reader)
    rows = filters.let(cases.ordered(sort))
    counts = _counts(rows, currency)
    counts["done"] = Tally(count=await reader.count_cases_done(), value_at_risk=Money.of_minor(0, currency))
    own = _own(rows, person)
    if filters.state == "done":
        customers, following = await _done(reader, filters, limit, cursor)
        start = None if cursor else 0
        return Listed(customers, following, counts, None if start == 0 else "", start, own=len(own))
    look, place = _split(reads, cursor)
    paged = own if filters.state == MINE else _in_state(rows, filters.state)
    if look is not None:
        here = {row.profile for row in paged}
        paged = [row for row in look.cases.ordered(sort) if row.profile in here]
    page = cut(paged, sort, limit, place)
    if look is None and (page.following or page.previous):
        look, found = reads.keep(cases), None
    else:
        found = look
    return Listed(
        await _customers(reader, page.rows), _joined(look, page.following), counts, _joined(look, page.previous),
        page.start, page.total, len(own), found.at if found else None, lost=cursor is not None and found is None,
    )  # fmt: skip


def _split(reads: CaseReads, cursor: str | None) -> tuple[Look | None, str | None]:
    """The look that a cursor is of, if it is known, and the place in it."""
    id_, told, place = (cursor or "").rpartition(".")
    return reads.look(id_) if told else None, place or None


def _joined(look: Look | None, place: str | None) -> str | None:
    """The cursor of a place in a look; the first page is always of now."""
    return f"{look.id}.{place}" if look is not None and place else place


async def all_cases(
    reader: Reader, reads: CaseReads, filters: Filters, sort: Sort, at_once: int, person: str = ""
) -> AsyncIterator[list[Profile]]:
    """The whole list as of one look at it, so that none is in it twice and none is left out that stood all the time.

    Args:
        reader, reads, filters, sort, person: as of `list_cases`.
        at_once: how many customers are read, and answered, at once.
    """
    if filters.state == "done":
        cursor, more = None, True
        while more:
            customers, cursor = await _done(reader, filters, at_once, cursor)
            yield customers
            more = cursor is not None
        return
    rows = filters.let((await reads.read(reader)).ordered(sort))[::-1]
    rows = _own(rows, person) if filters.state == MINE else _in_state(rows, filters.state)
    for start in range(0, len(rows), at_once):
        yield await _customers(reader, rows[start : start + at_once])


def _own(rows: list[CaseRow], person: str) -> list[CaseRow]:
    return [row for row in rows if _person(row, (person,)) == person] if person else []


def _in_state(rows: list[CaseRow], state: str | None) -> list[CaseRow]:
    return rows if state is None else [row for row in rows if row.state == state]


async def _customers(reader: Reader, rows: Sequence[CaseRow]) -> list[Profile]:
    """Those who are still there, in the order of their cases."""
    found = await reader.profiles([row.profile for row in rows])
    return [found[row.profile] for row in rows if row.profile in found]


def _counts(rows: list[CaseRow], currency: str) -> dict[str, Tally]:
    count: defaultdict[str, int] = defaultdict(int)
    value: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        count[row.state] += 1
        value[row.state] += row.value
    return {
        state: Tally(count=count[state], value_at_risk=Money.of_minor(value[state], currency)) for state in STANDING
    }


async def _done(reader: Reader, filters: Filters, limit: int, cursor: str | None) -> tuple[list[Profile], str | None]:
    """The latest to end first. Rare ones end a page early, with more behind its cursor."""
    found: list[Profile] = []
    for _ in range(_PASSES):
        page, cursor = await reader.cases_done(limit=limit - len(found), cursor=cursor)
        found += [profile for profile in page if profile.case and filters.let([row_of(profile, profile.case)])]
        if cursor is None or len(found) >= limit:
            break
    return found, cursor
