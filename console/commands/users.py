"""`rapport users`: who may sign in to the console, with which role; links that sign somebody in once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import typer
from rich.console import RenderableType
from rich.text import Text

from console.access.passwords import LEAST, hash_password
from console.access.people import NAME, People, Refused, role_of
from console.access.scopes import ROLES, SCOPES
from console.access.sessions import LINK
from console.access.users_file import with_users_file
from console.clients.noting import note
from console.clients.reach import reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir, Url, find
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, show
from console.views.operating.entrants import UserView
from profiles.errors import WrongUse
from profiles.stores.access import AccessStore, Account, Role, with_access

__all__ = ["app"]

Answer = TypeVar("Answer")

app = group("users", "People who may sign in to the console: their roles, passwords, and links that sign in once.")

Name = Annotated[str, typer.Argument(help="The person's name in the console, such as kim or kim@example.com.")]
AsRole = Annotated[str, typer.Option("--role", help=f"{', '.join(get_args(Role))}.")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")]
EvenTheLast = Annotated[bool, typer.Option("--even-the-last", help="Even if no admin who may sign in is left.")]


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """List who may sign in, with which role and how."""
    rows = _ask(data_dir, lambda people: people.everybody())
    show([_row(account) for account in rows], as_json, _page)


@app.command()
def roles(as_json: AsJson = False) -> None:
    """List the roles, and what each may see and do."""
    rows = [{"role": role, "scopes": sorted(scopes)} for role, scopes in ROLES.items()]

    def page(shown: list[dict[str, Any]]) -> RenderableType:
        cells = [(row["role"], "; ".join(SCOPES[scope] for scope in row["scopes"])) for row in shown]
        return Listing(("role", "may"), cells, prose=True)

    show(rows, as_json, page)


@app.command()
def add(
    name: Name,
    role: AsRole = "agent",
    even_the_last: EvenTheLast = False,
    as_json: AsJson = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Add somebody, or give them another role. Asks for nothing: `rapport users passwd` or `link` let them in."""
    given = role_of(role)

    async def put(people: People) -> tuple[str, Account]:
        with contextlib.suppress(Refused):  # there is one of this name
            return "user.add", await people.add(name, given)
        return "user.change", await people.give_role(name, given, even_the_last=even_the_last)

    did, account = _ask(data_dir, put)
    note(reach(data_dir), did, [name], [given])
    show(_row(account), as_json, lambda row: Text(f"{row['name']} is {row['role']}."))


@app.command()
def passwd(
    name: Name,
    from_stdin: Stdin = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Set somebody's password, of at least 12 characters; asks for it twice. Their sessions go on."""
    given = _typed(from_stdin)
    account = _ask(data_dir, lambda people: people.set_password(name, given))
    note(reach(data_dir), "user.password", [name])
    show(_row(account), False, lambda row: Text(f"{row['name']} signs in with this password from now on."))


@app.command("hash")
def hash_(name: Name, role: AsRole = "agent", from_stdin: Stdin = False) -> None:
    """Print a line for the file that RAPPORT_USERS_FILE names; asks for the password twice. Changes nothing."""
    if not NAME.fullmatch(name):
        raise WrongUse(f"{name!r} cannot be a name; allowed: up to 100 letters, digits and any of . _ - + @")
    typer.echo(f"{name}:{role_of(role)}:{hash_password(_typed(from_stdin))}")


@app.command()
def disable(
    name: Name, even_the_last: EvenTheLast = False, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR
) -> None:
    """Let somebody in no more: their sessions end at once. `enable` undoes it."""
    account = _ask(data_dir, lambda people: people.disable(name, even_the_last=even_the_last))
    note(reach(data_dir), "user.change", [name], ["disabled"])
    show(_row(account), as_json, lambda row: Text(f"{row['name']} is out, and comes in no more."))


@app.command()
def enable(name: Name, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Let somebody in again."""
    account = _ask(data_dir, lambda people: people.enable(name))
    note(reach(data_dir), "user.change", [name], ["enabled"])
    show(_row(account), as_json, lambda row: Text(f"{row['name']} may sign in again."))


@app.command()
def remove(
    name: Name, even_the_last: EvenTheLast = False, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR
) -> None:
    """Remove somebody; their sessions and tokens end at once. What they did stays in the audit log."""
    account = _ask(data_dir, lambda people: people.remove(name, even_the_last=even_the_last))
    note(reach(data_dir), "user.remove", [name])
    show(_row(account), as_json, lambda row: Text(f"{row['name']} is removed."))


@app.command()
def link(name: Name, url: Url = None, as_json: AsJson = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Make a link that signs somebody in once, within 15 minutes. Whoever has it is them: hand it over in person."""
    base = find(data_dir, url or reach(data_dir).public_url, None).url
    secret = _ask(data_dir, lambda people: people.link(name))
    note(reach(data_dir), "user.link", [name])
    document = {"name": name, "url": f"{base}/sign-in/{secret}", "seconds": LINK}
    show(document, as_json, lambda made: Text(f"{made['url']}\nOnce, within {made['seconds'] / 60:.0f} minutes."))


def _typed(from_stdin: bool) -> str:
    """A password that somebody types, or that a script gives."""
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\n")
    return str(typer.prompt(f"Password ({LEAST} characters or more)", hide_input=True, confirmation_prompt=True))


def _ask(data_dir: Path, question: Callable[[People], Awaitable[Answer]]) -> Answer:
    settings = reach(data_dir)

    async def ask(store: AccessStore) -> Answer:
        return await question(People(with_users_file(store, settings.users_file)))

    return asyncio.run(with_access(settings.redis.get_secret_value(), ask))


def _row(account: Account) -> dict[str, Any]:
    return UserView.of_account(account).model_dump(mode="json")


_WAYS = {"file": "by password, in the file", "oidc": "by the provider", "proxy": "by the proxy"}


def _page(rows: list[dict[str, Any]]) -> RenderableType:
    if not rows:
        return Text("Nobody may sign in yet: `rapport users add NAME --role admin`, then `rapport users link NAME`.")
    cells = [
        (
            row["name"],
            row["role"],
            _WAYS.get(row["source"]) or ("by password" if row["password"] else "by link"),
            "" if row["signs_in"] else "disabled",
        )
        for row in rows
    ]
    return Listing(("name", "role", "signs in", ""), cells)
