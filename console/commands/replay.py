"""`rapport replay`: take a period of a source through the plan as it is now."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

import typer

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.commands.rejected import AcceptGap
from console.terminal.listing import Listing
from console.terminal.moment import Since, Until, moment
from console.terminal.output import AsJson, out, print_json
from console.terminal.progress import progress
from plan import load_plan
from streams.visible import visible

__all__ = ["register"]

_OUTCOMES = ("accepted", "flagged", "rejected")

HELP = """Take a period of a source, as Kafka still has it, through the plan again: what was rejected then and passes
now is put back on the source's topic, and counts once.

What was accepted then is in the profiles and is left alone, so a plan that now gives an event another role or other
facts does not change what it did: that takes `rapport rebuild --from archive`, or the source's history sent into a
fresh Redis.

    rapport replay --source web --since 2d --dry-run
    rapport replay --source web --since 2026-01-30 --until 2026-01-31 --dry-run --plan mended.yaml
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    def replay(
        source: Annotated[str, typer.Option("--source", help="The source.")],
        since: Since = None,
        until: Until = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only show, by event, what became of them then and would now.")
        ] = False,
        accept_gap: AcceptGap = False,
        as_json: AsJson = False,
        plan: PlanFile = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        from streams.dead_letters.candidates import Period  # noqa: PLC0415  (keeps `rapport --help` quick)
        from streams.dead_letters.replay import run_replay  # noqa: PLC0415  (same)
        from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)

        settings = reach(data_dir, plan)
        with progress(quiet=as_json) as bar:
            using, log = load_plan(settings.plan), KafkaLog(settings)
            period = Period(log, settings, using, source, moment(since), moment(until), bar)
            result = asyncio.run(run_replay(log, settings, using, period, bar, dry_run=dry_run, accept_gaps=accept_gap))
        passing = sum(result.passing.values())
        if as_json:
            document = {
                "read": result.read, "waiting": result.waiting, "put_back": result.replayed,
                "put_back_before": result.before, "passing": passing, "dry_run": dry_run,
                "then": result.then, "now": result.now,
            }  # fmt: skip
            print_json(document)
            return
        _print_table(result.then, result.now)
        verb = f"{passing} would be put back" if dry_run else f"{result.replayed} put back"
        out.print(
            f"{result.read} events of {source}: {verb}, {result.before} were put back before, "
            f"{result.waiting} still wait for the workers."
        )


def _print_table(then: dict[str, Counter[str]], now: dict[str, Counter[str]]) -> None:
    numbers = [f"{outcome} {when}" for when in ("then", "now") for outcome in _OUTCOMES]
    rows = [
        (visible(name), *(f"{side[name][outcome]:,}" for side in (then, now) for outcome in _OUTCOMES))
        for name in sorted(then)
    ]
    out.print(Listing(("event", *numbers), rows, right=numbers))
