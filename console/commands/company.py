"""`rapport company acme`, `rapport company join|unjoin|erase|lift` and `rapport companies`, for people or for tools."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.clients.support import company as path_of
from console.clients.support import support
from console.clients.target import Target, with_target
from console.commands.privacy import render_lifted, render_receipt
from console.terminal.companies import render_companies, render_company, render_going
from console.terminal.frame import group
from console.terminal.output import AsJson, err, out, print_json, readable
from console.terminal.output import show as write
from profiles.errors import WrongUse

__all__ = ["app", "register"]

HELP = """Show a company: what its members come to together, who they are, and what they did last.

It is named as events name it, or by the id of its document; `rapport companies` lists them.

Examples:

    rapport company acme
    rapport company acme --members 50 --json
"""


app = group("company", "Companies: one (`rapport company acme`), which of them are one, and erasing one.", "show")

Name = Annotated[str, typer.Argument(help="As events name it, or the id of its document.")]
By = Annotated[str, typer.Option(help="Who decided it.")]
Reason = Annotated[str, typer.Option(help="Why.")]


@app.command(help=HELP)
@with_target
def show(
    target: Target,
    name: Name,
    as_json: AsJson = False,
    members: Annotated[int, typer.Option(min=1, max=1000, help="How many members to show.")] = 10,
    events: Annotated[int, typer.Option(min=1, max=500, help="How many of the latest events to show.")] = 8,
    cursor: Annotated[
        str | None, typer.Option(help="Show the members behind those: `next` of the page before.")
    ] = None,
) -> None:
    path = path_of(name)
    with support(target) as api:
        document: dict[str, Any] = api.call("GET", path)
        asked = {"limit": members, **({"cursor": cursor} if cursor else {})}
        page = api.call("GET", f"{path}/members", params=asked)
        people, following = page["data"], page["next"]
        latest = api.call("GET", f"{path}/events", params={"limit": events})["data"]
    if as_json:
        print_json({"company": document, "members": people, "next": following, "events": latest})
    else:
        shown = readable(people), readable(latest), following
        write(document, as_json, lambda document: render_company(document, *shown))


@app.command()
@with_target
def join(
    target: Target,
    name: Name,
    other: Annotated[str, typer.Argument(help="The other one; it counts for this one from now on.")],
    by: By = "",
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one company of two that are known by different names. `unjoin` takes it back."""
    with support(target) as api:
        if not yes:
            typer.confirm(f"Let {other} count for {name}?", abort=True, err=True)
        said = api.call("POST", f"{path_of(name)}/join", json={"other": other, "by": by, "reason": reason})
    _answer(said, as_json, f"`rapport company unjoin {other}` takes it back.")


@app.command()
@with_target
def unjoin(
    target: Target,
    name: Name,
    by: By = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Let a company that was joined with another one be itself again."""
    with support(target) as api:
        said = api.call("POST", f"{path_of(name)}/unjoin", json={"by": by, "reason": reason})
    _answer(said, as_json, "It stands for itself again.")


_ERASE = """Erase a company for good, and print the receipt. Its people stay, and forget it.

Document, traits, timeline, risk, alerts, segments and links with other companies go; an event that names it later, is
replayed or rebuilt says nothing of it. It asks first, with the name and what will go; `rapport erase --receipt` prints
the receipt again.

Examples:

    rapport company erase acme --by "privacy desk"
"""

_LIFT = """Let an erased company come back with what names it from now on.

What was erased does not come back.

Examples:

    rapport company lift acme --reason "has signed again" --by "privacy desk"
"""


@app.command(help=_ERASE)
@with_target
def erase(
    target: Target,
    name: Name,
    by: Annotated[str, typer.Option(help="Who decided it; noted in the receipt.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    with support(target, timeout=30.0) as api:
        found = api.call("GET", path_of(name))
        if not yes:
            err.print(render_going(readable(found)))
            said = typer.prompt(f"Erase {found['company']} for good? Type its name", err=True)
            if said.strip() != found["company"]:
                raise WrongUse("that is not its name; nothing was erased")
        receipt = api.call("DELETE", path_of(name), params={"by": by})
    write(receipt, as_json, render_receipt)


@app.command(help=_LIFT)
@with_target
def lift(
    target: Target,
    name: Annotated[str, typer.Argument(help="As events name it.")],
    reason: Annotated[str, typer.Option(help="Why it may come back; kept for good.")],
    by: By = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    with support(target, timeout=30.0) as api:
        if not yes:
            typer.confirm(f"Let {name} come back with what names it from now on?", abort=True, err=True)
        lifted = api.call("POST", f"{path_of(name)}/lift", json={"reason": reason, "by": by})
    write(lifted, as_json, render_lifted)


def _answer(said: dict[str, Any], as_json: bool, done: str) -> None:
    if as_json:
        print_json(said)
    elif said["state"] == "done":
        out.print(f"Done. {done}")
    else:
        err.print(f"Asked for, and not done yet. `rapport company {said['company']}` says when it is.")


def register(app: typer.Typer) -> None:
    """Add the list of companies to the application."""

    @app.command()
    @with_target
    def companies(
        target: Target,
        as_json: AsJson = False,
        limit: Annotated[int, typer.Option(min=1, max=200, help="How many to list.")] = 20,
        cursor: Annotated[str | None, typer.Option(help="Go on behind a page: what it ends with.")] = None,
    ) -> None:
        """List the companies, those of the latest events first."""
        with support(target) as api:
            page = api.call("GET", "/v1/companies", params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        if as_json:
            print_json(page["data"])
        else:
            write(page["data"], as_json, lambda rows: render_companies(rows, page["next"]))
