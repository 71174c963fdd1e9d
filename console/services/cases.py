"""The list of cases: filtered, sorted and counted over rows, so that only the customers who are shown are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal, NamedTuple

from console.views.document import Money
from console.views.matters.cases import Tally
from profiles.cases.case_rows import CaseRow, row_of
from profiles.cases.joining import STANDING
from profiles.store import Reader
from profiles.stores.reading.paging import decode_cursor, first_rows
from profiles.types import Profile

__all__ = ["Filters", "Listed", "Sort", "list_cases"]

Sort = Literal["value_at_risk", "newest"]

_PASSES = 20  # pages of those that are done looked through for one answer, at most


class Filters(NamedTuple):
    """Which cases; None: whatever they are."""

    state: str | None = None  # done: those that are over
    kind: str | None = None
    owner: str | None = None
    assignee: str | None = None  # "": nobody's
    segment: str | None = None
    band: str | None = None
    rule: str | None = None

    def let(self, row: CaseRow) -> bool:
        """Whether a case passes all filters but that of the state."""
        return (
            self.kind in (None, row.kind)
            and self.owner in (None, row.owner)
            and self.assignee in (None, row.assignee)
            and self.band in (None, row.band)
            and (self.segment is None or self.segment in row.segments)
            and (self.rule is None or self.rule in row.rules)
        )


class Listed(NamedTuple):
    """A page of cases."""

    customers: list[Profile]
    following: str | None
    counts: Mapping[str, Tally]  # by state; of those that stand, under the filters


async def list_cases(
    reader: Reader, filters: Filters, sort: Sort, limit: int, cursor: str | None, currency: str
) -> Listed:
    """A page of cases. Three round trips: rows, how many are done, and the customers shown.

    Args:
        reader: of the store.
        filters: which.
        sort: what comes first; of those that are done, the last to end does.
        limit: most of a page.
        cursor: of the page before.
        currency: of the plan.
    """
    rows = [row for row in await reader.cases() if filters.let(row)]
    counts = _counts(rows, currency)
    counts["done"] = Tally(count=await reader.count_cases_done(), value_at_risk=Money.of_minor(0, currency))
    if filters.state == "done":
        customers, following = await _done(reader, filters, limit, cursor)
        return Listed(customers, following, counts)
    shown = [
        (float(row.value) if sort == "value_at_risk" else row.opened, row.profile)
        for row in rows
        if filters.state in (None, row.state)
    ]
    page, following = first_rows(shown, limit, decode_cursor(cursor))
    found = await reader.profiles([id_ for _, id_ in page])
    return Listed([found[id_] for _, id_ in page if id_ in found], following, counts)


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
        found += [
            profile for profile in page if profile.case is not None and filters.let(row_of(profile, profile.case))
        ]
        if cursor is None or len(found) >= limit:
            break
    return found, cursor
