"""Tables for analyses: made once, again for what changed, and gone with whom they were of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.archive.columns import EVENTS
from analysis.archive.facts import facts_of
from analysis.archive.folder import Folder
from analysis.archive.manifests import File, load
from analysis.archive.profile_rows import PROFILES
from analysis.engines.duck import Duck
from analysis.engines.engine import FACTS, PEOPLE
from analysis.keeping.retention import RETENTION, Asked
from analysis.running import run
from analysis.tables import build
from analysis.tables.units import FOLDER, UNUSED, mark, prune, prune_ways, units
from plan import Plan, parse_plan
from streams.archive.gather import Gathered
from streams.archive.manifest_log import ManifestLog
from streams.archive.write import write_flush
from tests.analysed import archived, happened, whole
from tests.plans import BASE

NOW = 1_780_000_000.0


@pytest.fixture
def plan() -> Plan:
    return parse_plan(BASE, "small.yaml", {})


def orders(count: int, month: int = 3) -> list[dict[str, object]]:
    return [
        happened(f"customer-{number % 5}", "purchase", f"{month:02d}-{1 + number % 28:02d}", amount=100 + number,
                 subject=f"{month}-{number}")
        for number in range(count)
    ]  # fmt: skip


def flushed(log: ManifestLog, rows: list[dict[str, object]]) -> None:
    """These rows as a flush of the archiver, in files by day."""
    full = whole(rows)
    files = []
    for day in sorted({row["time"].date().isoformat() for row in full}):
        path = log.name("events", day)
        part = [row for row in full if row["time"].date().isoformat() == day]
        size = log.folder.write_table(path, pa.Table.from_pylist(part, schema=EVENTS))
        files.append(File(path, "events", day, len(part), size, log.state.number + 1))
    log.flush(add=files, read={0: (0, 1)})


def at(moment: float) -> Callable[[], float]:
    """A clock that stands still."""
    return lambda: moment


def archive(folder: Path) -> ManifestLog:
    log = ManifestLog(Folder(str(folder)), "test", lambda: 1.0)
    log.start("profile.events", 1)
    return log


def tables(folder: Path) -> dict[str, float]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in (folder / FOLDER).rglob("*.parquet")}


def test_they_say_what_the_files_say(tmp_path: Path, plan: Plan) -> None:
    log = archive(tmp_path)
    rows = orders(60, 1) + orders(60, 3) + [happened("customer-1", "", "05-20")]
    flushed(log, rows)
    flushed(log, orders(20, 3))  # sent again, with the same ids: no table holds them twice
    made = Duck.open(str(tmp_path), plan)
    assert run(RETENTION, made, Asked()).rows == run(RETENTION, archived(rows, until="05-20", plan=plan), Asked()).rows


def test_only_what_changed_is_made_anew(tmp_path: Path, plan: Plan) -> None:
    log = archive(tmp_path)
    flushed(log, orders(60, 1) + orders(60, 3) + [happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan)
    before = tables(tmp_path)
    assert {unit.name for unit in units(load(log.folder))} == {"2026-01", "2026-03", "2026-05-20"}
    flushed(log, [happened("customer-9", "purchase", "01-07", amount=1, subject="late")])
    Duck.open(str(tmp_path), plan)
    after = tables(tmp_path)
    kept = before.keys() & after.keys()
    gone = {name.removeprefix(f"{FOLDER}/")[: len("facts/2026-01")] for name in before.keys() - kept}
    assert gone == {"facts/2026-01", "traits/2026-0", "homes/2026-01", "days/2026-01-"}
    assert all(before[name] == after[name] for name in kept)


def test_people_have_the_segments_and_the_stage_of_the_latest_day(tmp_path: Path, plan: Plan) -> None:
    """So a filter by segment finds them; who has no row yet is in none."""
    log = archive(tmp_path)
    flushed(log, orders(60, 3))
    for day, stage, segments in (("2026-03-30", "new", []), ("2026-03-31", "loyal", ["dutch"])):
        row = dict.fromkeys(PROFILES.names) | {
            "customer": "customer-1", "kind": "customer", "day": date.fromisoformat(day), "stage": stage,
            "segments": segments, "changed": datetime.fromisoformat(day),
        }  # fmt: skip
        path = log.name("profiles", day)
        size = log.folder.write_table(path, pa.Table.from_pylist([row], schema=PROFILES))
        log.snapshot([File(path, "profiles", day, 1, size, 1)], {})
    duck = Duck.open(str(tmp_path), plan)
    people = ibis.table(PEOPLE, name="people")

    found = duck.fetch(people.select("customer", "stage", "segments").order_by("customer")).to_pylist()
    assert [row["customer"] for row in found] == [f"customer-{number}" for number in range(5)]
    assert [(row["stage"], row["segments"]) for row in found[:2]] == [(None, None), ("loyal", ["dutch"])]
    dutch = duck.fetch(people.filter(people.segments.contains("dutch")).select("customer")).to_pydict()
    assert dutch == {"customer": ["customer-1"]}


def test_nothing_is_left_of_who_is_erased(tmp_path: Path, plan: Plan) -> None:
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan)
    gone = Gathered()
    gone.erase("customer-2", "digest")
    gone.read[0] = (1, 2)
    write_flush(log, gone, 2.0, facts_of(plan))
    for name in tables(tmp_path):
        assert "customer-2" not in str(pq.read_table(tmp_path / name).to_pylist())
    duck = Duck.open(str(tmp_path), plan)
    assert "customer-2" not in str(run(RETENTION, duck, Asked()).rows)
    assert (duck.frame.erased, duck.frame.erased_on) == (1, date(1970, 1, 1)), "as the flush says, in seconds"


def test_nothing_is_left_of_who_is_erased_while_tables_are_made(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of what was erased meanwhile is written a moment after the archiver has looked for such."""
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    real = build._build

    def built(*args: Any) -> None:
        real(*args)
        if args[2].name == "2026-05-20" and not log.state.erased:  # the last one
            held = {path: path.read_bytes() for path in (tmp_path / FOLDER).rglob("*.parquet")}
            gone = Gathered()
            gone.erase("customer-2", "digest")
            gone.read[0] = (1, 2)
            write_flush(log, gone, 2.0, facts_of(plan))
            for path, content in held.items():
                path.write_bytes(content)

    monkeypatch.setattr(build, "_build", built)
    Duck.open(str(tmp_path), plan)
    assert len(tables(tmp_path)) == 4 * 2
    for name in tables(tmp_path):
        assert "customer-2" not in str(pq.read_table(tmp_path / name).to_pylist())


