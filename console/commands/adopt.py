"""`rapport adopt-kafka`: go on after Kafka was replaced, or restored from a backup, beside a Redis that knows more."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.output import say
from plan import load_plan
from profiles.stores.redis import connect
from streams.kafka.continuity import Difference, Start, adopt_kafka, compare_kafka
from streams.settings import Settings

__all__ = ["adopt", "register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adopt-kafka")(adopt)


def adopt(
    start: Annotated[
        Start | None,
        typer.Option(
            "--from",
            help="Where reading of topics that were replaced begins: `beginning` if this Redis has seen none of the "
            "events in them, as in a new and empty Kafka; `end` if it has seen all of them, as after a move.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Accept the Kafka that is there as the one to go on with, after it was replaced or restored from a backup.

    Workers refuse to start when Kafka is not the one that Redis has read: they would take new events for known ones.
    Stop all workers, then run this; it says what differs, and asks. Topics that were replaced are read from where
    --from says. A topic that only ends earlier than what was applied (a Kafka restored from a backup) is read on from
    its end. Events that only the old Kafka had, not yet applied, are gone. Profiles stay as they are.
    """
    difference = asyncio.run(_adopt(reach(data_dir, plan), start, yes))
    if not difference:
        say("This is the Kafka that Redis has read; nothing to do.")
    else:
        say("Done. Start the workers.")


async def _adopt(settings: Settings, start: Start | None, yes: bool) -> Difference:
    plan = load_plan(settings.plan)
    client = connect(settings.redis.get_secret_value(), retrying=False)
    try:
        difference = await compare_kafka(client, settings, plan)
        if difference and not yes:
            for line in difference.parts:
                say(line)
            typer.confirm("Go on with this Kafka?", abort=True)
        return await adopt_kafka(client, settings, plan, start)
    finally:
        await client.aclose()
