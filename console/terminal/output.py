"""What the commands share on a terminal: where they write, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from profiles.errors import RapportError

__all__ = ["AsJson", "err", "explained", "out", "print_json"]

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]

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


def print_json(document: object) -> None:
    """Write a document to standard output."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
