"""`rapport demo`: the simulated customers of a small business, through the real collector."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from console.clients.reach import is_of, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir, Found, Url, find
from console.demo.b2b.firms import EXAMPLE_KEY
from console.demo.businesses import BUSINESSES, BusinessName
from console.demo.people import EXAMPLE, WEEK
from console.demo.play import Tempo, play, weeks_between
from console.demo.simulate import monday_before
from console.files.delivery import Collector
from console.terminal.output import err, out, warn
from plan import load_plan
from profiles.clock import Load
from profiles.errors import WrongUse
from streams.history.registration import BEFORE, Registration
from streams.settings import Settings

__all__ = ["register"]

WEEKS = 26
HISTORY_WEEKS = 12

HELP = f"""Send the simulated customers of a small business.

Of a shop: visits, app use, orders, subscriptions, tickets. Some slowly leave, some come back, some leave after trouble
with support, some never say who they are. With `b2b` companies that subscribe to a software, with their people,
contracts and calls; that needs the plan for such a business, which `rapport up --demo b2b` takes. All begins
{WEEKS} weeks ago; its first {HISTORY_WEEKS} weeks take a dozen seconds, then a week takes about ten, until the present
is reached and life goes on in real time. Until then it is a load of history, whose clock Rapport follows. Seeded: the
same seed in the same week gives the same events, so a second run adds nothing new.

    rapport up --demo                 starts this too
    rapport demo --seed 2             another shop
    rapport demo b2b                  companies instead of shoppers; look at company {EXAMPLE_KEY} first
    rapport demo --write shop.jsonl   only writes the events up to now; `rapport load shop.jsonl` loads them

Look at customer {EXAMPLE} first, who subscribes and slowly leaves: rapport profile user_id:{EXAMPLE}
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    def demo(
        business: Annotated[BusinessName, typer.Argument(help="shop or b2b.")] = "shop",
        seed: Annotated[int, typer.Option(help="Of all chance.")] = 1,
        customers: Annotated[
            int | None, typer.Option(min=1, max=100_000, help="How many people, or companies. [default: 300; 40]")
        ] = None,
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
        played = BUSINESSES[business]
        many = customers or played.customers
        if write is not None:
            _write(write, played.simulate(seed, many, start, now))
            return
        target = find(data_dir, url, write_keys=dict.fromkeys(played.sources, write_key) if write_key else None)
        if missing := set(played.sources) - set(target.write_keys):
            raise WrongUse(
                f"no write key is known for {', '.join(sorted(missing))}; the demo sends to all of its sources"
            )
        tempo = Tempo(start, HISTORY_WEEKS * WEEK, max(factor, WEEK), factor)
        settings = reach(data_dir)
        known = is_of(settings, target, data_dir)
        if not known:
            warn("where its Redis is is not said (RAPPORT_REDIS), so the clock cannot follow: the past comes late")
        name = f"demo-{seed}" if business == "shop" else f"demo-{business}-{seed}"
        run = _Run(target, name, played.simulate(seed, many, start, math.inf), tempo, once=once)
        sent = asyncio.run(run.load(settings) if known else run.play())
        out.print(f"{sent:,} events sent.")


class _Run:
    """One run of a simulated business.

    Args:
        target: where its events go.
        name: the same for the same business.
        events: in order of time.
        tempo: how its clock runs.
        once: end when the present is reached.
    """

    def __init__(self, target: Found, name: str, events: Iterator[dict[str, Any]], tempo: Tempo, *, once: bool) -> None:
        self._target = target
        self._name = name
        self._events = events
        self._tempo = tempo
        self._once = once
        self._reported = -1
        self._history: Registration | None = None

    async def play(self) -> int:
        """Send the events; answers how many."""
        async with Collector(self._target.url, waiting=err.print) as collector:
            await collector.check()
            return await self._play(collector)

    async def load(self, settings: Settings) -> int:
        """The same, and let the clock of this installation follow until the present is reached."""
        from streams.history.run import clock_store  # noqa: PLC0415  (keeps `rapport --help` quick)

        start = self._tempo.start
        load = Load(
            id=f"{self._name}-{start:.0f}", name="demo", since=start, until=time.time(), sent=start - BEFORE,
        )  # fmt: skip
        async with Collector(self._target.url, waiting=err.print) as collector:
            await collector.check()
            async with clock_store(settings, load_plan(settings.plan)) as store:
                before = (await store.loads()).get(load.id)
                if before is not None and before.sent == math.inf:  # played to its end before: nothing is history now
                    return await self._play(collector)
                async with Registration(store, load) as self._history:
                    return await self._play(collector)

    async def _play(self, collector: Collector) -> int:
        return await play(
            self._events, collector, self._target.write_keys, self._tempo, acknowledged=self._acknowledged,
            stop_at_present=self._once,
        )  # fmt: skip

    async def _acknowledged(self, shop: float, sent: int, present: bool) -> None:
        if self._history is not None:
            await (self._history.finish(sent) if present else self._history.advance(shop, sent))
            if present:
                self._history = None
        if (week := weeks_between(self._tempo.start, shop)) > self._reported:
            self._reported = week
            day = datetime.fromtimestamp(shop, UTC).date()
            out.print(f"week {week + 1:>2}, {day}: {sent:,} events")


def _write(path: Path, events: Iterator[dict[str, Any]]) -> None:
    count = 0
    try:
        with path.open("wb") as file:
            for event in events:
                file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}") from error
    out.print(f"{count:,} events are in {path}")
