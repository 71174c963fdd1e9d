"""`rapport models horizon`: which churn horizon and which label horizon suit the customers there are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.files.options import with_table
from console.files.rows import FileSpec
from console.terminal.listing import Listing
from console.terminal.output import AsJson, err, out, print_json, warn
from plan import load_plan
from profiles.errors import WrongUse
from streams.settings import Settings
from streams.visible import visible

if TYPE_CHECKING:
    from models.backtest.horizon import Horizons

__all__ = ["register"]

HELP = """Recommend both horizons from the customers' own history: how long is a silence before it means something?

For each candidate: the share of the gaps between a customer's own orders that fit into it, each customer counting the
same; how many silences of that length an order ended within 26 weeks more (false churn); how many customers of the last
such period churned, of all and of those who had ordered in the one before. Recommended is the shortest that 90 % of the
gaps fit into and of whose silences at most a quarter end with an order; as label horizon, the shortest that a quarter
of the gaps fit into. A label horizon of the plan that is shorter than the usual gap is told.

    rapport models horizon orders.csv
    rapport models horizon events.jsonl --json
    rapport models horizon sales.csv --event 'Order Completed' --map user_id=buyer --map timestamp=day
    rapport models horizon --live

A purchase log with well-known columns is understood as it is, other tables with a mapping, as for `rapport backtest`.
With --live: the profiles in Redis, each with the times of its latest orders.
"""


def register(app: typer.Typer) -> None:
    """Add the command to `rapport models`."""

    @app.command(help=HELP)
    @with_table
    def horizon(
        spec: FileSpec,
        file: Annotated[
            Path | None, typer.Argument(help="Events as JSON lines, or a purchase log, as for `rapport backtest`.")
        ] = None,
        live: Annotated[bool, typer.Option("--live", help="Look at the profiles in Redis.")] = False,
        as_json: AsJson = False,
        plan: PlanFile = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        from models.backtest.horizon import horizons  # noqa: PLC0415

        if live == (file is not None):
            raise WrongUse("give a file, or --live")
        settings = reach(data_dir, plan)
        histories, end = _from_redis(settings) if file is None else _from_file(file, spec, settings)
        found = horizons(histories, end, label_horizon=load_plan(settings.plan).churn.label_horizon)
        if as_json:
            print_json(found.as_dict())
        else:
            _show(found)


def _from_file(file: Path, spec: FileSpec, settings: Settings) -> tuple[list[Sequence[float]], float]:
    from console.files.event_log import read_history  # noqa: PLC0415
    from models.backtest.experiments import order_times  # noqa: PLC0415
    from models.backtest.playback import Log  # noqa: PLC0415  (River takes a second to import)

    with err.status(Text(f"reading {visible(file.name)}")):
        reading = read_history(file, spec, load_plan(settings.plan))
    log = Log.of(reading.records)
    return list[Sequence[float]](order_times(log.records)), log.end


def _from_redis(settings: Settings) -> tuple[list[Sequence[float]], float]:
    """The latest orders of everybody, and the time of the latest event; a profile keeps no more than 32 of them."""
    from profiles.documents import decode_profile  # noqa: PLC0415
    from profiles.stores.census import RedisCensusStore  # noqa: PLC0415
    from profiles.stores.redis import connect  # noqa: PLC0415

    async def read() -> tuple[list[Sequence[float]], float]:
        client = connect(settings.redis.get_secret_value(), retrying=False)
        try:
            store, histories = RedisCensusStore(client), dict[str, Sequence[float]]()
            for partition in range(settings.partitions):
                cursor = -1
                while cursor:
                    cursor, page = await store.page(partition, max(cursor, 0), 500)
                    for id_, document in page:
                        profile = decode_profile(id_, document)
                        if profile.purchases.recent and not profile.redirect:
                            histories[id_] = profile.purchases.recent
            reached = await store.watermarks(range(settings.partitions))
        finally:
            await client.aclose()
        return list(histories.values()), max(reached.values(), default=0.0)

    with err.status("reading the profiles"):
        return asyncio.run(read())


def _show(found: Horizons) -> None:
    out.print(
        f"{found.customers:,} customers, {found.repeaters:,} of them with {found.gaps:,} gaps between their orders, "
        f"over {found.weeks_known:.0f} weeks."
    )
    rows = []
    for row in found.candidates:
        shares = [row.gaps_within, row.false_churn, row.churn_all, row.churn_active]
        within, false, all_, active = ["–" if share is None else f"{share:.1%}" for share in shares]
        cells = f"{row.weeks}w", within, false, f"{row.spells:,}", all_, active
        rows.append([Text(cell, "bold" if row.weeks == found.recommended else "") for cell in cells])
    headings = ("horizon", "own gaps within", "false churn", "of silences", "churn, all", "churn, active")
    out.print(Listing(headings, rows, right=headings))
    if found.recommended is not None:
        caution = " (too few customers to rely on it)" if found.needed else ""
        both = f"churn.horizon: {found.recommended}w, churn.label_horizon: {found.label_recommended}w"
        out.print(f"Recommended: {both}{caution}", style="yellow" if caution else "bold")
    out.print(found.why + ".")
    if found.warning:
        warn(found.warning + ".")
