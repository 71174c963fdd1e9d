"""`rapport models`: what predicts the churn risk, how good it is, what moves it, and who decides about it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.clients.support import support
from console.clients.target import Target, with_target
from console.commands import horizon as horizon_cli
from console.commands import refit as refit_cli
from console.terminal.frame import group
from console.terminal.models import (
    explained_customer,
    explained_model,
    feature_list,
    history_page,
    model_page,
    overview,
)
from console.terminal.output import AsJson, err, out, print_json
from console.terminal.output import show as write
from models.features.table import SCHEMA, TABLE

__all__ = ["app"]

app = group("models", "The models of the churn risk: what they are and how good they are.")
horizon_cli.register(app)
refit_cli.register(app)

By = Annotated[str, typer.Option(help="Who decides; recorded with the change.")]
ByChurn = Annotated[str, typer.Option("--churn", help="By which further definition of churn in the plan.")]

_WAIT = 30.0  # seconds for an answer to a decision


@app.command("list")
@with_target
def list_(target: Target, churn: ByChurn = "", as_json: AsJson = False) -> None:
    """Show every model side by side: which is the champion, how good each is, drift, and the latest news.

    Each prediction was made before its outcome was known. `short` is an order within the label horizon,
    `full` is churn within the churn horizon. Lower log loss is better; bias above 0 promises too much.
    """
    document = _get(target, "/v1/models", churn=churn)
    write(document, as_json, overview)


@app.command()
@with_target
def show(
    target: Target,
    name: Annotated[str | None, typer.Argument(help="Such as hazard, direct or btyd; all without it.")] = None,
    churn: ByChurn = "",
    as_json: AsJson = False,
) -> None:
    """Show one model: how good it is in each segment, how it compares with the champion, its weights."""
    if name is None:
        write(_get(target, "/v1/models", churn=churn), as_json, overview)
        return
    document = _get(target, f"/v1/models/{name}", churn=churn)
    write(document, as_json, model_page)


@app.command()
def features(as_json: AsJson = False) -> None:
    """List the features: what the models see of a customer, in what unit, and of which group a reason speaks.

    The same everywhere: it asks no server.
    """
    rows = [{"name": f.name, "group": f.group, "unit": f.unit, "meaning": f.meaning} for f in TABLE]
    write({"schema": SCHEMA, "features": rows}, as_json, feature_list)


@app.command()
@with_target
def explain(
    target: Target,
    identity: Annotated[
        str | None, typer.Argument(help="TYPE:VALUE, such as user_id:42. Without it: what moves the model.")
    ] = None,
    churn: ByChurn = "",
    as_json: AsJson = False,
) -> None:
    """Explain the champion, or what it says of one customer.

    Of a customer, every contribution is shown; with the baseline they sum to the log-odds of the risk.

    Examples:

        rapport models explain
        rapport models explain user_id:42
    """
    if identity is None:
        champion = _get(target, "/v1/models", churn=churn)["champion"]
        write(_get(target, f"/v1/models/{champion}", churn=churn), as_json, explained_model)
        return
    document = _get(target, "/v1/models/explain", identity=identity, churn=churn)
    write(document, as_json, explained_customer)


@app.command()
@with_target
def history(target: Target, churn: ByChurn = "", as_json: AsJson = False) -> None:
    """List the kept checkpoints, which `rollback` goes back to, and which model was champion, when and why."""
    write(_get(target, "/v1/models/history", churn=churn), as_json, history_page)


@app.command()
@with_target
def promote(
    target: Target,
    name: Annotated[str, typer.Argument(help="The model to make champion.")],
    churn: ByChurn = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Make a model champion until `rapport models release`, whatever the promotion rule finds.

    It must have learned enough to be: `rapport models list` shows how much each has learned.

        rapport models promote bgnbd --by kim
    """
    _decide(target, "promote", {"model": name, "by": by, "churn": churn}, as_json)


@app.command()
@with_target
def rollback(
    target: Target,
    version: Annotated[int, typer.Argument(min=1, help="Of a kept checkpoint; `rapport models history` lists them.")],
    churn: ByChurn = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Set what was learned back to a kept checkpoint. Learning goes on from there; what came since is lost.

    `rapport models history` lists the checkpoints that are kept.

        rapport models rollback 1500 --by kim
    """
    _decide(target, "rollback", {"version": version, "by": by, "churn": churn}, as_json)


@app.command()
@with_target
def release(target: Target, churn: ByChurn = "", by: By = "", as_json: AsJson = False) -> None:
    """Undo `promote`: the model that the promotion rule had chosen is champion again, and the rule goes on."""
    _decide(target, "release", {"by": by, "churn": churn}, as_json)


def _get(target: Target, path: str, **params: str) -> dict[str, Any]:
    with support(target) as api:
        return api.call("GET", path, params={name: value for name, value in params.items() if value})


def _decide(target: Target, action: str, body: dict[str, Any], as_json: bool) -> None:
    with support(target, timeout=_WAIT) as api:
        said = {name: value for name, value in body.items() if name != "churn" or value}
        document = api.call("POST", f"/v1/models/{action}", json=said)
    if as_json:
        print_json(document)
    elif document["done"] is None:
        err.print(document["text"], style="yellow")
    else:
        out.print(document["text"])
