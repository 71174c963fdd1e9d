"""A segment's table follows the store by versions, and readers that apply changes arrive at the same."""

from __future__ import annotations

import re

import duckdb
import pyarrow.parquet as pq
import pytest

from profiles.errors import Misconfigured, RapportError
from streams.settings import Settings
from streams.sinks.audiences.audience_writer import audiences_folder
from streams.sinks.audiences.versions import Overtaken, Tables
from tests import REPOSITORY
from tests.audiences import Shop, awaited, member


@pytest.fixture
def shop(tmp_path):
    return Shop(str(tmp_path))


@awaited
async def test_the_first_version_has_everybody_and_no_changes(shop):
    await shop.put(*(member(n, country="NL") for n in range(2500)))

    done = await shop.writer.write("dutch")

    assert (done.outcome, done.version, done.rows) == ("anew", 1, 2500)
    assert list(shop.table()) == sorted(shop.table())
    assert shop.latest()["changes"] == []
    assert shop.files() == ["0000000001.json", "latest.json", "members-0000000001"]


@awaited
async def test_the_next_says_what_changed_and_why(shop):
    one, two, three, four = (member(n, country="NL") for n in (1, 2, 3, 4))
    await shop.put(one, two, three, four)
    await shop.writer.write("dutch")
    two.traits["country"] = ("BE", 1.0, b"12345678")
    three.traits["consent.outreach"] = (False, 1.0, b"12345678")
    four.redirect = "erased"
    await shop.put(member(1, segment=""), two, three, four, member(5), left=("p000001", "p000004"))
    shop.now += 100

    done = await shop.writer.write("dutch")

    assert (done.outcome, done.entered, done.left, done.changed, done.rows) == ("written", 1, 3, 1, 2)
    (kept,) = shop.latest()["changes"]
    told = pq.read_table(shop.folder.path(kept["path"])).to_pylist()
    assert [(row["profile"], row["change"], row["reason"]) for row in told] == [
        ("p000001", "left", "segment"),
        ("p000002", "changed", None),
        ("p000003", "left", "outreach"),
        ("p000004", "left", "gone"),
        ("p000005", "entered", None),
    ]
    assert {row["at"].timestamp() for row in told} == {shop.now}
    assert told[4]["since"] == shop.table()["p000005"]["since"]


