"""`rapport erase` and `rapport export`: what a customer may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Group, RenderableType
from rich.text import Text

from console.clients.support import customer, support
from console.clients.target import Target, with_target
from console.terminal.listing import Listing
from console.terminal.output import AsJson, err, print_json, show, warn
from profiles.errors import WrongUse

__all__ = ["register"]

_ERASE = """Erase a customer for good, and print the receipt.

Profile, identities, links, timers, indexes, alerts and pending examples go at once, and what still arrives, is
replayed or rebuilt is dropped from now on. The receipt says what remains where (Kafka, the archive) and until when.

Examples:

    rapport erase user_id:42 --by "privacy desk"
    rapport erase --receipt 3f2c…
"""

_EXPORT = """Write all that is known about a customer, as JSON, for that customer.

    rapport export user_id:42 --output ada.json

The profile, every trait, and every event with what it was collected for and who answers for it.
"""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""

    @app.command(help=_ERASE)
    @with_target
    def erase(
        target: Target,
        identity: Annotated[str | None, typer.Argument(help="TYPE:VALUE, such as user_id:42.")] = None,
        receipt: Annotated[str | None, typer.Option(help="Print the receipt of an erasure again, by its id.")] = None,
        by: Annotated[str, typer.Option(help="Who decided it; noted in the receipt.")] = "",
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        as_json: AsJson = False,
    ) -> None:
        if (identity is None) == (receipt is None):
            raise WrongUse("name either a customer or a --receipt")
        with support(target, timeout=30.0) as api:
            if identity is None:
                document = api.call("GET", f"/v1/erasures/{receipt}")
            else:
                api.call("GET", customer(identity))
                if not yes:
                    typer.confirm(f"Erase {identity} for good?", abort=True, err=True)
                document = api.call("DELETE", customer(identity), params={"by": by})
        show(document, as_json, _receipt)

    @app.command(help=_EXPORT)
    @with_target
    def export(
        target: Target,
        identity: Annotated[str, typer.Argument(help="TYPE:VALUE, such as user_id:42.")],
        output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output without it.")] = None,
    ) -> None:
        with support(target, timeout=300.0) as api, err.status("Collecting…"):
            document = api.call("GET", customer(identity, "/export"))
        if output is None:
            print_json(document)
        else:
            output.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            output.chmod(0o600)
            err.print(f"{len(document['events'])} events and {len(document['traits'])} traits in {output}")
        if document["missing"]:
            warn(f"not complete: {document['missing']}")


def _receipt(document: dict[str, Any]) -> RenderableType:
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
