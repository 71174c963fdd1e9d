"""`rapport source`: which sources are paused, resuming one, and which senders are put aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from console.clients.noting import note, os_user
from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, show
from plan import load_plan
from profiles.errors import NotFound
from profiles.stores.sources import with_sources
from profiles.times import rfc3339
from profiles.units import Aside, Pause, SourceStore
from streams.settings import Settings

__all__ = ["app"]

Answer = TypeVar("Answer")

app = group("source", "Sources that are paused, because too many of their senders would be rejected; resuming one.")


@app.command("list")
def list_(
    as_json: AsJson = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """List the plan's sources, which of them are paused, since when and why; and the senders that are put aside."""
    settings = reach(data_dir, plan)
    states, asides = _ask(settings, _look)
    rows = [_row(source.name, states.get(source.name), asides) for source in load_plan(settings.plan).sources.values()]
    show(rows, as_json, _page)


def _page(rows: list[dict[str, Any]]) -> RenderableType:
    cells = [
        (str(row["source"]), Text("paused", "red") if row["held"] else Text("taken"), str(row["since"] or ""),
         str(row["why"] or ""))
        for row in rows
    ]  # fmt: skip
    sources = Listing(("source", "state", "since", "why"), cells, prose=True)
    senders = [
        (row["source"], each["sender"], each["since"], f"{each['rejected']:,}", f"{each['kept']:,}", each["reason"])
        for row in rows
        for each in row["put_aside"]
    ]
    if not senders:
        return sources
    columns = ("source", "sender", "since", "rejected", "kept", "reason")
    aside = Listing(columns, senders, right=("rejected", "kept"), title="senders put aside for an hour")
    return Group(sources, aside)


@app.command()
def resume(
    name: Annotated[str, typer.Argument(help="The source; `rapport source list` lists them.")],
    as_json: AsJson = False,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Take a source again that is paused, as it is: what waits goes through, and what the plan does not accept is
    rejected, to be replayed later.

    It need not be: a source whose newest events pass is resumed by itself, within minutes, and so are workers that
    start with a plan that accepts what waits. What comes from now on is watched as before.
    """
    settings = reach(data_dir, plan)
    sources = load_plan(settings.plan).sources
    if name not in sources:
        raise NotFound(f"there is no source {name!r}; the plan has {', '.join(sources)}")
    pause = _ask(settings, lambda store: _resume(store, name))
    note(settings, "source.resume", [name])
    document = {"source": name, "held": False, "was_held_since": _since(pause), "why": pause.why}
    show(document, as_json, _resumed)


def _resumed(document: dict[str, Any]) -> RenderableType:
    since = f"It was paused since {document['was_held_since']}: {document['why']}."
    return Text(f"{document['source']} is taken again, within two seconds. {since}")


async def _resume(store: SourceStore, name: str) -> Pause:
    pause = await store.resume(name, time.time(), os_user())
    if pause is None:
        raise NotFound(f"source '{name}' is not paused; `rapport source list` shows which are")
    return pause


async def _look(store: SourceStore) -> tuple[dict[str, Pause], list[Aside]]:
    return await store.states(), await store.asides(time.time())


def _ask(settings: Settings, question: Callable[[SourceStore], Awaitable[Answer]]) -> Answer:
    return asyncio.run(with_sources(settings.redis.get_secret_value(), question))


def _row(name: str, pause: Pause | None, asides: Sequence[Aside]) -> dict[str, Any]:
    held = pause is not None and pause.paused
    return {
        "source": name,
        "held": held,
        "since": _since(pause) if pause is not None and held else None,
        "why": f"{pause.why}; for example: {pause.example}" if pause is not None and held else None,
        "tried_next": rfc3339(pause.retry) if pause is not None and held else None,
        "put_aside": [
            {
                "sender": aside.sender,
                "since": rfc3339(aside.since),
                "until": rfc3339(aside.until),
                "rejected": aside.rejected,
                "kept": aside.kept,
                "reason": aside.reason,
            }
            for aside in asides
            if aside.source == name
        ],
    }


def _since(pause: Pause) -> str:
    return rfc3339(pause.since)