def test_an_archive_whose_files_are_replaced_while_it_is_opened_is_opened_as_it_is_then(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    real = build._build

    def built(*args: Any) -> None:
        if not log.state.erased:
            gone = Gathered()
            gone.erase("customer-2", "digest")
            gone.read[0] = (1, 2)
            write_flush(log, gone, 2.0, facts_of(plan))
        real(*args)

    monkeypatch.setattr(build, "_build", built)
    duck = Duck.open(str(tmp_path), plan)
    assert duck.number == log.state.number
    facts = ibis.table(FACTS, name="facts")
    assert {row["home"] for row in duck.fetch(facts.select("home")).to_pylist()} == {
        f"customer-{number}" for number in (0, 1, 3, 4)
    }


def test_two_may_make_the_same_table_at_once(tmp_path: Path) -> None:
    folder, name = Folder(str(tmp_path)), f"{FOLDER}/facts/2026-03-a-b.parquet"
    table = pa.table({"home": ["a"] * 1000})
    with folder.writer(name, table.schema, shared=True) as first:
        first.write_table(table)
        with folder.writer(name, table.schema, shared=True) as second:
            second.write_table(table)
    assert pq.read_table(tmp_path / name).num_rows == 1000
    assert [path.name for path in (tmp_path / FOLDER).rglob("*.*")] == ["2026-03-a-b.parquet"]


def test_what_a_crash_left_half_written_goes_with_what_it_was_of(tmp_path: Path, plan: Plan) -> None:
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan)
    name = next(name for name in tables(tmp_path) if "/2026-03" in name)
    draft = (tmp_path / name).with_name(f".{Path(name).name}.0a1b2c3d")
    draft.write_bytes(b"half")
    prune(log.folder, log.state)
    assert draft.exists()  # somebody may be at work
    flushed(log, [happened("customer-9", "purchase", "03-07", amount=1, subject="late")])
    prune(log.folder, log.state)
    assert not draft.exists()


