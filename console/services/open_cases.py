"""The cases that stand, as rows: read once for everybody who asks at the same time, in the order that a list has."""

from __future__ import annotations

import asyncio
import secrets
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from profiles.cases.case_rows import CaseRow
from profiles.store import Reader
from profiles.stores.reading.paging import Row, decode_cursor, encode_cursor

__all__ = ["CaseReads", "Cut", "Look", "OpenCases", "Sort", "cut"]

Sort = Literal["value_at_risk", "newest"]

_KEPT = 2_000_000  # rows of looks that are kept, of which most are the same ones
_LOOKS = 1_000


class OpenCases:
    """All rows as of one read. Each order is made once, by whoever needs it first."""

    def __init__(self, rows: Sequence[CaseRow]) -> None:
        self.rows = rows

    def ordered(self, sort: Sort) -> list[CaseRow]:
        """What comes first is the last of them."""
        return self._by_value if sort == "value_at_risk" else self._by_time

    @cached_property
    def _by_value(self) -> list[CaseRow]:
        return sorted(self.rows, key=lambda row: (row.value, row.profile))

    @cached_property
    def _by_time(self) -> list[CaseRow]:
        return sorted(self.rows, key=lambda row: (row.opened, row.profile))


class Look(NamedTuple):
    """The rows as somebody saw them who goes from page to page."""

    id: str
    at: float  # seconds since the epoch
    cases: OpenCases


class CaseReads:
    """Reads the rows, and keeps some looks at them, so that their pages stay as they were: rows move meanwhile. The
    looks that nobody asks for go first. Each process of a console has its own.

    Whoever asks while a read is under way shares the next one: none that began before they asked,
    so nobody is shown a state from before what they were told of.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._most = kept
        self._kept: OrderedDict[str, Look] = OrderedDict()
        self._running: asyncio.Task[OpenCases] | None = None
        self._next: asyncio.Task[OpenCases] | None = None

    async def read(self, reader: Reader) -> OpenCases:
        """The cases that stand now."""
        if self._next is None:
            self._next = asyncio.create_task(self._read(reader, self._running))
        return await asyncio.shield(self._next)

    def keep(self, cases: OpenCases) -> Look:
        """Keep what somebody sees the first page of."""
        newest = next(reversed(self._kept.values()), None)
        if newest is not None and newest.cases.rows == cases.rows:
            return newest
        look = Look(secrets.token_urlsafe(6), time.time(), cases)
        self._kept[look.id] = look
        held = sum(len(each.cases.rows) for each in self._kept.values())
        while len(self._kept) > 1 and (held > self._most or len(self._kept) > _LOOKS):
            _, oldest = self._kept.popitem(last=False)
            held -= len(oldest.cases.rows)
        return look

    def look(self, id_: str) -> Look | None:
        """What was kept; None if it is not there any more."""
        if id_ in self._kept:
            self._kept.move_to_end(id_)
        return self._kept.get(id_)

    async def _read(self, reader: Reader, before: asyncio.Task[OpenCases] | None) -> OpenCases:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return OpenCases(await reader.cases())


class Cut(NamedTuple):
    """Some rows of a list, and where they are in it."""

    rows: list[CaseRow]
    start: int  # how many come before them
    total: int
    previous: str | None  # the cursor of the page before; "": the first page; None: there is none
    following: str | None


def cut(ordered: Sequence[CaseRow], sort: Sort, limit: int, cursor: str | None) -> Cut:
    """A page of rows.

    Args:
        ordered: those of the list, as `OpenCases.ordered` has them.
        sort: in which order they are.
        limit: most of a page.
        cursor: of the page before; that row itself may have gone.

    Raises:
        BadCursor: it is none of a list like this.
    """

    def place(row: CaseRow) -> Row:
        return (float(row.value) if sort == "value_at_risk" else row.opened, row.profile)

    after, total = decode_cursor(cursor), len(ordered)
    end = total if after is None else bisect_left(ordered, after, key=place)
    begin = max(end - limit, 0)
    previous = None
    if end < total:
        previous = encode_cursor(place(ordered[end + limit])) if end + limit < total else ""
    following = encode_cursor(place(ordered[begin])) if begin else None
    return Cut(list(ordered[begin:end][::-1]), total - end, total, previous, following)
