"""`rapport segments`: the segments there are, and what their members have in common."""

from __future__ import annotations

import typer

from console import personas_cli

__all__ = ["app"]

app = typer.Typer(
    name="segments",
    no_args_is_help=True,
    help="Groups of customers, kept live: sizes, trends, and what distinguishes their members.",
)
personas_cli.register(app)
