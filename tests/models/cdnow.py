"""The CDNOW log (23,570 real customers, 1997–98; from the installed `lifetimes`) played by the product's own backtest.

Two streams. `cal`: the log as it happened, one cohort of twelve weeks: a hard cold start. `rt`: the same real
trajectories, each customer's start drawn uniformly over two years: a steady state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from console.commands.backtest import churn_of
from console.files.event_log import recognised
from console.files.ids import Ids
from console.files.rows import FileSpec, read_items
from models.backtest.experiments import SPAN, retimed, vanishing
from models.backtest.playback import Judged, Log, Rival, backtest
from models.backtest.verdict import Verdict, verdict
from models.durations import DAY, WEEK
from plan import load_plan
from streams.offline import Row, read_log
from tests import REPOSITORY

PLAN = REPOSITORY / "tracking_plan.yaml"
HORIZON = 26
NOW = 1.0e9  # after all of it


def file() -> Path:
    """The log, as `lifetimes` brings it."""
    found = find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "datasets" / "CDNOW_master.txt"


class Played(NamedTuple):
    """What came of it."""

    judged: Judged
    verdict: Verdict


def the_end() -> float:
    """Just before the first day that is not in the log."""
    return datetime(1998, 7, 1, tzinfo=UTC).timestamp() - 1.0


@cache
def log(every: int, rest: int = 0) -> Log:
    """The log of the customers whose number leaves this rest of `every`; it ends when the whole log does."""
    plan = load_plan(PLAN)
    spec = recognised(file(), FileSpec(), plan)
    lines = file().read_text().splitlines()
    chosen = {i for i, line in enumerate(lines[1:], start=2) if line.split() and int(line.split()[0]) % every == rest}
    rows: list[Row] = []
    for item in read_items(file(), spec, Ids()):
        assert not item.problem
        if item.line in chosen:
            rows.append((item.source, item.event, item.line))
    reading = read_log(rows, plan, NOW)
    assert not reading.rejected
    return Log(reading.records, the_end() - 546 * DAY, the_end())


def histories() -> list[list[float]]:
    """The order times of everybody, read plainly."""
    found: dict[str, list[float]] = {}
    for line in file().read_text().splitlines()[1:]:
        customer, date = line.split()[:2]
        found.setdefault(customer, []).append(datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC).timestamp())
    return [sorted(times) for times in found.values()]


def play(
    stream: str,
    every: int,
    *,
    rest: int = 0,
    rivals: Sequence[Rival] = (),
    drift: tuple[float, float] | None = None,
) -> Played:
    """Play a stream of one customer in `every`, and measure it."""
    plan = load_plan(PLAN)
    config = churn_of(plan, HORIZON * WEEK)
    played, weeks = log(every, rest), None
    if stream == "rt":
        played, weeks = retimed(played), range(2 * HORIZON + 8, SPAN + 1)
    if drift is not None:
        played, weeks = vanishing(played, *drift), range(44, 121)
    judged = backtest(played, config, plan.currency, judged=weeks, rivals=rivals)
    return Played(judged, verdict(judged, replicates=50))
