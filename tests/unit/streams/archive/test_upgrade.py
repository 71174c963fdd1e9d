"""Upgrading an archive of version 1: read as it is by everybody, and given its facts, whatever happens meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from analysis.archive.columns import EVENTS, FACTS, SAID
from analysis.archive.facts import FactsOf
from analysis.archive.folder import Folder
from analysis.archive.reader import events, events_of, files
from plan import Plan, parse_plan
from profiles.types import Erase, Event, Grouping
from streams.archive import upgrade as upgrading
from streams.archive.compact import compact
from streams.archive.gather import Gatherer, Memory, Unnaming
from streams.archive.manifest_log import ManifestLog
from streams.archive.upgrade import upgrade
from streams.archive.write import write_flush
from streams.companies.erasing import unnaming
from tests import REPOSITORY

TEXT = (REPOSITORY / "plan" / "b2b.yaml").read_text()
PLAN = parse_plan(TEXT, "b2b.yaml", {})
OTHER = Plan(PLAN.file.model_copy(update={"events": [e for e in PLAN.file.events if e.name != "Feature Used"]}))
DAY = 86400.0


class Shelf:
    """An archive of events of a product's companies, without Kafka."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.facts = FactsOf(PLAN)
        self.unnaming: Unnaming = lambda drops: unnaming(PLAN, drops)
        self.log = ManifestLog(Folder(url), "aaaaaaaa", lambda: 1.7e9, owner=True)
        self.log.start("profile.events", 1, read={} if self.log.state.read else {0: (0, 0)})
        self.gatherer = Gatherer(self.log.state, Memory(1000), lambda home: f"digest of {home}", self.unnaming)

    def take(self, *records: Any) -> None:
        begin = self.log.state.read[0]
        self.gatherer.take(0, [(begin + n, record, 100) for n, record in enumerate(records)], begin + len(records))
        write_flush(self.log, self.gatherer.gathered, 1.7e9, self.facts, self.unnaming)
        self.gatherer.flushed()

    def age(self) -> None:
        """Make all files such as version 1 wrote."""
        for file in files(self.url):
            table = pq.read_table(Path(self.url, file.path), partitioning=None)
            older = table.select(list(SAID)).replace_schema_metadata({"rapport.version": "1"})
            pq.write_table(older, Path(self.url, file.path))
        for path in Path(self.url, "_flushes").iterdir():
            manifest = json.loads(path.read_bytes())
            for file in manifest.get("add", []):
                del file["facts"]
            path.write_text(json.dumps(manifest))
        self.log = ManifestLog(Folder(self.url), "aaaaaaaa", lambda: 1.7e9, owner=True)
        self.gatherer = Gatherer(self.log.state, Memory(1000), lambda home: f"digest of {home}", self.unnaming)

    def rows(self, *names: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as con:
            events(con, self.url)
            listed = ", ".join(f'"{name}"' for name in names)
            return con.sql(f"SELECT {listed} FROM events ORDER BY id").fetchall()


def used(number: int, company: str = "acme", day: int = 0, home: str = "") -> Event:
    time = 1.7e9 + day * DAY
    return Event(
        home or f"h{number % 3}", f"{number:03}", "product", "track", "Feature Used", "feature_use", time, time,
        subject="reports", properties={"feature": "reports", "company_id": company}, group=Grouping(company),
        context={"locale": "nl_NL", "groupId": company}, origin=("events.product", 0, number),
    )  # fmt: skip


def other_writer(shelf: Shelf) -> ManifestLog:
    return ManifestLog(Folder(shelf.url), "bbbbbbbb", lambda: 1.7e9)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Ten events of five days, in two files each, of version 1."""
    shelf = Shelf(str(tmp_path / "archive"))
    for half in range(2):
        shelf.take(*(used(number, day=number % 5) for number in range(half * 5, half * 5 + 5)))
    shelf.age()
    return shelf


FILLED = ("feature", "locale", "company")


def test_an_older_archive_is_read_by_everybody_with_nulls(shelf: Shelf) -> None:
    assert shelf.rows("id", *FACTS) == [(f"{number:03}", *[None] * len(FACTS)) for number in range(10)]
    assert {event.id for event in events_of(shelf.url, None)} == {f"{number:03}" for number in range(10)}
    paths = [str(Path(shelf.url, file.path)) for file in files(shelf.url)]
    assert ds.dataset(paths, schema=EVENTS).to_table()["items"].null_count == 10
    shelf.take(used(10))

    assert shelf.rows(*FILLED)[9:] == [(None, None, None), ("reports", "nl-NL", "acme")]


def test_an_upgrade_gives_all_their_facts_and_changes_nothing_else(shelf: Shelf) -> None:
    before = list(events_of(shelf.url, None))
    told: list[tuple[int, int]] = []
    done = upgrade(other_writer(shelf), FactsOf(PLAN), tell=lambda *moved: told.append(moved))

    assert (done.days, done.files, done.events) == (5, 10, 10)
    assert (told[0], told[-1]) == ((0, 5), (5, 5))
    assert shelf.rows(*FILLED) == [("reports", "nl-NL", "acme")] * 10
    assert list(events_of(shelf.url, None)) == before
    assert upgrade(other_writer(shelf), FactsOf(PLAN)).files == 0
    for file in files(shelf.url):
        assert pq.read_schema(Path(shelf.url, file.path)).metadata[b"rapport.version"] == b"2"
    assert sorted(Folder(shelf.url).names("events")) == [file.path for file in files(shelf.url)]


def test_stopped_at_any_day_it_goes_on_with_the_rest(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    written = iter(range(100))
    rewritten = upgrading.rewritten

    def dying(*given: Any) -> Any:
        if next(written) in (3, 7):
            raise KeyboardInterrupt
        return rewritten(*given)

    monkeypatch.setattr(upgrading, "rewritten", dying)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            upgrade(other_writer(shelf), FactsOf(PLAN))
    assert sorted(Folder(shelf.url).names("events")) == [file.path for file in files(shelf.url)]  # nothing is left
    done = upgrade(other_writer(shelf), FactsOf(PLAN))

    assert 0 < done.days < 4
    assert shelf.rows("feature") == [("reports",)] * 10


def test_an_archiver_that_writes_and_erases_meanwhile_is_not_stopped(shelf: Shelf) -> None:
    late = other_writer(shelf)  # has seen the files as they were
    shelf.take(used(10), Erase("h1", 2e9))
    upgrade(late, FactsOf(PLAN))
    shelf.take(used(11))

    assert {row[0] for row in shelf.rows("home")} == {"h0", "h2"}
    assert set(shelf.rows(*FILLED)) == {("reports", "nl-NL", "acme")}


def test_after_the_plan_has_changed_it_derives_anew_when_asked(shelf: Shelf) -> None:
    upgrade(other_writer(shelf), FactsOf(OTHER))
    assert set(shelf.rows("feature")) == {("reports",)}  # its role and subject still say so
    said = "facts: {subject: feature, quantity: quantity}"
    assert said in TEXT
    told = TEXT.replace(said, "facts: {subject: feature, quantity: quantity, topic: feature}")
    changed = FactsOf(parse_plan(told, "b2b.yaml", {}))

    assert upgrade(other_writer(shelf), changed).files == 0
    assert upgrade(other_writer(shelf), changed, anew=True).files == 10
    assert set(shelf.rows("topic")) == {("reports",)}
    assert upgrade(other_writer(shelf), changed, anew=True).files == 0


def test_compaction_makes_the_files_of_a_day_alike(shelf: Shelf) -> None:
    shelf.take(*(used(number, day=number % 5) for number in range(10, 15)))
    compact(other_writer(shelf), "2999-01-01", FactsOf(PLAN))

    assert len(files(shelf.url)) == 5
    assert shelf.rows(*FILLED) == [("reports", "nl-NL", "acme")] * 15
    assert {file.facts for file in files(shelf.url)} == {FactsOf(PLAN).fingerprint}


def test_compaction_keeps_facts_that_one_plan_has_derived(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path))
    shelf.take(used(1))
    shelf.take(used(2))
    compact(other_writer(shelf), "2999-01-01", FactsOf(OTHER))

    assert {file.facts for file in files(shelf.url)} == {FactsOf(PLAN).fingerprint}


@pytest.mark.parametrize("older", [True, False])
def test_of_an_erased_company_no_column_says_anything(tmp_path: Path, older: bool) -> None:
    """Neither its name, nor what a group call said of it; the rows stay those of its people."""
    shelf = Shelf(str(tmp_path))
    call = Event(
        "h0", "000", "server", "group", "group", "", 1.7e9, 1.7e9, group=Grouping("acme"), context={"groupId": "acme"},
        properties={"plan": "acme special", "name": "acme"},
    )  # fmt: skip
    shelf.take(call, used(1), used(2, "other"))
    if older:
        shelf.age()
    else:
        assert shelf.rows("company", "plan")[0] == ("acme", "acme special")
    shelf.take(Erase(PLAN.company("acme"), 2e9))
    upgrade(other_writer(shelf), FactsOf(PLAN))

    assert shelf.rows("company", "plan", "feature") == [
        (None, None, None), (None, None, "reports"), ("other", None, "reports"),
    ]  # fmt: skip
    for path in Path(shelf.url).rglob("*.parquet"):
        assert b"acme" not in path.read_bytes()
