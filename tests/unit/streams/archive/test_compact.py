"""Compacting old months: few large files, with the rows of before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.archive.facts import FactsOf
from analysis.archive.folder import Folder
from analysis.archive.reader import events_of, files
from plan import load_plan
from profiles.types import Erase, Event, Merge
from streams.archive import compact as compacting
from streams.archive.compact import compact
from streams.archive.gather import Gatherer, Memory
from streams.archive.manifest_log import ManifestLog
from streams.archive.write import write_flush
from tests import REPOSITORY

FACTS_OF = FactsOf(load_plan(REPOSITORY / "tracking_plan.yaml", {}))


class Shelf:
    """An archive with an event a day, without Kafka."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.log = ManifestLog(Folder(url), "aaaaaaaa", lambda: 1.0, owner=True)
        self.log.start("profile.events", 1, read={0: (0, 0)})
        self.gatherer = Gatherer(self.log.state, Memory(100), lambda home: f"digest of {home}")

    def take(self, *records: Event | Merge | Erase) -> None:
        begin = self.log.state.read[0]
        self.gatherer.take(0, [(begin + n, record, 9) for n, record in enumerate(records)], begin + len(records))
        write_flush(self.log, self.gatherer.gathered, 1.0, FACTS_OF)
        self.gatherer.flushed()

    def compact(self, months: str = "", before: str = "2026-06-10") -> None:
        compact(ManifestLog(Folder(self.url), "bbbbbbbb", lambda: 1.0), before, FACTS_OF, months=months)

    def days(self, table: str = "events") -> list[str]:
        return [file.day for file in files(self.url) if file.table == table]


def at(day: str) -> float:
    return datetime.fromisoformat(f"2026-{day}").replace(tzinfo=UTC).timestamp()


def visit(day: str, home: str = "a") -> Event:
    return Event(home, f"{home}-{day}", "web", "page", "page", "visit", at(day), at(day))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(str(tmp_path / "archive"))
    shelf.take(*(visit(f"{month:02}-{day:02}", home) for month in (4, 5, 6) for day in (1, 9, 20) for home in "ba"))
    shelf.take(Merge("b", "a", at("04-09"), [], ("identity.links", 0, 1)), visit("04-09", "c"))
    shelf.take(Merge("c", "a", at("04-20"), [], ("identity.links", 0, 2)))
    return shelf


def test_months_that_are_long_over_become_one_file_with_the_rows_of_before(shelf: Shelf) -> None:
    before = list(events_of(shelf.url, None))
    shelf.compact(months="2026-05-15")

    april = ["2026-04-01"]
    assert shelf.days() == [*april, "2026-05-01", "2026-05-09", "2026-05-20", "2026-06-01", "2026-06-09", "2026-06-20"]
    assert shelf.days("links") == april
    assert list(events_of(shelf.url, None)) == before
    assert {file.facts for file in files(shelf.url) if file.table == "events"} == {FACTS_OF.fingerprint}


def test_what_comes_late_is_taken_in_by_the_next_run_and_who_is_erased_goes(shelf: Shelf) -> None:
    shelf.compact(months="2026-06-01")
    shelf.take(visit("04-30", "d"))
    assert "2026-04-30" in shelf.days()
    shelf.compact(months="2026-06-01")
    assert shelf.days()[:2] == ["2026-04-01", "2026-05-01"]
    shelf.take(Erase("a", at("06-01")))

    assert {event.profile for event in events_of(shelf.url, None)} == {"b", "c", "d"}
    shelf.compact(months="2026-06-01")
    assert shelf.days()[:2] == ["2026-04-01", "2026-05-01"]


def test_a_month_that_is_large_stays_in_days(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "MONTH_BYTES", 1000)
    shelf.compact(months="2026-06-01")

    assert shelf.days()[:3] == ["2026-04-01", "2026-04-09", "2026-04-20"]
