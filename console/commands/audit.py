"""`rapport audit`: who looked at whom, and did what."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from console.clients.support import support
from console.clients.target import Target, with_target
from console.terminal.figures import minute
from console.terminal.listing import Listing
from console.terminal.moment import Since, moment
from console.terminal.output import AsJson, show
from profiles.times import rfc3339

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command()
    @with_target
    def audit(
        target: Target,
        about: Annotated[str | None, typer.Option("--object", help="Only of this profile id, model, split….")] = None,
        actor: Annotated[str | None, typer.Option(help="Only what this account or token did.")] = None,
        action: Annotated[
            str | None, typer.Option(help="Only this, such as profile.reveal; or all that begins so: profile.")
        ] = None,
        since: Since = None,
        limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows at most.")] = 50,
        as_json: AsJson = False,
    ) -> None:
        """Show who looked at whom, and did what, the newest first. Needs the scope audit:read."""
        asked = {"object": about, "actor": actor, "action": action, "limit": limit}
        if (began := moment(since)) is not None:
            asked["since"] = rfc3339(began)
        with support(target) as api:
            found = api.call("GET", "/v1/audit", params={name: value for name, value in asked.items() if value})
        show(found["data"], as_json, _page)
        if unreadable := found["unreadable"]:
            typer.echo(f"{unreadable} records could not be read and are left out.", err=True)


def _page(rows: list[dict[str, Any]]) -> RenderableType:
    if not rows:
        return Text("Nobody has looked at anything, or not at this.")
    cells = [
        (
            minute(row["at"]), row["actor"] or "?", row["via"], row["action"], row["object"],
            ", ".join(row["fields"]), row["result"],
        )
        for row in rows
    ]  # fmt: skip
    return Listing(("when", "who", "via", "did", "to", "what of it", "result"), cells)
