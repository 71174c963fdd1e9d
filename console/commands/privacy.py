"""`rapport erase` and `rapport export`: what a customer may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from console.clients.support import company, customer, support
from console.clients.target import Target, with_target
from console.terminal.figures import identity as identity_name
from console.terminal.figures import minute
from console.terminal.listing import Listing
from console.terminal.output import AsJson, err, print_json, readable, show, warn
from profiles.errors import WrongUse

__all__ = ["register", "render_lifted", "render_receipt"]

_COMPANY = "company:"  # begins the name of a company, whatever the plan calls them

_ERASE = """Erase a customer for good, and print the receipt.

Profile, identities, links, timers, indexes, alerts and pending examples go at once, and what still arrives, is
replayed or rebuilt is dropped from now on. The receipt says what remains where (Kafka, the archive) and until when.
It asks first, with the name and what will go.

--lift lets an erased identity come back with what happens from then on, each identity by itself.

Examples:

    rapport erase user_id:42 --by "privacy desk"
    rapport erase --receipt 3f2c…
    rapport erase --lift user_id:42 --reason "has asked to be a customer again" --by "privacy desk"
"""

_EXPORT = """Write all that is known about a customer, as JSON, for that customer.

The profile, every trait, and every event with what it was collected for and who answers for it.
Of a company, company:acme, what it is as such: document, traits, memberships; its people are exported one by one.

Examples:

    rapport export user_id:42 --output ada.json
    rapport export company:acme --output acme.json
"""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command(help=_ERASE)
    @with_target
    def erase(
        target: Target,
        identity: Annotated[str | None, typer.Argument(help="TYPE:VALUE, such as user_id:42.")] = None,
        receipt: Annotated[str | None, typer.Option(help="Print the receipt of an erasure again, by its id.")] = None,
        lift: Annotated[str | None, typer.Option(help="Let this erased identity, TYPE:VALUE, come back.")] = None,
        reason: Annotated[str, typer.Option(help="Why it may come back; kept for good.")] = "",
        by: Annotated[str, typer.Option(help="Who decided it; noted in the receipt.")] = "",
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        as_json: AsJson = False,
    ) -> None:
        if sum(one is not None for one in (identity, receipt, lift)) != 1:
            raise WrongUse("name either a customer, a --receipt, or whom to --lift")
        if (lift is None) != (not reason.strip()):
            raise WrongUse("--lift goes with a --reason, and only that")
        with support(target, timeout=30.0) as api:
            if lift is not None:
                if not yes:
                    typer.confirm(f"Let {lift} come back with what happens from now on?", abort=True, err=True)
                order = {"identity": lift, "reason": reason, "by": by}
                show(api.call("POST", "/v1/lifts", json=order), as_json, render_lifted)
                return
            if identity is None:
                document = api.call("GET", f"/v1/erasures/{receipt}")
            else:
                found = api.call("GET", customer(identity))
                if not yes:
                    err.print(_going(readable(found)))
                    typer.confirm(f"Erase {identity} for good?", abort=True, err=True)
                document = api.call("DELETE", customer(identity), params={"by": by})
        show(document, as_json, render_receipt)

    @app.command(help=_EXPORT)
    @with_target
    def export(
        target: Target,
        identity: Annotated[str, typer.Argument(help="TYPE:VALUE, such as user_id:42; or company:NAME.")],
        output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output without it.")] = None,
        as_json: AsJson = False,
    ) -> None:
        with support(target, timeout=300.0) as api, err.status("Collecting…"):
            of_company = identity.startswith(_COMPANY)
            path = company(identity.removeprefix(_COMPANY)) + "/export" if of_company else customer(identity, "/export")
            document = api.call("GET", path)
        if output is None:
            print_json(document)
        else:
            output.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            output.chmod(0o600)
            what = "memberships" if of_company else "events"
            counts = {what: len(document[what]), "traits": len(document["traits"])}
            if as_json:
                print_json({"file": str(output), **counts, "missing": document.get("missing")})
                return
            err.print(f"{counts[what]} {what} and {counts['traits']} traits in {output}")
        if document.get("missing"):
            warn(f"not complete: {document['missing']}")


def _going(found: dict[str, Any]) -> Text:
    """Who will be erased and what will go, for the question."""
    traits = {name: trait["value"] for name, trait in found["traits"].items()}
    name = traits.get("name") or " ".join(str(traits[part]) for part in ("firstName", "lastName") if traits.get(part))
    orders, revenue = found["purchases"]["orders"], found["purchases"]["revenue"]
    spent = ", ".join(f"{one['amount']} {one['currency']}" for one in revenue)
    events = sum(one["count"] for one in found["activity"].values())
    lines = [
        f"{name or 'No name'}, seen from {minute(found['first_seen'])} to {minute(found['last_seen'])}",
        f"  identities  {', '.join(identity_name(one) for one in found['identities'])}",
        f"  will go     {events:,} events, {len(traits)} traits, {orders:,} orders{f' of {spent}' if spent else ''}, "
        f"{len(found['alerts'])} alerts",
        "None of these identities counts again, for nobody, until --lift or another customer's server says so.",
    ]
    return Text("\n".join(lines))


def render_lifted(document: dict[str, Any]) -> RenderableType:
    """What a lift answers."""
    return Text.assemble(
        "Lifted ", (document["id"], "bold"), f": what happened since {document['since']} counts. {document['reason']}"
    )


def render_receipt(document: dict[str, Any]) -> RenderableType:
    """The receipt of an erasure."""
    done = ("done", "green") if document["state"] == "done" else ("pending: ask again with --receipt", "yellow")
    title = Text.assemble("Erasure ", (document["id"], "bold"), f" of {document['at']}: ", done)
    removed = [(one["where"], one["what"], f"{one['count']:,}") for one in document["removed"]]
    remains = [(one["where"], one["until"] or "–", one["what"]) for one in document["remains"]]
    return Group(
        title,
        Text(f"Suppression entry: {document['subject']}"),
        Listing(("removed from", "what", "count"), removed, right=("count",)),
        Listing(("remains in", "until", "what"), remains, prose=True),
    )
