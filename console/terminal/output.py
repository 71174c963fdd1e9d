"""Where the commands write: figures and documents to standard output, all else to standard error.

What people sent may hold anything. Nothing but our own newlines and tabs reaches a terminal as a control character:
`readable` writes them out in a document, before it is laid out; JSON escapes them; and both consoles let none through.
They take no markup from text: what is to be bold is a `Text`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.segment import Segment

from streams.visible import visible, visible_json, visible_lines

__all__ = ["AsJson", "create_console", "err", "out", "print_json", "readable", "say", "show", "warn"]

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]


class _Visible:
    """What is to be shown, with every control character in its text written out."""

    def __init__(self, shown: ConsoleRenderable) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else Segment(visible_lines(segment.text), segment.style)


class _Net(RenderHook):
    """Catches what came to a console without `readable`."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(shown) for shown in renderables]


def create_console(**options: Any) -> Console:
    """A console of ours, with rich's options."""
    console = Console(highlight=False, markup=False, emoji=False, **options)
    console.push_render_hook(_Net())
    return console


out = create_console()
err = create_console(stderr=True)


def readable(document: Any) -> Any:
    """A document, names of its fields and all, in which every text is on one line without control characters."""
    if isinstance(document, str):
        return visible(document)
    if isinstance(document, dict):
        return {readable(name): readable(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [readable(value) for value in document]
    return document


def print_json(document: object, *, indent: bool = True) -> None:
    """Write a document to standard output."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    typer.echo(visible_json(text))


def show(document: Any, as_json: bool, page: Callable[[Any], RenderableType]) -> None:
    """Write a document to standard output: as it is for scripts, as a page for people."""
    if as_json:
        print_json(document)
    else:
        out.print(page(readable(document)))


def say(message: str, *, err: bool = False, nl: bool = True) -> None:
    """Text as it is, unwrapped, to standard output or error."""
    typer.echo(visible_lines(message), err=err, nl=nl)


def warn(message: str) -> None:
    """Something to know that is no error, on standard error."""
    err.print(f"Warning: {message}", style="yellow", soft_wrap=True)
