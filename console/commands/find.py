"""`rapport find daan web`: which customers and companies are meant, by a part of what people remember of them."""

from __future__ import annotations

from typing import Annotated

import typer

from console.clients.support import support
from console.clients.target import Target, with_target
from console.terminal.output import AsJson, show
from console.terminal.profile import render_found

__all__ = ["register"]

HELP = """Find customers by the beginning of a name, an e-mail address, an order, a ticket or an id; companies too.

A telephone number is found by its end. Several words are all required. `rapport profile` takes what is shown first; of
companies `rapport company` takes what stands behind `company:`.

Examples:

    rapport find daan web
    rapport find 5678
    rapport find user_id:42 --json
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_target
    def find(
        target: Target,
        text: Annotated[list[str], typer.Argument(help="Name, e-mail, end of a telephone number, order, ticket, id.")],
        as_json: AsJson = False,
        limit: Annotated[int, typer.Option(min=1, max=50, help="Most customers.")] = 20,
    ) -> None:
        with support(target) as api:
            found = api.call("GET", "/v1/search", params={"q": " ".join(text), "limit": limit})
        show(found, as_json, render_found)
