"""`rapport models`: what predicts the churn risk, how good it is, and who decides about it."""

from __future__ import annotations

import typer

from console import horizon_cli

__all__ = ["app"]

app = typer.Typer(
    name="models", no_args_is_help=True, help="The models of the churn risk: what they are and how good they are."
)
horizon_cli.register(app)


@app.callback()
def models() -> None:
    """The models of the churn risk: what they are and how good they are."""
