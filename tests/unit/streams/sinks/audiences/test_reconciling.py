"""Once a day all customers are looked at: what a table says otherwise is told and mended."""

from __future__ import annotations

import pytest

from streams.sinks.audiences.reconciling import Checked, check
from streams.sinks.audiences.versions import Tables
from tests.audiences import Shop, awaited, member, plan_with


@pytest.fixture
def shop(tmp_path):
    return Shop(str(tmp_path))


async def found_in(shop):
    return await check(shop.writer, shop.store)


@awaited
async def test_a_table_that_is_as_the_store_is_is_left_alone(shop):
    await shop.put(*(member(n, country="NL") for n in range(3)), member(9, segment=""))
    await shop.writer.write("dutch")

    assert await found_in(shop) == [Checked("dutch", 1, 3)]


@awaited
async def test_who_has_moved_since_is_nothing_wrong(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    await shop.put(member(2))

    assert await found_in(shop) == [Checked("dutch", 2, 2, moved=1)]


@awaited
async def test_who_is_in_the_segment_and_not_in_its_index_is_missing_and_stays_when_mended(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    await shop.put(member(2), indexed=False)

    assert await found_in(shop) == [Checked("dutch", 2, 2, missing=1, who=["p000002"])]
    assert list(shop.table()) == ["p000001", "p000002"]
    assert (await shop.writer.write("dutch")).outcome == "unchanged"
    assert await found_in(shop) == [Checked("dutch", 2, 2)]


@awaited
async def test_a_damaged_file_is_told(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    (name,) = (name for name in shop.folder.names("audiences") if "members" in name)
    shop.folder.remove(name)

    assert await found_in(shop) == [Checked("dutch", 2, 1, damaged=True)]


@awaited
async def test_rows_that_somebody_else_put_into_a_table_go(shop):
    """A table whose file was exchanged: the store counts."""
    await shop.put(member(1), member(2))
    await shop.writer.write("dutch")
    newest = Tables(shop.folder, "dutch").newest()
    made = shop.writer.rows
    shop.folder.write_table(newest.members, made.table([made.row(member(n), "dutch") for n in (2, 7)]))

    (checked,) = await found_in(shop)

    assert list(shop.table()) == ["p000001", "p000002"]
    assert checked.moved == 2


@awaited
async def test_tables_that_the_plan_names_no_more_are_taken_away(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    shop.plan = plan_with("{segments: [champions]}")

    assert [(each.segment, each.removed) for each in await found_in(shop)] == [("champions", 0), ("dutch", 3)]
    assert shop.files("dutch") == []
