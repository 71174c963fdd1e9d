"""Where the commands write: figures and documents to standard output, all else to standard error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console, RenderableType

__all__ = ["AsJson", "err", "out", "print_json", "show", "warn"]

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(document: object) -> None:
    """Write a document to standard output."""
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def show(document: Any, as_json: bool, page: Callable[[Any], RenderableType]) -> None:
    """Write a document to standard output: as it is for scripts, as a page for people."""
    if as_json:
        print_json(document)
    else:
        out.print(page(document))


def warn(message: str) -> None:
    """Something to know that is no error, on standard error."""
    err.print(f"Warning: {message}", style="yellow", markup=False, soft_wrap=True)
