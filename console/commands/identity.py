"""`rapport identity show|explain|join|split|refused`: who is who, why, making a link and taking a wrong one back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from console.clients.support import Support, customer, support
from console.clients.target import Target, with_target
from console.terminal.figures import identity as identity_name
from console.terminal.figures import minute
from console.terminal.frame import group
from console.terminal.listing import Listing
from console.terminal.output import AsJson, err, out, print_json
from console.terminal.output import show as write

__all__ = ["app"]

app = group("identity", "Who is who, why, and taking a wrong link back.")

Identity = Annotated[str, typer.Argument(help="TYPE:VALUE, such as user_id:42 or email:ada@example.com.")]

_SPLIT = """Take a wrongly linked identity out of a customer.

Every link between the identity and what it is kept apart from is undone, and is never made again. Both
profiles become what they would be had the links never been: what each holds is computed from the history of
events, so `rapport archive` must have run where Kafka has deleted the older ones already.

Examples:

    rapport identity explain email:ada@example.com
    rapport identity split email:ada@example.com --from user_id:42
"""


@app.command()
@with_target
def show(
    target: Target,
    identity: Identity,
    as_json: AsJson = False,
) -> None:
    """List the identities of a customer."""
    write(_links(target, identity), as_json, _identities)


def _identities(document: dict[str, Any]) -> RenderableType:
    rows = []
    for held in document["identities"]:
        first = held["links"][0] if held["links"] else None
        by = _linked_by(first) if first else "itself"
        rows.append((identity_name(held), by, ", ".join(map(identity_name, held["apart_from"]))))
    table = Listing(("identity", "linked by", "kept apart from"), rows, prose=True)
    split = [Text("It is being taken apart; for some seconds it is not whole.", "yellow")] * document["being_split"]
    return Group(Text(f"Profile {document['profile']}"), table, *split)


def _linked_by(link: dict[str, Any]) -> str:
    return f"{link['by'] or link['source'] + ' event ' + link['event']}, {minute(link['time'])}"


@app.command()
@with_target
def join(
    target: Target,
    identity: Annotated[str, typer.Argument(help="An identity of the one, TYPE:VALUE; this customer's name stays.")],
    other: Annotated[str, typer.Argument(help="An identity of the other.")],
    by: Annotated[str, typer.Option(help="Who decided it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one customer of two, two accounts of one person say. `split` takes it back."""
    with support(target) as api:
        if not yes:
            typer.confirm(f"Make one customer of {identity} and {other}?", abort=True, err=True)
        document = api.call("POST", customer(identity, "/join"), json={"other": other, "by": by})
    if as_json:
        print_json(document)
    elif document["state"] == "done":
        out.print(f"Done. `rapport identity split {other} --from {identity}` takes it back.")
    else:
        err.print("Asked for, and not done yet. `rapport identity show` says when it is.")


@app.command()
@with_target
def explain(
    target: Target,
    identity: Identity,
    as_json: AsJson = False,
) -> None:
    """Say which event made each link of a customer, and which links were refused."""
    write(_links(target, identity), as_json, lambda document: Group(*_explained(document)))


def _explained(document: dict[str, Any]) -> Iterator[Text]:
    for held in document["identities"]:
        yield Text(identity_name(held), "bold")
        for link in held["links"]:
            others = " and ".join(identity_name(other) for other in link["identities"])
            event = (link["event"], "cyan")
            if link["by"]:
                yield Text.assemble(f"  joined on the word of {link['by']}, ", event, f", at {link['decided']}:")
            else:
                yield Text.assemble(f"  joined by {link['source']} event ", event, f" of {link['time']}:")
            yield Text(f"    {others} were in it")
        if not held["links"]:
            yield Text("  the others joined it, or it stands alone")
        for other in held["apart_from"]:
            yield Text(f"  kept apart from {identity_name(other)}, since a split")
    for refusal in document["refused"]:
        left_out = ", ".join(map(identity_name, refusal["refused"]))
        line = f"refused: {left_out} in {refusal['source']} event {refusal['event']} of {refusal['time']}"
        yield Text(f"{line}: {refusal['reason']}", "yellow")


@app.command(help=_SPLIT)
@with_target
def split(
    target: Target,
    identity: Annotated[str, typer.Argument(help="The identity to take out, TYPE:VALUE.")],
    apart: Annotated[
        list[str] | None,
        typer.Option("--from", help="What it must not be with; again for more. Default: the strongest of the others."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who decided it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait until the profiles are whole.")] = 120.0,
    as_json: AsJson = False,
) -> None:
    with support(target) as api:
        held = api.call("GET", customer(identity, "/links"))["identities"]
        if not yes:
            typer.confirm(f"Take {identity} out of a customer with {len(held)} identities?", abort=True, err=True)
        document = api.call("POST", customer(identity, "/split"), json={"apart_from": apart or [], "by": by})
        state = _finished(api, document["id"], wait)
    if as_json:
        print_json({"id": document["id"], "state": state})
    elif state == "done":
        out.print(f"Done. `rapport identity show {identity}` shows what it is now.")
    if state != "done":
        err.print(f"Asked for, and not done after {wait:.0f} s. `rapport identity splits` lists what is not done yet.")
        raise typer.Exit(1)


@app.command()
@with_target
def splits(target: Target, as_json: AsJson = False) -> None:
    """List the splits that are not finished."""
    with support(target) as api:
        found = api.call("GET", "/v1/splits")["data"]
    write(found, as_json, _splits)


def _splits(found: list[dict[str, Any]]) -> RenderableType:
    rows = [
        (one["id"], minute(one["at"]), one["profile"], identity_name(one["identity"]),
         ", ".join(map(identity_name, one["apart_from"])))
        for one in found
    ]  # fmt: skip
    table = Listing(("split", "since", "profile", "identity", "kept apart from"), rows, prose=True)
    return table if found else Text("Every split is finished.")


@app.command()
@with_target
def refused(
    target: Target,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most of them, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the links that were refused lately, because of a limit or a split."""
    with support(target) as api:
        found = api.call("GET", "/v1/refusals", params={"limit": limit})["data"]
    write(found, as_json, _refused)


def _refused(found: list[dict[str, Any]]) -> RenderableType:
    rows = []
    for one in found:
        met = ", ".join(identity_name(other) for other in one["identities"] if other not in one["refused"])
        left_out = ", ".join(map(identity_name, one["refused"]))
        rows.append((f"{one['source']} {one['event']}", minute(one["time"]), left_out, met, one["reason"]))
    table = Listing(("event", "at", "left out", "met", "why"), rows, prose=True)
    return table if found else Text("No link was refused.")


def _links(target: Target, identity: str) -> dict[str, Any]:
    with support(target) as api:
        return api.call("GET", customer(identity, "/links"))


def _finished(api: Support, id_: str, wait: float) -> str:
    """What has become of a split when it is done, or when the wait is over."""
    until = time.monotonic() + wait
    with err.status("What each profile holds is being computed from the history of its events…"):
        while True:
            state = str(api.call("GET", f"/v1/splits/{id_}")["state"])
            if state == "done" or time.monotonic() > until:
                return state
            time.sleep(0.3)
