"""`rapport models`: what predicts the churn risk, how good it is, what moves it, and who decides about it."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from console import horizon_cli
from console.client import DEFAULT_DATA_DIR, DataDir, Token, Url, find
from console.model_tables import explained_customer, explained_model, history_page, model_page, overview
from console.support import support
from console.terminal import err, explained, out

__all__ = ["app"]

app = typer.Typer(
    name="models", no_args_is_help=True, help="The models of the churn risk: what they are and how good they are."
)
horizon_cli.register(app)

AsJson = Annotated[bool, typer.Option("--json", help="The document of the API, as JSON.")]
By = Annotated[str, typer.Option(help="Who decides; recorded with the change.")]

_WAIT = 30.0  # seconds for an answer to a decision


@app.callback()
def models() -> None:
    """The models of the churn risk: what they are and how good they are."""


@app.command("list")
def list_(as_json: AsJson = False, url: Url = None, token: Token = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Show every model side by side: which speaks, how good each is, drift, and the latest news.

    Each prediction was made before its outcome was known. `short` is an order within the label horizon,
    `full` is churn within the churn horizon. Lower log loss is better; bias above 0 promises too much.
    """
    document = _get("/v1/models", url, token, data_dir)
    _show(document, as_json, overview)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="hazard, ftrl, direct, bgnbd, recency, base_rate or rules.")],
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Show one model: how good it is in which segment, how it stands against the one that speaks, its weights."""
    document = _get(f"/v1/models/{name}", url, token, data_dir)
    _show(document, as_json, model_page)


@app.command()
def explain(
    identity: Annotated[
        str | None, typer.Argument(help="TYPE:VALUE, such as user_id:42. Without it: what moves the model.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Explain the model that speaks, or what it says of one customer.

        rapport models explain
        rapport models explain user_id:42

    Of a customer, every contribution is shown; with the baseline they sum to the log-odds of the risk.
    """
    if identity is None:
        speaker = _get("/v1/models", url, token, data_dir)["speaker"]
        _show(_get(f"/v1/models/{speaker}", url, token, data_dir), as_json, explained_model)
        return
    document = _get("/v1/models/explain", url, token, data_dir, identity=identity)
    _show(document, as_json, explained_customer)


@app.command()
def history(
    as_json: AsJson = False, url: Url = None, token: Token = None, data_dir: DataDir = DEFAULT_DATA_DIR
) -> None:
    """List the kept checkpoints, which `rollback` goes back to, and which model spoke when and why."""

    _show(_get("/v1/models/history", url, token, data_dir), as_json, history_page)


@app.command()
def promote(
    name: Annotated[str, typer.Argument(help="The model that shall speak.")],
    by: By = "",
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Let a model speak until `rapport models release`, whatever the promotion rule finds."""
    _decide("promote", {"model": name, "by": by}, as_json, url, token, data_dir)


@app.command()
def rollback(
    version: Annotated[int, typer.Argument(min=1, help="Of a kept checkpoint; `rapport models history` lists them.")],
    by: By = "",
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Set what was learned back to a kept checkpoint. Learning goes on from there; what came since is lost."""
    _decide("rollback", {"version": version, "by": by}, as_json, url, token, data_dir)


@app.command()
def release(
    by: By = "", as_json: AsJson = False, url: Url = None, token: Token = None, data_dir: DataDir = DEFAULT_DATA_DIR
) -> None:
    """Undo `promote`: the model that the promotion rule had chosen speaks again, and the rule goes on."""
    _decide("release", {"by": by}, as_json, url, token, data_dir)


def _get(path: str, url: str | None, token: str | None, data_dir: Any, **params: str) -> dict[str, Any]:
    with explained(), support(find(data_dir, url, token)) as api:
        return api.call("GET", path, params=params)


def _decide(
    action: str, body: dict[str, Any], as_json: bool, url: str | None, token: str | None, data_dir: Any
) -> None:
    with explained(), support(find(data_dir, url, token), timeout=_WAIT) as api:
        document = api.call("POST", f"/v1/models/{action}", json=body)
    if as_json:
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    elif document["done"] is None:
        err.print(f"[yellow]{document['text']}[/]")
    else:
        out.print(document["text"])


def _show(document: dict[str, Any], as_json: bool, page: Any) -> None:
    if as_json:
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        out.print(page(document))
