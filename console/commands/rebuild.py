"""`rapport rebuild`: Redis is lost, and everything comes back from Kafka or the archive."""

from __future__ import annotations

import asyncio
import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.listing import Listing
from console.terminal.output import AsJson, out, print_json, warn
from console.terminal.progress import progress
from plan import Plan, load_plan
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.rebuild.check import Comparison
    from streams.rebuild.rebuild import Summary

__all__ = ["register", "run"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rebuild")(run)


class Origin(StrEnum):
    """What a rebuild reads."""

    KAFKA = "kafka"
    ARCHIVE = "archive"


def run(
    origin: Annotated[
        Origin,
        typer.Option(
            "--from",
            help="`kafka`: the newest documents, as they were. `archive`: all events again, those of RAPPORT_ARCHIVE "
            "and what Kafka has since, in order of time, as if none had come late.",
        ),
    ] = Origin.KAFKA,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare what Kafka says with what Redis holds; changes nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="First remove what Redis holds of Rapport, and nothing else. Asks.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until workers that were killed are no longer counted as running.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write everything that Redis held anew, from Kafka: profiles, indexes, timers, identities, the model.

    Stop all workers, give Rapport an empty Redis, run this, start the workers. They go on where the last documents in
    Kafka were; what was not among them yet is read again, each event once. If this is broken off, no worker starts
    until it was run again with --replace.

        rapport rebuild                      into an empty Redis
        rapport rebuild --replace            over what is left of a damaged one
        rapport rebuild --check              would it all come back? Workers may run. Exit code 1 if not
        rapport rebuild --from archive       where profile.changes is lost, too, or history came late
    """
    settings = reach(data_dir, plan)
    loaded = load_plan(settings.plan)
    if check:
        _check(settings, loaded, as_json=as_json)
    else:
        _rebuild(origin, settings, loaded, replace=replace, wait=wait, yes=yes, as_json=as_json)


def _rebuild(
    origin: Origin, settings: Settings, plan: Plan, *, replace: bool, wait: bool, yes: bool, as_json: bool
) -> None:
    from streams.rebuild.rebuild import rebuild, rebuild_from_archive  # noqa: PLC0415  (keeps `rapport --help` quick)

    if replace and not yes:
        typer.confirm("Remove all that this Redis holds of Rapport, and write it anew?", abort=True, err=True)
    with progress(quiet=as_json) as bar:
        function = rebuild_from_archive if origin is Origin.ARCHIVE else rebuild
        summary = asyncio.run(function(settings, plan, replace=replace, wait=wait, progress=bar("rebuilding")))
    if as_json:
        print_json(dataclasses.asdict(summary), indent=False)
    else:
        _print(summary)


def _check(settings: Settings, plan: Plan, *, as_json: bool) -> None:
    from streams.rebuild.rebuild import check  # noqa: PLC0415  (keeps `rapport --help` quick)

    with progress(quiet=as_json) as bar:
        comparison = asyncio.run(check(settings, plan, progress=bar("comparing")))
    if as_json:
        print_json({"same": not comparison.found, **dataclasses.asdict(comparison)}, indent=False)
    else:
        _print_comparison(comparison)
    if comparison.found:
        raise typer.Exit(1)


def _print(summary: Summary) -> None:
    out.print(
        f"{summary.profiles:,} profiles, {summary.merged:,} merged into others, {summary.erased:,} tombstones of "
        f"erased customers, {summary.identities:,} linked identities, "
        + ("the model" if summary.learner else "no model yet")
        + f"; {summary.records:,} records read in {summary.seconds:.1f} s",
        soft_wrap=True,
    )
    for warning in summary.warnings:
        warn(warning)
    if not summary.warnings:
        out.print("Done. Start the workers.")


def _print_comparison(comparison: Comparison) -> None:
    if comparison.waiting:
        out.print(
            f"{comparison.waiting:,} profiles wait in Redis to be produced; the next worker does that.", soft_wrap=True
        )
    compared = f"{comparison.profiles:,} documents and {comparison.entries - comparison.profiles:,} other entries"
    if not comparison.found:
        out.print(f"Kafka and Redis agree on {compared}.", soft_wrap=True)
        return
    out.print(f"Kafka and Redis differ in {sum(comparison.found.values()):,} of {compared}:", soft_wrap=True)
    rows = [(one.unit, one.what, one.name, one.kafka, one.redis) for one in comparison.differences]
    out.print(Listing(("where", "what", "name", "by Kafka", "in Redis"), rows, prose=True))
