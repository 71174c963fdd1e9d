"""`rapport users`: who may sign in to the console, with which role; links that sign somebody in once."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer
from msgspec.structs import replace
from rich.console import RenderableType
from rich.text import Text

from console.access.passwords import LEAST, hash_password
from console.access.scopes import ROLES, SCOPES
from console.access.sessions import LINK, Sessions
from console.clients.reach import reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir, Url, find
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, show
from profiles.errors import NotFound, WrongUse
from profiles.stores.access import AccessStore, Account, Role, with_access
from profiles.times import rfc3339

__all__ = ["app"]

Answer = TypeVar("Answer")

app = group("users", "People who may sign in to the console: their roles, passwords, and links that sign in once.")

_NAME = re.compile(r"[\w.@+-]{1,100}")

Name = Annotated[str, typer.Argument(help="The person's name in the console, such as kim or kim@example.com.")]
AsRole = Annotated[str, typer.Option("--role", help=f"{', '.join(get_args(Role))}.")]


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """List who may sign in, with which role and how."""

    async def look(store: AccessStore) -> list[Account]:
        return sorted((await store.accounts()).values(), key=lambda account: account.name)

    show([_row(account) for account in _ask(data_dir, look)], as_json, _page)


@app.command()
def roles(as_json: AsJson = False) -> None:
    """List the roles, and what each may see and do."""
    rows = [{"role": role, "scopes": sorted(scopes)} for role, scopes in ROLES.items()]

    def page(shown: list[dict[str, Any]]) -> RenderableType:
        cells = [(row["role"], "; ".join(SCOPES[scope] for scope in row["scopes"])) for row in shown]
        return Listing(("role", "may"), cells, prose=True)

    show(rows, as_json, page)


@app.command()
def add(name: Name, role: AsRole = "agent", as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Add somebody, or give them another role. Asks for nothing: `rapport users passwd` or `link` let them in."""
    if not _NAME.fullmatch(name):
        raise WrongUse(f"{name!r} cannot be a name; allowed: up to 100 letters, digits and any of . _ - + @")
    given = _role(role)

    async def put(store: AccessStore) -> Account:
        held = await store.account(name)
        account = replace(held, role=given) if held else Account(name=name, role=given, created=time.time())
        await store.put_account(account)
        return account

    show(_row(_ask(data_dir, put)), as_json, lambda row: Text(f"{row['name']} is {row['role']}."))


@app.command()
def passwd(
    name: Name,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Set somebody's password, of at least 12 characters; asks for it twice. Their sessions go on."""
    ask = "Password" if from_stdin else f"Password ({LEAST} characters or more)"
    given = (
        typer.get_text_stream("stdin").readline().rstrip("\n")
        if from_stdin
        else typer.prompt(ask, hide_input=True, confirmation_prompt=True)
    )
    kept = hash_password(given)
    account = _ask(data_dir, _changing(name, lambda held: replace(held, password=kept)))
    show(_row(account), False, lambda row: Text(f"{row['name']} signs in with this password from now on."))


@app.command()
def disable(name: Name, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Let somebody in no more: their sessions end at once. `enable` undoes it."""
    account = _ask(data_dir, _changing(name, lambda held: replace(held, disabled=True, out=time.time())))
    show(_row(account), as_json, lambda row: Text(f"{row['name']} is out, and comes in no more."))


@app.command()
def enable(name: Name, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Let somebody in again."""
    account = _ask(data_dir, _changing(name, lambda held: replace(held, disabled=False)))
    show(_row(account), as_json, lambda row: Text(f"{row['name']} may sign in again."))


@app.command()
def remove(name: Name, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Remove somebody; their sessions end at once. What they did stays in the audit log."""

    async def take(store: AccessStore) -> Account:
        account = await _known(store, name)
        await store.remove_account(name)
        return account

    show(_row(_ask(data_dir, take)), as_json, lambda row: Text(f"{row['name']} is removed."))


@app.command()
def link(name: Name, url: Url = None, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Make a link that signs somebody in once, within 15 minutes. Whoever has it is them: hand it over in person."""
    base = find(data_dir, url, None).url

    async def make(store: AccessStore) -> str:
        account = await _known(store, name)
        if account.disabled:
            raise WrongUse(f"{name} is disabled; `rapport users enable {name}` lets them in again")
        return await Sessions(store).make_link(name)

    document = {"name": name, "url": f"{base}/sign-in/{_ask(data_dir, make)}", "seconds": LINK}
    show(document, as_json, lambda made: Text(f"{made['url']}\nOnce, within {made['seconds'] / 60:.0f} minutes."))


def _role(given: str) -> Role:
    for role in ROLES:
        if role == given:
            return role
    raise WrongUse(f"there is no role {given!r}; there are {', '.join(ROLES)}")


def _changing(name: str, change: Callable[[Account], Account]) -> Callable[[AccessStore], Awaitable[Account]]:
    async def changed(store: AccessStore) -> Account:
        account = change(await _known(store, name))
        await store.put_account(account)
        return account

    return changed


async def _known(store: AccessStore, name: str) -> Account:
    account = await store.account(name)
    if account is None:
        raise NotFound(f"there is nobody called {name!r}; `rapport users add {name}` adds them")
    return account


def _ask(data_dir: Path, question: Callable[[AccessStore], Awaitable[Answer]]) -> Answer:
    return asyncio.run(with_access(reach(data_dir).redis.get_secret_value(), question))


def _row(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role,
        "signs_in": not account.disabled,
        "password": bool(account.password),
        "created": rfc3339(account.created) if account.created else None,
    }


def _page(rows: list[dict[str, Any]]) -> RenderableType:
    if not rows:
        return Text("Nobody may sign in yet: `rapport users add NAME --role admin`, then `rapport users link NAME`.")
    cells = [
        (
            row["name"],
            row["role"],
            "by password" if row["password"] else "by link",
            "" if row["signs_in"] else "disabled",
        )
        for row in rows
    ]
    return Listing(("name", "role", "signs in", ""), cells)
