"""`rapport segments list` and `show`: segments as the last census found them, for people or (`--json`) for tools."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import orjson
import typer

from console.client import DEFAULT_DATA_DIR, DataDir, Token, Url, find
from console.persona_card import render_list, render_segment
from console.support import support
from console.terminal import explained, out

__all__ = ["register"]

Json = Annotated[bool, typer.Option("--json", help="The document of the API, as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `rapport segments`."""
    app.command("list")(list_)
    app.command("show", no_args_is_help=True)(show)


def list_(as_json: Json = False, url: Url = None, token: Token = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """List the segments: how many are in each, how that moves, and how likely they leave.

    Sizes are those of this moment; share, trend and risk are of the last census.
    """
    with explained():
        document = _ask("/v1/segments", find(data_dir, url, token))
    if as_json:
        typer.echo(orjson.dumps(document["data"], option=orjson.OPT_INDENT_2))
    else:
        out.print(render_list(document["data"]))


def show(
    name: Annotated[str, typer.Argument(help="Of the segment; `rapport segments list` lists them.")],
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Show a segment's persona: size, what distinguishes its members, what they are worth, risk and trend.

    A trait is shown if it is more or less common than among all customers by more than chance explains.
    """
    with explained():
        document = _ask(f"/v1/segments/{quote(name, safe='')}", find(data_dir, url, token))
    if as_json:
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        out.print(render_segment(document))


def _ask(path: str, target: Any) -> dict[str, Any]:
    with support(target) as api:
        return api.call("GET", path)
