"""What the commands share on a terminal: where they write, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from profiles.errors import RapportError

__all__ = ["err", "explained", "out"]

out = Console()
err = Console(stderr=True)


@contextmanager
def explained() -> Iterator[None]:
    """Errors that Rapport raises on purpose end the command with their message and exit code 1."""
    try:
        yield
    except RapportError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(1) from error
