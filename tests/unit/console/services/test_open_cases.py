"""Pages of the cases that stand, and that they are read once for everybody who asks at the same time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from console.services.open_cases import CaseReads, OpenCases, Sort, cut
from profiles.cases.case_rows import CaseRow
from profiles.store import Reader


def row(number: int, value: int) -> CaseRow:
    return CaseRow(f"p{number:03}", "new", "retention", float(value % 7), value, "", "", [], [], "")


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 7), st.sampled_from(["value_at_risk", "newest"]))
def test_pages_are_the_whole_list_forwards_and_backwards(values: list[int], limit: int, sort: Sort) -> None:
    ordered = OpenCases([row(number, value) for number, value in enumerate(values)]).ordered(sort)
    pages, cursor = [], None
    while True:
        page = cut(ordered, sort, limit, cursor)
        assert page.start == sum(len(one.rows) for one in pages)
        assert page.total == len(values)
        pages.append(page)
        if page.following is None:
            break
        cursor = page.following
    assert [one for page in pages for one in page.rows] == ordered[::-1]
    for before, page in pairwise(pages):
        assert page.previous is not None
        assert cut(ordered, sort, limit, page.previous or None).rows == before.rows
    assert pages[0].previous is None


def test_a_cursor_whose_row_has_gone_goes_on_behind_it() -> None:
    ordered = OpenCases([row(number, number) for number in range(9)]).ordered("value_at_risk")
    first = cut(ordered, "value_at_risk", 3, None)
    ordered.remove(first.rows[-1])
    assert [one.value for one in cut(ordered, "value_at_risk", 3, first.following).rows] == [5, 4, 3]


class Slow:
    """A store of which each read takes until it is let go on, and answers what there was when it began."""

    def __init__(self) -> None:
        self.there = 0
        self.reads: list[asyncio.Event] = []
        self.began = asyncio.Event()  # the second

    async def cases(self) -> list[CaseRow]:
        there = self.there
        self.reads.append(going_on := asyncio.Event())
        if len(self.reads) == 2:
            self.began.set()
        await going_on.wait()
        return [row(number, number) for number in range(there)]


def test_who_asks_meanwhile_shares_one_read_that_begins_later() -> None:
    async def run() -> None:
        held, reads = Slow(), CaseReads()
        reader = cast(Reader, held)
        first = [asyncio.create_task(reads.read(reader)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        held.there = 2
        later = [asyncio.create_task(reads.read(reader)) for _ in range(5)]
        later[0].cancel()  # whoever goes away takes nobody's read along
        await asyncio.sleep(0)
        held.reads[0].set()
        assert [len((await one).ordered("newest")) for one in first] == [0, 0, 0]
        await held.began.wait()
        held.reads[1].set()
        assert [len((await one).ordered("newest")) for one in later[1:]] == [2, 2, 2, 2]
        assert len(held.reads) == 2

    asyncio.run(run())


def test_a_read_that_fails_fails_for_those_who_share_it_only() -> None:
    class Broken(Slow):
        async def cases(self) -> list[CaseRow]:
            await asyncio.sleep(0)
            if not self.there:
                raise ConnectionError
            return []

    async def run() -> None:
        held, reads = Broken(), CaseReads()
        reader = cast(Reader, held)
        answers = await asyncio.gather(*(reads.read(reader) for _ in range(2)), return_exceptions=True)
        assert [type(one) for one in answers] == [ConnectionError] * 2
        held.there = 1
        assert (await reads.read(reader)).ordered("newest") == []

    asyncio.run(run())


def test_looks_are_kept_for_those_who_ask_and_are_bounded() -> None:
    reads = CaseReads(kept=10)
    of = [OpenCases([row(number, value) for number in range(4)]) for value in range(4)]
    first, second = reads.keep(of[0]), reads.keep(of[1])
    assert reads.keep(OpenCases(list(of[1].rows))) is second  # nothing has changed
    assert reads.look(first.id) is first  # which is asked for last
    third = reads.keep(of[2])
    assert (reads.look(first.id), reads.look(second.id), reads.look(third.id)) == (first, None, third)
    assert CaseReads(kept=1).keep(of[0]).cases is of[0]
