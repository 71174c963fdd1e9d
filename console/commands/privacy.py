"""`rapport erase` and `rapport export`: what a customer may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from console.commands.client import Target, with_target
from console.commands.support import customer, support
from console.terminal.output import err, explained, out, print_json

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

    @app.command(help=_ERASE, no_args_is_help=True)
    @with_target
    def erase(
        target: Target,
        identity: Annotated[str | None, typer.Argument(help="TYPE:VALUE, such as user_id:42.")] = None,
        receipt: Annotated[str | None, typer.Option(help="Print the receipt of an erasure again, by its id.")] = None,
        by: Annotated[str, typer.Option(help="Who decided it; noted in the receipt.")] = "",
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="The receipt as JSON.")] = False,
    ) -> None:
        if (identity is None) == (receipt is None):
            raise typer.BadParameter("name either a customer or a --receipt")
        with explained(), support(target, timeout=30.0) as api:
            if identity is None:
                document = api.call("GET", f"/v1/erasures/{receipt}")
            else:
                api.call("GET", customer(identity))
                if not yes:
                    typer.confirm(f"Erase {identity} for good?", abort=True, err=True)
                document = api.call("DELETE", customer(identity), params={"by": by})
        if as_json:
            print_json(document)
        else:
            _print_receipt(document)

    @app.command(help=_EXPORT, no_args_is_help=True)
    @with_target
    def export(
        target: Target,
        identity: Annotated[str, typer.Argument(help="TYPE:VALUE, such as user_id:42.")],
        output: Annotated[Path | None, typer.Option("--output", "-o", help="File; standard output without it.")] = None,
    ) -> None:
        with explained(), support(target, timeout=300.0) as api, err.status("Collecting…"):
            document = api.call("GET", customer(identity, "/export"))
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        if output is None:
            typer.echo(text)
        else:
            output.write_bytes(text + b"\n")
            output.chmod(0o600)
            err.print(f"{len(document['events'])} events and {len(document['traits'])} traits in {output}")
        if document["missing"]:
            err.print(f"[yellow]Not complete:[/] {document['missing']}", soft_wrap=True)


def _print_receipt(document: dict[str, Any]) -> None:
    done = "[green]done[/]" if document["state"] == "done" else "[yellow]pending: ask again with --receipt[/]"
    out.print(f"Erasure [bold]{document['id']}[/] of {document['at']}: {done}")
    out.print(f"Suppression entry: {document['subject']}")
    removed = Table("removed from", "what", "count")
    for one in document["removed"]:
        removed.add_row(one["where"], one["what"], str(one["count"]))
    remains = Table("remains in", "what", "until")
    for one in document["remains"]:
        remains.add_row(one["where"], one["what"], one["until"] or "—")
    out.print(removed, remains)