def test_tables_made_otherwise_go_a_day_after_they_were_used_last(tmp_path: Path, plan: Plan) -> None:
    """As those of an older version of ours, or of a plan with another zone."""
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan, clock=at(NOW))
    before = tables(tmp_path)
    moved = parse_plan(BASE + "\ntimezone: Asia/Shanghai\n", "small.yaml", {})
    duck = Duck.open(str(tmp_path), moved, clock=at(NOW))
    assert len(tables(tmp_path)) == 2 * len(before)  # both may be in use
    how, there = (build.way_of(each, zone).digest for each, zone in ((plan, "UTC"), (moved, "Asia/Shanghai")))
    assert prune_ways(log.folder, [there], NOW + UNUSED - 60) == []
    mark(log.folder, how, NOW + UNUSED)
    assert prune_ways(log.folder, [there], NOW + UNUSED + 60) == []  # somebody is at work in it
    gone = prune_ways(log.folder, [there], NOW + 2 * UNUSED + 60)
    assert {name for name in gone if name.endswith(".parquet")} == set(before)
    assert not before.keys() & tables(tmp_path).keys()
    assert run(RETENTION, duck, Asked()).rows
    assert run(RETENTION, Duck.open(str(tmp_path), plan), Asked()).rows  # made anew


def test_tables_without_a_mark_are_left_for_a_day(tmp_path: Path, plan: Plan) -> None:
    """A version of ours that writes none may be at work."""
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan)
    for path in (tmp_path / FOLDER / "ways").iterdir():
        path.unlink()
    assert prune_ways(log.folder, ["other"], NOW) == []
    assert prune_ways(log.folder, ["other"], NOW + UNUSED - 60) == []
    prune_ways(log.folder, ["other"], NOW + UNUSED + 60)
    assert not tables(tmp_path)


def test_opening_deletes_what_is_in_use_no_more(tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan, clock=at(NOW))
    before = tables(tmp_path)
    monkeypatch.setattr(build, "_VERSION", -1)
    Duck.open(str(tmp_path), plan, clock=at(NOW + UNUSED + 60))
    after = tables(tmp_path)
    assert len(after) == len(before)
    assert not before.keys() & after.keys()


def test_whoever_asks_says_that_tables_are_in_use(tmp_path: Path, plan: Plan) -> None:
    """Also days after they were opened, while nothing new has come."""
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    now = [NOW]
    duck = Duck.open(str(tmp_path), plan, clock=lambda: now[0])
    now[0] += 2 * UNUSED
    run(RETENTION, duck, Asked())
    assert prune_ways(log.folder, ["other"], now[0] + UNUSED - 60) == []
    assert tables(tmp_path)


def test_who_may_only_read_opens_tables_that_are_there(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = archive(tmp_path)
    flushed(log, [*orders(60, 3), happened("customer-1", "", "05-20")])
    Duck.open(str(tmp_path), plan, clock=at(NOW))
    mark(log.folder, "older", NOW - UNUSED)

    def refused(*args: object) -> None:
        raise PermissionError

    for name in ("replace", "create", "writer", "remove"):
        monkeypatch.setattr(Folder, name, refused)
    duck = Duck.open(str(tmp_path), plan, clock=at(NOW + UNUSED - 60))
    assert run(RETENTION, duck, Asked()).rows
