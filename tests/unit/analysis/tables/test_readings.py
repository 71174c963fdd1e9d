"""What texts say, beside the tables of facts: read in the order of time, and gone with whom it was learned of."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import duckdb
import ibis
import pyarrow.parquet as pq
import pytest

from analysis.archive.facts import facts_of
from analysis.engines.duck import Duck
from analysis.engines.engine import READINGS
from analysis.tables import readings as module
from analysis.tables.units import FOLDER, UNUSED
from plan import Plan, parse_plan
from streams.archive.gather import Gathered
from streams.archive.manifest_log import ManifestLog
from streams.archive.write import write_flush
from tests.analysed import archived, at, happened
from tests.plans import BASE
from tests.unit.analysis.tables.test_units import archive, flushed, tables
from tests.written import written


@pytest.fixture
def plan() -> Plan:
    return parse_plan(BASE, "small.yaml", {})


def rated(count: int, seed: int = 5) -> list[dict[str, Any]]:
    """Reviews, ten a day on the first five days of months, and now and then a ticket, which has no rating."""
    dice = Random(seed)
    rows = []
    for number in range(count):
        text = written(dice, dice.choice(("en", "en", "zh")))
        month, day = 1 + number // 50, 1 + number // 10 % 5
        when, who = at(f"{month:02d}-{day:02d} {2 * (number % 10):02d}:00"), f"customer-{number % 30}"
        rows.append(
            happened(who, "review", when, text=text.text, rating=5.0 if text.satisfied else 1.0)
            if number % 7
            else happened(who, "ticket_opened", when, text=text.text, topic="delivery", subject=f"t{number}")
        )
    return rows


def said(duck: Duck) -> list[dict[str, Any]]:
    duck.read_texts()
    table = ibis.table(READINGS, name="readings")
    rows = duck.fetch(table.order_by("us", "log_offset")).to_pylist()
    return [{key: value for key, value in row.items() if not key.startswith("log_")} for row in rows]


def numbered(rows: list[dict[str, Any]], begins: int) -> list[dict[str, Any]]:
    return [{**row, "id": f"e{begins + n}", "log_offset": begins + n} for n, row in enumerate(rows)]


def test_files_say_what_one_reading_of_all_says(tmp_path: Path, plan: Plan) -> None:
    """However many flushes and months they are of, and in whatever order they came."""
    rows = rated(220)
    log = archive(tmp_path)
    flushed(log, numbered(rows[150:], 150))
    said(Duck.open(str(tmp_path), plan))
    flushed(log, numbered(rows[:100], 0))
    said(Duck.open(str(tmp_path), plan))
    flushed(log, numbered(rows[100:150], 100))
    found = said(Duck.open(str(tmp_path), plan))
    assert found == said(archived(numbered(rows, 0), until="06-01", plan=plan))
    assert {row["told_by"] for row in found} >= {"rating", ""}


def test_only_what_is_new_is_read(tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rated(220)
    log = archive(tmp_path)
    flushed(log, numbered(rows[:210], 0))
    said(Duck.open(str(tmp_path), plan))
    before = tables(tmp_path)
    flushed(log, numbered(rows[210:], 210))
    read: list[str] = []
    real = module.TextReader.read

    def reading(self: Any, text: str, **given: Any) -> Any:
        read.append(text)
        return real(self, text, **given)

    monkeypatch.setattr(module.TextReader, "read", reading)
    found = said(Duck.open(str(tmp_path), plan))
    assert read == [row["text"] for row in rows[210:]]
    assert found == said(archived(numbered(rows, 0), until="06-01", plan=plan))
    after = tables(tmp_path)
    assert all(after[name] == when for name, when in before.items() if name in after)


def test_what_is_late_changes_what_comes_after_it_and_nothing_before(tmp_path: Path, plan: Plan) -> None:
    rows = rated(220)
    log = archive(tmp_path)
    flushed(log, numbered(rows, 0))
    said(Duck.open(str(tmp_path), plan))
    before = {name for name in tables(tmp_path) if "/readings/" in name}
    late = happened("customer-1", "review", "03-05 10:00", text="Arrived broken, not good", rating=1.0)
    flushed(log, numbered([late], 9000))
    found = said(Duck.open(str(tmp_path), plan))
    kept = before & set(tables(tmp_path))
    months = {"2026-01", "2026-02"}
    days = {f"2026-03-0{day}" for day in range(1, 5)}
    assert {Path(name).name.rsplit("-", 2)[0] for name in kept} == months | days
    everything = numbered(rows, 0) + numbered([late], 9000)
    assert found == said(archived(everything, until="06-01", plan=plan))


def test_given_up_it_goes_on_from_there(tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rated(220)
    log = archive(tmp_path)
    flushed(log, numbered(rows, 0))
    duck = Duck.open(str(tmp_path), plan)
    real = module._read

    def giving_up(con: Any, facts: str, *rest: Any) -> Any:
        if "2026-03" in facts:
            duck.interrupt()
        return real(con, facts, *rest)

    monkeypatch.setattr(module, "_read", giving_up)
    with pytest.raises(duckdb.InterruptException):
        duck.read_texts()
    monkeypatch.setattr(module, "_read", real)
    done = {name: when for name, when in tables(tmp_path).items() if "/readings/" in name}
    assert done
    assert said(duck) == said(archived(numbered(rows, 0), until="06-01", plan=plan))
    after = tables(tmp_path)
    assert all(after[name] == when for name, when in done.items())


def test_nothing_is_left_of_who_is_erased(tmp_path: Path, plan: Plan) -> None:
    """Nor of what was learned of their texts, in whatever later month it was kept; and no text is ever there."""
    rows = rated(220)
    log = archive(tmp_path)
    flushed(log, numbered(rows, 0))
    said(Duck.open(str(tmp_path), plan))
    assert sum("/readers/" in name for name in tables(tmp_path)) > 2
    gone = Gathered()
    gone.erase("customer-2", "digest")
    gone.read[0] = (1, 2)
    write_flush(log, gone, 2.0, facts_of(plan))
    left = [name for name in tables(tmp_path) if "/readers/" in name or "/readings/" in name]
    assert left == []  # who wrote in the first month wrote before all of it
    found = said(Duck.open(str(tmp_path), plan))
    assert "customer-2" not in {row["home"] for row in found}
    theirs = [row for row in numbered(rows, 0) if row["home"] != "customer-2"]
    assert found == said(archived(theirs, until="06-01", plan=plan))
    for name in tables(tmp_path):
        if "/readings/" in name:
            assert "text" not in pq.read_schema(tmp_path / name).names


def test_who_does_not_agree_when_they_write_teaches_nothing(plan: Plan) -> None:
    rows = [
        happened("A", "review", "03-01", text="good", rating=5.0),
        happened("A", "consent", "03-02", consent_analytics=False),
        happened("A", "review", "03-03", text="bad", rating=1.0),
        happened("B", "review", "03-04", text="bad", rating=1.0),
    ]
    found = said(archived(rows, until="04-01", plan=plan))
    assert [(row["tone"], row["satisfied"]) for row in found] == [
        ("positive", True), ("negative", None), ("negative", False),
    ]  # fmt: skip


def test_only_customers_own_words_are_read(plan: Plan) -> None:
    roles = ("search", "ticket_replied", "refund", "complaint", "ces", "subscription_cancel")
    rows = [happened("A", role, f"03-0{day}", text="a text", rating=1.0) for day, role in enumerate(roles, 1)]
    found = said(archived([*rows, happened("A", "review", "03-09", text="", rating=1.0)], until="04-01", plan=plan))
    assert len(found) == 3
    assert {row["tone"] for row in found} == {""}


def test_another_list_of_topics_reads_anew_and_the_old_goes(tmp_path: Path, plan: Plan) -> None:
    log = archive(tmp_path)
    flushed(log, numbered(rated(30), 0))
    now = at("06-01").timestamp()
    said(Duck.open(str(tmp_path), plan, clock=lambda: now))
    other = parse_plan(BASE + "\nanalyses: {topics: {gifts: {en: [sister], zh: [姐姐]}}}\n", "small.yaml", {})
    found = said(Duck.open(str(tmp_path), other, clock=lambda: now))
    assert any("gifts" in row["topics"] for row in found)
    both = [name for name in tables(tmp_path) if "/readings/" in name]
    facts = [name for name in tables(tmp_path) if "/facts/" in name]
    assert len(both) == 2 * len(facts)  # those are made for either plan alike
    Duck.open(str(tmp_path), other, clock=lambda: now + UNUSED + 60)
    assert len([name for name in tables(tmp_path) if "/readings/" in name]) == len(facts)


def test_no_text_is_in_a_file_but_those_of_facts(tmp_path: Path, plan: Plan) -> None:
    """What was learned has only pieces that five customers have used, and digests."""
    log: ManifestLog = archive(tmp_path)
    secret = [happened(f"customer-{n}", "review", f"03-0{n}", text="Unlockmydoor", rating=1.0) for n in range(1, 5)]
    flushed(log, numbered([*secret, *rated(100)], 0))
    said(Duck.open(str(tmp_path), plan))
    files = [path for path in (tmp_path / FOLDER).rglob("*.parquet") if path.parent.name in ("readers", "readings")]
    assert files
    for path in files:
        for column in pq.read_table(path).to_pydict().values():
            assert "unlockmydoor" not in str(column).lower()
