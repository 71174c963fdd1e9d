"""The command line: `rapport`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from console.commands.misspelt import misspelt
from console.commands.registry import Later
from console.terminal.frame import CommandLine, show_mistakes
from console.terminal.logs import log_of_command
from console.terminal.output import say, warn

__all__ = ["create_cli", "main"]

HELP = """Rapport: a streaming customer data platform.

Start with `rapport up --demo`: everything in one command, with simulated customers. Then `rapport profile
user_id:42` shows a customer, and `rapport COMMAND --help` explains each command.
"""


def create_cli() -> CommandLine:
    """The command line with all its commands, which are in `console.commands.registry`."""
    app = CommandLine(help=HELP, kind=Later, no_args_is_help=True)
    app.callback()(rapport)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415  (only here)

        say(f"rapport {version('rapport-cdp')}")
        raise typer.Exit


def rapport(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    for warning in misspelt(os.environ):
        warn(warning)


rapport.__doc__ = HELP


def main() -> None:
    """Run, and end with an exit code of `console.terminal.frame`."""
    show_mistakes()
    log_of_command()
    create_cli()()
