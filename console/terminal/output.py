"""Where the commands write: figures and documents to standard output, all else to standard error."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer
from rich.console import Console

__all__ = ["AsJson", "err", "out", "print_json", "warn"]

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(document: object) -> None:
    """Write a document to standard output."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def warn(message: str) -> None:
    """Something to know that is no error, on standard error."""
    err.print(f"Warning: {message}", style="yellow", markup=False, soft_wrap=True)
