"""Throughput and cost of one worker, beside the usual script and a frameworkless loop, in the same run.

    python -m benchmarks.throughput
    python -m benchmarks.throughput --only rapport --profile

On real Apache Kafka and real Redis. What is measured, and what it came to: docs/benchmarks.md.
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
from benchmarks.contenders import Job, frameworkless, rapport, usual
from benchmarks.meter import Run
from benchmarks.sampled import Sampled
from benchmarks.servers import started
from benchmarks.workload import LIVE, name_of, shop

__all__ = ["run"]

CONTENDERS = ("rapport", "usual", "frameworkless")


def run(
    events: Events = 200_000,
    usual_events: Annotated[
        int, typer.Option(min=100, help="Its first so many go through the usual script, which is slow.")
    ] = 50_000,
    only: Annotated[str, typer.Option(help=f"Comma separated: {', '.join(CONTENDERS)}.")] = ",".join(CONTENDERS),
    partitions: Partitions = 16,
    batch: Annotated[int, typer.Option(min=1, help="Most records in a batch of the frameworkless loop.")] = 1000,
    profile: Annotated[bool, typer.Option("--profile", help="Sample our worker with py-spy; it gets slower.")] = False,
    as_json: AsJson = False,
    keep: Keep = None,
    timeout: Annotated[float, typer.Option(help="Seconds that one contender may take.")] = 900.0,
) -> None:
    """Measure events a second, CPU seconds per million events, peak memory and bytes per profile of one worker."""
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := set(wanted) - set(CONTENDERS):
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: choose from {', '.join(CONTENDERS)}", param_hint="--only"
        )
    say = Console(stderr=True)
    say.print(f"Making {name_of(events)}…")
    workload = shop(events, end=time.time(), within=LIVE)
    runs: list[Run] = []
    with started(keep) as servers:
        say.print(f"Kafka: {servers.names[0]}. Redis: {servers.names[1]}.")
        job = Job(servers, workload, partitions, batch, timeout)
        sampled = Sampled(servers.scratch / "samples.txt") if profile else None
        for name in wanted:
            say.print(f"{name}…")
            if name == "rapport":
                runs.append(rapport(job, sampled=sampled))
            elif name == "usual":
                runs.append(usual(Job(servers, workload[:usual_events], partitions, batch, timeout)))
            else:
                runs.append(frameworkless(job))
        shares = sampled.shares() if sampled and "rapport" in wanted else None
        about = {
            "workload": name_of(events),
            "kafka": servers.names[0],
            "redis": servers.names[1],
            "machine": machine(),
            "partitions": partitions,
        }
    if as_json:
        samples = {"own": shares[0][:60], "total": shares[1][:60]} if shares else None
        body = {**about, "runs": [one.as_json() for one in runs], "ratios": _ratios(runs), "samples": samples}
        sys.stdout.write(json.dumps(body, indent=2) + "\n")
        return
    console = Console()
    console.print(_table(runs, about))
    for line in _in_words(runs):
        console.print(line)
    for title, part in zip(("own time", "time with what it calls"), shares or (), strict=False):
        console.print(_shares(title, part[:45]))


def _table(runs: list[Run], about: dict[str, Any]) -> Table:
    table = Table(title=f"{about['workload']}, one worker; {about['machine']}; {about['kafka']}; {about['redis']}")
    table.add_column("")
    for heading in (
        "events", "events/s", "CPU s per million", "… start-up included", "peak memory", "profiles", "bytes a profile",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for one in runs:
        table.add_row(
            one.name, f"{one.events:,}", f"{one.events_per_second:,.0f}", f"{one.cpu_per_million:,.0f}",
            f"{one.cpu_per_million_with_start:,.0f}", f"{one.peak_rss / 2**20:,.0f} MiB", f"{one.profiles:,}",
            f"{one.bytes_per_profile:,.0f}",
        )  # fmt: skip
    return table


def _ratios(runs: list[Run]) -> dict[str, dict[str, float]]:
    """How many times as much CPU per event, and how many times as many events a second, as Rapport."""
    ours = next((one for one in runs if one.name == "rapport work"), None)
    if ours is None:
        return {}
    return {
        one.name: {
            "cpu": round(one.cpu_per_million / ours.cpu_per_million, 3),
            "events_per_second": round(one.events_per_second / ours.events_per_second, 3),
        }
        for one in runs
        if one is not ours
    }


def _in_words(runs: list[Run]) -> list[str]:
    lines = [
        f"{name} takes {ratio['cpu']:.2f} times our CPU per event, and does {ratio['events_per_second']:.2f} times as "
        "many events a second."
        for name, ratio in _ratios(runs).items()
    ]
    for one in runs:
        if one.notes:
            notes = one.notes
            lines.append(
                f"{one.name}: {one.does}. {one.profiles:,} profiles and {notes['tombstones']:,} tombstones; a document "
                f"has {notes['document_bytes']:,} bytes; all {notes['events_in_profiles']:,} events are in them once."
            )
    return lines


def _shares(title: str, part: list[tuple[str, float]]) -> Table:
    table = Table(title=f"rapport work, {title}")
    table.add_column("share", justify="right")
    table.add_column("function")
    for name, share in part:
        table.add_row(f"{share:.1%}", name)
    return table


if __name__ == "__main__":
    command(run)
