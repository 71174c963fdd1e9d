"""What several workers cost, on the same backlog as one.

    python -m benchmarks.scaling

On real Apache Kafka and real Redis, all on this machine. What is measured, and what it came to: docs/benchmarks.md.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.command import AsJson, Events, Keep, Partitions, command, machine
from benchmarks.contenders import Job, rapport
from benchmarks.meter import Run
from benchmarks.servers import started
from benchmarks.workload import LIVE, name_of, shop

__all__ = ["FLEETS", "run"]

FLEETS: dict[str, tuple[str, ...]] = {
    "1": ("",),
    "2": ("", ""),
    "4": ("", "", "", ""),
    "split": ("ingest", "profile"),
}
"""Fleets by name: the part of the work that each worker does; "" for all."""


def run(
    events: Events = 100_000,
    fleets: Annotated[str, typer.Option(help=f"Comma separated: {', '.join(FLEETS)}.")] = ",".join(FLEETS),
    partitions: Partitions = 16,
    as_json: AsJson = False,
    keep: Keep = None,
    timeout: Annotated[float, typer.Option(help="Seconds that one fleet may take.")] = 900.0,
) -> None:
    """Measure CPU seconds per million events, and events a second, of 1, 2 and 4 workers, and of one for each part."""
    wanted = [name.strip() for name in fleets.split(",") if name.strip()]
    if unknown := set(wanted) - FLEETS.keys():
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: choose from {', '.join(FLEETS)}", param_hint="--fleets"
        )
    say = Console(stderr=True)
    workload = shop(events, end=time.time(), within=LIVE)
    runs: dict[str, Run] = {}
    with started(keep) as servers:
        for name in wanted:
            say.print(f"workers: {name}…")
            runs[name] = rapport(Job(servers, workload, partitions, 0, timeout), workers=FLEETS[name])
        about = {
            "workload": name_of(events),
            "kafka": servers.names[0],
            "redis": servers.names[1],
            "machine": machine(),
            "partitions": partitions,
        }
    if as_json:
        fleet = {name: {**one.as_json(), "cpu_to_first": _ratio(runs, one)} for name, one in runs.items()}
        sys.stdout.write(json.dumps({**about, "fleets": fleet}, indent=2) + "\n")
        return
    Console().print(_table(runs, about))


def _ratio(runs: dict[str, Run], one: Run) -> float:
    """How many times the CPU per event of the first fleet."""
    return round(one.cpu_per_million / next(iter(runs.values())).cpu_per_million, 3)


def _table(runs: dict[str, Run], about: dict[str, Any]) -> Table:
    table = Table(title=f"{about['workload']}; {about['machine']}; {about['kafka']}; {about['redis']}")
    table.add_column("workers")
    for heading in ("events/s", "CPU s per million", "times the first", "peak memory of all"):
        table.add_column(heading, justify="right")
    for name, one in runs.items():
        table.add_row(
            name, f"{one.events_per_second:,.0f}", f"{one.cpu_per_million:,.0f}", f"{_ratio(runs, one):.2f}",
            f"{one.peak_rss / 2**20:,.0f} MiB",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    command(run)
