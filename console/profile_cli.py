"""`rapport profile user_id:42`: one customer, for people or (`--json`) for tools."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import httpx
import orjson
import typer

from console.card import render
from console.client import DEFAULT_DATA_DIR, DataDir, Target, Token, Url, find, trust
from console.terminal import explained, out
from profiles.errors import Misconfigured, NotFound, RapportError

__all__ = ["fetch", "register"]

HELP = """Show a customer: who they are, how likely they are to leave and why, segments, orders, support, latest events.

    rapport profile user_id:42
    rapport profile email:ada@example.com --events 20
    rapport profile user_id:42 --json | jq .churn.risk

An identity that is held hashed is asked for as people write it, or as email:hashed:HASH by the hash that is shown.
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP, no_args_is_help=True)
    def profile(
        identity: Annotated[str, typer.Argument(help="TYPE:VALUE, such as user_id:42 or email:ada@example.com.")],
        as_json: Annotated[bool, typer.Option("--json", help="The document of the API, as JSON.")] = False,
        events: Annotated[int, typer.Option(min=0, max=500, help="How many of the latest events to show.")] = 8,
        url: Url = None,
        token: Token = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        with explained():
            target = find(data_dir, url, token)
            document, timeline = fetch(target, identity, 0 if as_json else events)
        if as_json:
            typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        else:
            out.print(render(document, timeline))


def fetch(target: Target, identity: str, events: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A customer's document and latest events, from the support API.

    Raises:
        NotFound: nobody is known by this identity.
        Misconfigured: nothing answers there, or the token is not accepted.
        RapportError: the API answers otherwise.
    """
    if ":" not in identity:
        raise Misconfigured(f"{identity!r} is no identity; write TYPE:VALUE, such as user_id:{identity}")
    path = f"/v1/profiles/{quote(identity, safe='')}"
    headers = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    try:
        with httpx.Client(base_url=target.url, headers=headers, timeout=10.0, verify=trust(target.url)) as http:
            document = _json(http.get(path))
            timeline = _json(http.get(f"{path}/events", params={"limit": events}))["data"] if events else []
    except httpx.TransportError as error:
        raise Misconfigured(
            f"nothing answers at {target.url} ({error}). Start Rapport with `rapport up`, or give --url."
        ) from error
    return document, timeline


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
        message = found.get("message", "")
    except (ValueError, AttributeError):
        raise RapportError(f"{answer.url} answered {answer.status_code}, and it was not Rapport that spoke") from None
    if answer.is_success:
        return dict(found)
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(message)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Misconfigured(f"{message}: give --token or RAPPORT_API_TOKEN")
    raise RapportError(f"{answer.url} answered {answer.status_code}: {message}")
