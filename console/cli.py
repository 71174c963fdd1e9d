"""The command line: `rapport`."""

from __future__ import annotations

import sys

import typer

from console import (
    adopt,
    archive_cli,
    backtest_cli,
    demo,
    doctor,
    identity_cli,
    models_cli,
    plan_cli,
    privacy_cli,
    profile_cli,
    rebuild_cli,
    rejected_cli,
    replay_cli,
    roles,
    segments_cli,
    send,
    source_cli,
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
    for part in (
        up, send, profile_cli, privacy_cli, backtest_cli, archive_cli, doctor, adopt, rebuild_cli, replay_cli, demo,
        roles,
    ):  # fmt: skip
        part.register(app)
    app.add_typer(identity_cli.app)
    app.add_typer(models_cli.app)
    app.add_typer(plan_cli.app)
    app.add_typer(rejected_cli.app)
    app.add_typer(segments_cli.app)
    app.add_typer(source_cli.app)
    return app


def main() -> None:
    """Run; what is wrong with the installation is one clear line, not a stack trace."""
    try:
        create_cli()()
    except RapportError as error:
        typer.secho(f"rapport: {error}", fg=typer.colors.RED, err=True)
        sys.exit(2)
