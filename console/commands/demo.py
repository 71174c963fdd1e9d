"""`rapport demo`: the simulated customers of a small shop, through the real collector."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from console.clients.target import DEFAULT_DATA_DIR, DataDir, Found, Url, find
from console.demo.people import EXAMPLE, WEEK
from console.demo.play import Tempo, play, weeks_between
from console.demo.simulate import monday_before, simulate
from console.files.delivery import Collector
from console.terminal.output import err, out
from profiles.errors import WrongUse

__all__ = ["register"]

SOURCES = ("web", "app", "support", "purchase")
WEEKS = 26
HISTORY_WEEKS = 12

HELP = f"""Send the simulated customers of a small shop: visits, app use, orders, subscriptions, tickets.

Some slowly leave, some come back, some leave after trouble with support, some never say who they are. The shop opened
{WEEKS} weeks ago; its first {HISTORY_WEEKS} weeks take a dozen seconds, then a week takes about ten, until the present
is reached and life goes on in real time. Seeded: the same seed in the same week gives the same events, so a second
run adds nothing new.

    rapport up --demo                 starts this too
    rapport demo --seed 2             another shop
    rapport demo --write shop.jsonl   only writes the events up to now; `rapport send shop.jsonl` sends them

Look at customer {EXAMPLE} first, who subscribes and slowly leaves: rapport profile user_id:{EXAMPLE}
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    def demo(
        seed: Annotated[int, typer.Option(help="Of all chance.")] = 1,
        customers: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 300,
        factor: Annotated[
            float, typer.Option(min=1, help="How much faster than life; the default makes a week ten seconds.")
        ] = WEEK / 10,
        once: Annotated[bool, typer.Option("--once", help="End when the present is reached.")] = False,
        write: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write the events up to now to this file; send none.")
        ] = None,
        url: Url = None,
        write_key: Annotated[str | None, typer.Option(help="One key for all, where no data directory says so.")] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        now = time.time()
        start = monday_before(now - WEEKS * WEEK)
        if write is not None:
            _write(write, seed, customers, start, now)
            return
        target = find(data_dir, url, write_keys=dict.fromkeys(SOURCES, write_key) if write_key else None)
        if missing := set(SOURCES) - set(target.write_keys):
            raise WrongUse(f"no write key is known for {', '.join(sorted(missing))}; the demo sends to all four")
        tempo = Tempo(start, HISTORY_WEEKS * WEEK, max(factor, WEEK), factor)
        sent = asyncio.run(_play(target, seed, customers, tempo, once=once))
        out.print(f"{sent:,} events sent.")


async def _play(target: Found, seed: int, customers: int, tempo: Tempo, *, once: bool) -> int:
    reported = -1

    def progress(shop: float, sent: int) -> None:
        nonlocal reported
        if (week := weeks_between(tempo.start, shop)) > reported:
            reported = week
            day = datetime.fromtimestamp(shop, UTC).date()
            out.print(f"week {week + 1:>2}, {day}: {sent:,} events")

    async with Collector(target.url, waiting=lambda why: err.print(why, markup=False)) as collector:
        await collector.check()
        events = simulate(seed, customers, tempo.start)
        return await play(events, collector, target.write_keys, tempo, progress=progress, stop_at_present=once)


def _write(path: Path, seed: int, customers: int, start: float, now: float) -> None:
    count = 0
    try:
        with path.open("wb") as file:
            for event in simulate(seed, customers, start, now):
                file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}") from error
    out.print(f"{count:,} events are in {path}", markup=False)
