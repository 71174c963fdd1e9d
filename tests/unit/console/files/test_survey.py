"""The first reading of files of history: bad rows, order, and what the plan would say."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from console.files.rows import FileSpec
from console.files.sorting import History
from console.files.survey import Survey, survey
from plan import load_plan
from profiles.errors import Misconfigured, WrongUse
from streams.history.forecast import Previewer
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
NOW = 1_800_000_000.0
VIEW = (
    '{"source":"web","type":"track","event":"Product Viewed","userId":"%s","timestamp":"%s",'
    '"properties":{"product_id":"P1"}}\n'
)


def look(*files: Path, aside: bool = False) -> Survey:
    """A survey of JSON lines."""
    return survey([(path, FileSpec()) for path in files], Previewer(PLAN, NOW), PLAN, aside=aside)


def test_all_files_together(tmp_path: Path) -> None:
    """Also compressed; each is in order by itself or is not."""
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    first.write_text(VIEW % ("1", "2026-01-02") + VIEW % ("2", "2026-01-01"))
    second.write_bytes(gzip.compress((VIEW % ("2", "2026-01-03")).encode()))

    found = look(first, second)

    assert found.preview.events == {("web", "Product Viewed"): 3}
    assert found.preview.customers.count() == 2
    assert found.ordered == [False, True]
    assert found.preview.until - found.preview.since == 2 * 86400
    found.report()


def test_rows_that_cannot_become_events_stop_it_or_are_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With how many have no time."""
    file = tmp_path / "a.jsonl"
    file.write_text(VIEW % ("1", "2026-01-02") + '{"type":"page","userId":"1","source":"web"}\nnonsense\n')

    found = look(file)

    assert (found.bad[0].count, found.bad[0].timeless) == (2, 1)
    with pytest.raises(Misconfigured, match=r"line 2: it has no timestamp \(1 more row is bad\)"):
        found.report()
    look(file, aside=True).report()
    assert "2 bad rows are in" in capsys.readouterr().err
    assert (tmp_path / "a.jsonl.bad").read_text() == '{"type":"page","userId":"1","source":"web"}\nnonsense\n'
    file.write_text(VIEW % ("1", "2026-01-02") + "nonsense\n")
    look(file, aside=True).report()
    assert "1 bad row is in" in capsys.readouterr().err


def test_a_source_that_the_plan_does_not_have_stops_it(tmp_path: Path) -> None:
    """Its events would have nowhere to go."""
    file = tmp_path / "a.jsonl"
    file.write_text(VIEW.replace('"web"', '"fax"') % ("1", "2026-01-02"))

    with pytest.raises(WrongUse, match="line 1: the plan has no source 'fax'; it has web, app"):
        look(file)


def test_nothing_is_no_history(tmp_path: Path) -> None:
    """An empty file is told."""
    file = tmp_path / "a.jsonl"
    file.write_text("\n")

    with pytest.raises(WrongUse, match="no events"):
        look(file).report()


def test_a_row_of_before_all_times_does_not_count_as_of_now(tmp_path: Path) -> None:
    """What a file says of the past must not become an order of today: it is a bad row, with what to do."""
    file = tmp_path / "a.jsonl"
    file.write_text(VIEW % ("1", "1971-03-04") + VIEW % ("1", "1990-01-01") + VIEW % ("2", "2026-01-02"))

    found = look(file)

    assert found.preview.events == {("web", "Product Viewed"): 2}
    with pytest.raises(Misconfigured, match=r"line 1: timestamp: 1971-03-04 is before 1990-01-01.*set `earliest`"):
        found.report()
    loaded = History(file, FileSpec(), found.ordered[0], PLAN.earliest)
    loaded.prepare(tmp_path)
    assert [past.time for past in loaded.in_order()] == [found.preview.since, found.preview.until]
