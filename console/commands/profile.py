"""`rapport profile user_id:42`: one customer, for people or (`--json`) for tools."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.clients.support import customer, support
from console.clients.target import Target, with_target
from console.terminal.output import AsJson, readable, show
from console.terminal.profile import render

__all__ = ["fetch", "register"]

HELP = """Show a customer: who they are, their risk and why, segments, orders, support, what they come to, events.

An identity that is held hashed is asked for as people write it, or as email:hashed:HASH by the hash that is shown.

Examples:

    rapport profile user_id:42
    rapport profile email:ada@example.com --events 20
    rapport profile user_id:42 --json | jq .churn.risk
    rapport profile user_id:42 --json | jq .figures.value
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_target
    def profile(
        target: Target,
        identity: Annotated[str, typer.Argument(help="TYPE:VALUE, such as user_id:42 or email:ada@example.com.")],
        as_json: AsJson = False,
        events: Annotated[int, typer.Option(min=0, max=500, help="How many of the latest events to show.")] = 8,
    ) -> None:
        document, timeline = fetch(target, identity, 0 if as_json else events)
        show(document, as_json, lambda document: render(document, readable(timeline)))


def fetch(target: Target, identity: str, events: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A customer's document with what they come to as `figures`, and their latest events, from the support API.

    Raises:
        NotFound: nobody is known by this identity.
        WrongUse: the token is not accepted.
        Misconfigured: nothing answers there.
        RapportError: the API answers otherwise.
    """
    with support(target) as api:
        document = api.call("GET", customer(identity))
        document["figures"] = api.call("GET", customer(identity, "/figures"))
        if not events:
            return document, []
        return document, api.call("GET", customer(identity, "/events"), params={"limit": events})["data"]
