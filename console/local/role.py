"""`python -m console.local.role NAME`: a child of `rapport up`. Imports only what the role needs: all start sooner."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from profiles.errors import RapportError

__all__ = ["main"]


def main() -> None:
    """Run the role that the first argument names: serve, work, archive or demo."""
    app = typer.Typer(add_completion=False)
    app.callback()(lambda: None)  # else a single command would lose its name
    module = {"archive": "archive", "demo": "demo"}.get(sys.argv[1], "roles")
    import_module(f"console.commands.{module}").register(app)
    try:
        app()
    except RapportError as error:
        typer.echo(f"rapport: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
