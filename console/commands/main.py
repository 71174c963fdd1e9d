"""The command line: `rapport`."""

from __future__ import annotations

import sys

import typer

from console.commands import (
    adopt,
    archive,
    backtest,
    demo,
    doctor,
    identity,
    models,
    plan,
    privacy,
    profile,
    rebuild,
    rejected,
    replay,
    roles,
    segments,
    send,
    source,
    up,
)
from profiles.errors import RapportError

__all__ = ["create_cli", "main"]

HELP = """Rapport: a streaming customer data platform.

Start with `rapport up --demo`: everything in one command, with simulated customers. Then `rapport profile
user_id:42` shows a customer, and `rapport COMMAND --help` explains each command.
"""


def create_cli() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=True, rich_markup_mode="markdown")
    for command in (up, send, profile, privacy, backtest, archive, doctor, adopt, rebuild, replay, demo, roles):
        command.register(app)
    for group in (identity, models, plan, rejected, segments, source):
        app.add_typer(group.app)
    return app


def main() -> None:
    """Run; what is wrong with the installation is one clear line, not a stack trace."""
    try:
        create_cli()()
    except RapportError as error:
        typer.secho(f"rapport: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2)
