"""`rapport company acme` and `rapport companies`: companies, for people or (`--json`) for tools."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from console.clients.support import support
from console.clients.target import Target, with_target
from console.terminal.companies import render_companies, render_company
from console.terminal.output import AsJson, print_json, readable, show

__all__ = ["register"]

HELP = """Show a company: what its members come to together, who they are, and what they did last.

It is named as events name it, or by the id of its document; `rapport companies` lists them.

Examples:

    rapport company acme
    rapport company acme --members 50 --json
"""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command(help=HELP)
    @with_target
    def company(
        target: Target,
        name: Annotated[str, typer.Argument(help="As events name it, or the id of its document.")],
        as_json: AsJson = False,
        members: Annotated[int, typer.Option(min=1, max=1000, help="How many members to show.")] = 10,
        events: Annotated[int, typer.Option(min=1, max=500, help="How many of the latest events to show.")] = 8,
        cursor: Annotated[
            str | None, typer.Option(help="Show the members behind those: `next` of the page before.")
        ] = None,
    ) -> None:
        path = f"/v1/companies/{quote(name, safe='')}"
        with support(target) as api:
            document: dict[str, Any] = api.call("GET", path)
            asked = {"limit": members, **({"cursor": cursor} if cursor else {})}
            page = api.call("GET", f"{path}/members", params=asked)
            people, following = page["data"], page["next"]
            latest = api.call("GET", f"{path}/events", params={"limit": events})["data"]
        if as_json:
            print_json({"company": document, "members": people, "next": following, "events": latest})
        else:
            show(
                document,
                as_json,
                lambda document: render_company(document, readable(people), readable(latest), following),
            )

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
            show(page["data"], as_json, lambda rows: render_companies(rows, page["next"]))
