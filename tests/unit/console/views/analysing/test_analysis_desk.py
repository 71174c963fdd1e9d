"""The desk has an engine a state of the archive, runs one question at a time, each once, and gives up what is long."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from analysis.archive.folder import Folder
from analysis.declaration import Analysis
from analysis.keeping.retention import RETENTION, Asked
from console.views.analysing import analysis_desk as desk_module
from console.views.analysing.analysis_desk import AnalysisDesk, NoArchive, TookTooLong
from plan import parse_plan
from streams.archive.manifest_log import ManifestLog
from tests.analysed import archived, happened
from tests.plans import BASE

PLAN = parse_plan(BASE, "small.yaml", {})


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **given: Any) -> None:
        asyncio.run(test(*args, **given))

    return run


def engine() -> Any:
    return archived([happened("a", "purchase", "01-10", amount=100, subject="1")], until="02-10")


def counted(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> list[str]:
    """The questions that reach an engine, from now on; each takes so long."""
    asked = []

    def run(analysis: Analysis[Any], engine: Any, given: Any, figures: Any) -> Any:
        asked.append(given.interval)
        time.sleep(seconds)
        return object()

    monkeypatch.setattr("analysis.running.run", run)
    return asked


@in_a_loop
async def test_the_same_question_is_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch, 0.05)
    desk = AnalysisDesk("", PLAN, opened=engine)
    one, other = await asyncio.gather(desk.run(RETENTION, Asked()), desk.run(RETENTION, Asked()))
    assert one is other is await desk.run(RETENTION, Asked())
    await desk.run(RETENTION, Asked(interval="week"))
    assert asked == ["month", "week"]
    desk.close()


@in_a_loop
async def test_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = [0], [0]

    def run(*_: Any) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.02)
        at_once[0] -= 1
        return threading.current_thread().name

    monkeypatch.setattr("analysis.running.run", run)
    desk = AnalysisDesk("", PLAN, opened=engine)
    await asyncio.gather(*(desk.run(RETENTION, Asked(ages=ages)) for ages in range(1, 5)))
    assert most == [1]
    desk.close()


@in_a_loop
async def test_what_takes_too_long_is_given_up() -> None:
    desk = AnalysisDesk("", PLAN, limit=0.3, opened=engine)
    began = time.monotonic()
    with pytest.raises(TookTooLong, match="since"):
        await desk._once(("long",), lambda duck: duck._con.sql("SELECT sum(a.range * b.range) FROM range(10000000) a, "
                                                               "range(1000000) b").fetchall())  # fmt: skip
    assert time.monotonic() - began < 20
    assert (await desk.run(RETENTION, Asked())).rows, "the next question is answered"
    desk.close()


@in_a_loop
async def test_without_an_archive() -> None:
    with pytest.raises(NoArchive, match="RAPPORT_ARCHIVE"):
        await AnalysisDesk("", PLAN).run(RETENTION, Asked())


@in_a_loop
async def test_an_archive_that_goes_on_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the seconds between two looks, if there is a new manifest."""
    opened = []
    real = desk_module.AnalysisDesk._open

    def open_(self: AnalysisDesk) -> Any:
        opened.append(real(self))
        return opened[-1]

    monkeypatch.setattr(desk_module.AnalysisDesk, "_open", open_)
    monkeypatch.setattr(desk_module, "_LOOK_EVERY", 0.0)
    log = ManifestLog(Folder(str(tmp_path)), "w", lambda: 1.0)
    log.start("t", 1)
    desk = AnalysisDesk(str(tmp_path), PLAN)
    assert (await desk.run(RETENTION, Asked())).rows == []
    await desk.run(RETENTION, Asked())
    assert len(opened) == 1
    log.flush(read={0: (0, 1)})
    await desk.run(RETENTION, Asked())
    assert len(opened) == 2
    desk.close()
