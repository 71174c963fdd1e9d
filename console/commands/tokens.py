"""`rapport tokens`: what programs show to be let in to the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import RenderableType
from rich.text import Text

from console.access.api_tokens import LASTS, OVERLAP, Made, Tokens
from console.access.scopes import ROLES
from console.access.users_file import with_users_file
from console.clients.noting import note
from console.clients.reach import reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, show
from console.views.operating.entrants import TokenView
from profiles.errors import WrongUse
from profiles.stores.access import AccessStore, ApiToken, with_access

__all__ = ["app"]

Answer = TypeVar("Answer")

app = group("tokens", "Tokens of the API: what each may do, until when, and who answers for it.")

Name = Annotated[str, typer.Argument(help="What the token is for, such as crm.")]
Days = Annotated[float, typer.Option("--days", help="Days that it can be used for.")]


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """List the tokens: how each begins and ends, what it may do, when it was last used, until when it lasts."""

    async def look(store: AccessStore) -> list[dict[str, Any]]:
        return [_row(token, used) for token, used in await Tokens(store).all()]

    show(_ask(data_dir, look), as_json, _page)


@app.command()
def add(
    name: Name,
    scope: Annotated[list[str], typer.Option("--scope", help="What it may do; as often as needed.")] = [],  # noqa: B006
    role: Annotated[str, typer.Option("--role", help="Whatever this role may, instead of --scope.")] = "",
    owner: Annotated[
        str, typer.Option("--owner", help="The person who answers for it: it never does more than they may.")
    ] = "",
    days: Days = LASTS,
    as_json: AsJson = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make a token, and show it, once. `rapport users roles` says what scopes there are."""
    if role and scope:
        raise WrongUse("say --scope or --role, not both")
    scopes = [held for known, granted in ROLES.items() if known == role for held in granted] if role else scope
    if role and not scopes:
        raise WrongUse(f"there is no role {role!r}; there are {', '.join(ROLES)}")

    async def make(store: AccessStore) -> Made:
        return await Tokens(store).add(name, scopes, owner=owner, days=days)

    made = _ask(data_dir, make)
    note(reach(data_dir), "token.add", [made.token.id], made.token.scopes)
    _show(made, as_json)


@app.command()
def rotate(
    name: Name,
    days: Days = LASTS,
    overlap: Annotated[float, typer.Option("--overlap", help="Days that the one before still works.")] = OVERLAP,
    as_json: AsJson = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make a token's successor, and show it, once; the one before goes on for a week, an older one ends."""

    async def make(store: AccessStore) -> Made:
        return await Tokens(store).rotate(name, days=days, overlap=overlap)

    made = _ask(data_dir, make)
    note(reach(data_dir), "token.rotate", [made.token.id], made.token.scopes)
    _show(made, as_json)


@app.command()
def revoke(name: Name, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """End all tokens of a name, or the one of an id, at once."""

    async def end(store: AccessStore) -> list[ApiToken]:
        return await Tokens(store).revoke(name)

    ended = [_row(token, None) for token in _ask(data_dir, end)]
    note(reach(data_dir), "token.revoke", [row["id"] for row in ended])
    show(ended, as_json, lambda rows: Text("\n".join(f"{row['token']} ({row['name']}) has ended." for row in rows)))


def _show(made: Made, as_json: bool) -> None:
    row = {**_row(made.token, None), "token": made.text}
    until = f"Kept nowhere: copy it now. It lasts until {row['expires'][:10]}."
    show(row, as_json, lambda shown: Text(f"{shown['token']}\n{until}"))


def _ask(data_dir: Path, question: Callable[[AccessStore], Awaitable[Answer]]) -> Answer:
    settings = reach(data_dir)

    async def ask(store: AccessStore) -> Answer:
        return await question(with_users_file(store, settings.users_file))

    return asyncio.run(with_access(settings.redis.get_secret_value(), ask))


def _row(token: ApiToken, used: str | None) -> dict[str, Any]:
    return TokenView.of_token(token, time.time(), used).model_dump(mode="json")


def _page(rows: list[dict[str, Any]]) -> RenderableType:
    if not rows:
        return Text("No token yet: `rapport tokens add NAME --scope profiles:read` makes one.")
    cells = [
        (
            row["token"],
            row["name"],
            row["owner"] or "",
            ", ".join(row["scopes"]),
            row["used"] or "never",
            "expired" if row["expired"] else row["expires"][:10],
        )
        for row in rows
    ]
    return Listing(("token", "name", "owner", "may", "used", "until"), cells)