@awaited
async def test_nothing_is_written_while_nothing_changes_and_old_files_go_after_a_while(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    await shop.put(member(2))
    await shop.writer.write("dutch")

    assert (await shop.writer.write("dutch")).outcome == "unchanged"
    assert shop.files().count("members-0000000001") == 1  # somebody may be reading it

    shop.now += 901
    await shop.writer.write("dutch")

    assert shop.files() == ["0000000002.json", "changes-0000000002", "latest.json", "members-0000000002"]


@awaited
async def test_who_is_erased_is_in_no_file_after_two_looks(shop):
    await shop.put(member(1), member(2))
    await shop.writer.write("dutch")
    gone = member(1)
    gone.redirect = "erased"
    await shop.put(gone, left=("p000001",))
    await shop.writer.write("dutch")
    shop.now += 901
    await shop.writer.write("dutch")

    members = [name for name in shop.folder.names("audiences/dutch") if "members-" in name]
    assert [pq.read_table(shop.folder.path(name))["profile"].to_pylist() for name in members] == [["p000002"]]


@awaited
async def test_changes_can_be_read_for_as_long_as_the_plan_says(shop):
    for number in range(5):
        await shop.put(member(number))
        await shop.writer.write("dutch")
        shop.now += 40_000  # of 86,400

    assert [each["number"] for each in shop.latest()["changes"]] == [3, 4, 5]
    assert [name for name in shop.files() if name.startswith("changes")] == [
        f"changes-{number:010d}" for number in (2, 3, 4, 5)
    ]  # that of the version before is still there for who reads it


@awaited
async def test_an_empty_store_is_no_reason_to_take_everybody_out(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")

    with pytest.raises(RapportError, match="the store is empty, and 1 are in the audience dutch"):
        await Shop(shop.folder.root).writer.write("dutch")

    assert list(shop.table()) == ["p000001"]


@awaited
async def test_a_table_that_is_lost_is_begun_anew(shop):
    await shop.put(member(1), member(2))
    await shop.writer.write("dutch")
    (name,) = (name for name in shop.folder.names("audiences") if "members" in name)
    shop.folder.fs.pipe_file(shop.folder.path(name), b"PAR1 no more")

    done = await shop.writer.write("dutch")

    assert (done.outcome, done.version, done.rows) == ("anew", 2, 2)
    assert shop.latest()["changes"] == []


@pytest.mark.parametrize("where", ["members", "changes", "version", "latest"])
@awaited
async def test_a_writer_that_ends_in_mid_write_leaves_a_whole_table_and_the_next_goes_on(shop, where, monkeypatch):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    await shop.put(member(2))
    folder = shop.folder

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Tables, "_drop", lambda *_: None)  # as a kill has it
        if where in ("members", "changes"):
            real = folder.write_table
            broken.setattr(folder, "write_table", lambda name, table: dies() if where in name else real(name, table))
        else:
            broken.setattr(folder, "create" if where == "version" else "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            await shop.writer.write("dutch")

    assert shop.latest()["number"] == 1
    assert pq.read_table(folder.path(shop.latest()["members"]))["profile"].to_pylist() == ["p000001"]

    shop.now += 901
    await shop.writer.write("dutch")
    assert list(shop.table()) == ["p000001", "p000002"]
    assert shop.latest()["number"] == 2
    shop.now += 901
    await shop.writer.write("dutch")
    assert shop.files() == ["0000000002.json", "changes-0000000002", "latest.json", "members-0000000002"]


@awaited
async def test_of_two_writers_one_makes_the_version_and_the_other_takes_it_up(shop):
    await shop.put(member(1))
    await shop.writer.write("dutch")
    tables = Tables(shop.folder, "dutch")
    first = tables.newest()
    made = shop.writer.rows
    await shop.put(member(2))
    await shop.writer.write("dutch")

    with pytest.raises(Overtaken):
        tables.publish(first, made.table([]), None, at=shop.now, plan=1, keep=86_400)

    assert list(shop.table()) == ["p000001", "p000002"]
    assert shop.files().count("members-0000000002") == 1


@awaited
async def test_a_reader_that_applies_changes_arrives_at_the_snapshot(shop):
    """As docs/delivery.md tells readers, also if it looks twice, or misses versions."""
    held, known = {}, 0
    for step in range(8):
        await shop.put(member(step, country="NL"), member(step // 2, segment="dutch" if step % 3 else "", country="BE"))
        if not step % 3:
            await shop.put(left=(f"p{step // 2:06d}",))
        await shop.writer.write("dutch")
        if step % 2:
            continue
        for _ in range(2):
            latest = shop.latest()
            news = [each for each in latest["changes"] if each["number"] > known]
            rows = {row["profile"]: row for row in pq.read_table(shop.folder.path(latest["members"])).to_pylist()}
            if [each["number"] for each in news] != list(range(known + 1, latest["number"] + 1)):
                held = dict.fromkeys(rows)
            for each in news:
                for row in pq.read_table(shop.folder.path(each["path"])).to_pylist():
                    held.pop(row["profile"], None)
                    if row["change"] != "left":
                        held[row["profile"]] = None
            known = latest["number"]
            assert set(held) == set(rows)
    assert known == 7


@awaited
async def test_who_has_become_one_with_another_is_gone_and_the_other_is_in_it_once(shop):
    await shop.put(member(1), member(2))
    await shop.writer.write("dutch")
    merged = member(1)
    merged.redirect = "p000002"
    await shop.put(merged, left=("p000001",))

    done = await shop.writer.write("dutch")

    assert (done.left, done.rows) == (1, 1)
    (kept,) = shop.latest()["changes"]
    (told,) = pq.read_table(shop.folder.path(kept["path"])).to_pylist()
    assert (told["profile"], told["reason"]) == ("p000001", "gone")


@awaited
async def test_the_query_of_the_page_reads_the_newest_version(shop):
    await shop.put(member(1, country="NL"))
    await shop.writer.write("dutch")
    await shop.put(member(2, country="BE"))
    await shop.writer.write("dutch")
    section = (REPOSITORY / "docs" / "delivery.md").read_text().split("## Audiences as a table")[1]
    first, second = re.findall(r"```sql\n(.*?;)\n(.*?;)\n```", section, re.DOTALL)[0]

    with duckdb.connect() as connection:
        connection.execute(first.replace("s3://bucket/rapport", shop.folder.root).replace("at_risk", "dutch"))
        found = connection.execute(second).fetchall()

    assert [(row[0], row[3]) for row in found] == [("p000001", "NL"), ("p000002", "BE")]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"audiences": "nosuch://x"}, "RAPPORT_AUDIENCES=nosuch://x"),
        ({"archive": "nosuch://x"}, "RAPPORT_ARCHIVE=nosuch://x"),
        ({}, "set RAPPORT_AUDIENCES"),
    ],
)
def test_a_folder_that_cannot_be_opened_is_named_by_its_setting(given, named):
    with pytest.raises(Misconfigured, match=named):
        audiences_folder(Settings(**given))
