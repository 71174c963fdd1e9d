"""`rapport segments list` and `show`: segments as the last census found them, for people or (`--json`) for tools."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from console.commands.client import AsDocument, Target, with_target
from console.commands.support import support
from console.terminal.output import explained, out, print_json
from console.terminal.segments import render_list, render_segment

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `rapport segments`."""
    app.command("list")(list_)
    app.command("show", no_args_is_help=True)(show)


@with_target
def list_(target: Target, as_json: AsDocument = False) -> None:
    """List the segments: how many are in each, how that moves, and how likely they leave.

    Sizes are those of this moment; share, trend and risk are of the last census.
    """
    with explained():
        document = _ask(target, "/v1/segments")
    if as_json:
        print_json(document["data"])
    else:
        out.print(render_list(document["data"]))


@with_target
def show(
    target: Target,
    name: Annotated[str, typer.Argument(help="Of the segment; `rapport segments list` lists them.")],
    as_json: AsDocument = False,
) -> None:
    """Show a segment's persona: size, what distinguishes its members, what they are worth, risk and trend.

    A trait is shown if it is more or less common than among all customers by more than chance explains.
    """
    with explained():
        document = _ask(target, f"/v1/segments/{quote(name, safe='')}")
    if as_json:
        print_json(document)
    else:
        out.print(render_segment(document))


def _ask(target: Target, path: str) -> dict[str, Any]:
    with support(target) as api:
        return api.call("GET", path)
