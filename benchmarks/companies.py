"""What the benchmarks of companies share: the companies, their log as customers of the shipped plan, and a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from rich.table import Table

from models.backtest.playback import Log
from models.durations import WEEK
from plan import Plan, load_plan
from streams.offline import Row, read_log
from tests.worlds.b2b import B2B, HELD_B2B, Companies, b2b
from tests.worlds.b2b_events import START

__all__ = ["log_of", "paying_by_month", "shipped", "table_of"]


def shipped() -> Plan:
    """The shipped plan."""
    return load_plan(Path(__file__).parents[1] / "tracking_plan.yaml")


def paying_by_month(companies: int, weeks: int, seed: int, *, held: bool) -> Companies:
    """Companies of whom none pays by the year; those held out live by other rules."""
    rules = replace(HELD_B2B if held else B2B, yearly=0.0)
    return b2b(companies, 8 * companies, weeks, seed + 1000 * held, rules)


def log_of(world: Companies, events: Iterable[dict[str, Any]], plan: Plan) -> Log:
    """The events of a world, as sent, in the steps of ingest."""
    reading = read_log(_rows(events), plan, START + (world.weeks + 60) * WEEK)
    end = START + world.weeks * WEEK
    return Log([record for record in reading.records if record.time < end], START - 1.0, end - 1.0)


def _rows(events: Iterable[dict[str, Any]]) -> Iterator[Row]:
    for line, event in enumerate(events):
        source = event.pop("source")
        yield source, orjson.dumps(event), line


def table_of(title: str, models: Mapping[str, Mapping[str, float | None]]) -> Table:
    """The figures of models."""
    table = Table("", "AUC", "log loss", "ECE", title=title)
    for name, row in models.items():
        table.add_row(name, *("–" if (at := row[key]) is None else f"{at:.3f}" for key in ("auc", "log_loss", "ece")))
    return table
