"""`rapport today`: what happened today and on the days before, as the stream counts it."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from console.clients.support import support
from console.clients.target import Target, with_target
from console.terminal.figures import money
from console.terminal.listing import Listing
from console.terminal.output import AsJson, show

__all__ = ["register"]

HELP = """Show what happened today and on the two days before, counted live: customers, orders, tickets, answers.

Days are those of the plan's time zone. The same figures over the history are the analyses' (`rapport analyse`), which
agree with these once a day is over; what is counted how: docs/analyses.md.

Examples:

    rapport today
    rapport today --json
"""

_COUNTS = (
    ("events", "Events"), ("customers", "Active customers"), ("new_customers", "New customers"), ("orders", "Orders"),
    ("revenue", "Revenue"), ("refunds", "Paid back"), ("net", "Net"), ("tickets_opened", "Tickets opened"),
    ("tickets_solved", "Tickets solved"), ("complaints", "Complaints"),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command(help=HELP)
    @with_target
    def today(target: Target, as_json: AsJson = False) -> None:
        with support(target) as api:
            found = api.call("GET", "/v1/today")
        show(found, as_json, _render)


def _render(found: dict[str, Any]) -> RenderableType:
    days = found["days"]
    rows = [(title, *(_written(each[name]) for each in days)) for name, title in _COUNTS]
    for place, kind in enumerate(each["kind"] for each in days[0]["answers"]):
        answers = [each["answers"][place] for each in days]
        if any(each["answers"] for each in answers):
            rows.append((f"Answers: {kind.upper() if kind != 'review' else kind}", *map(_answers, answers)))
    names = [each["day"] for each in days]
    stages = ", ".join(f"{stage.replace('_', ' ')} {number:,}" for stage, number in found["stages"].items() if number)
    return Group(
        Listing(("", *names), rows, right=names, title=f"Days of {found['zone']}; today is not over"),
        Text(f"Customers now: {found['customers']:,}" + (f" ({stages})" if stages else "")),
        Text(f"Open tickets now: {found['open_tickets']:,}"),
    )


def _written(value: Any) -> str:
    return money(value) if isinstance(value, dict) else f"{value:,}"


def _answers(each: dict[str, Any]) -> str:
    mean = "" if each["mean"] is None else f", mean {each['mean']:.1f}"
    return f"{each['answers']:,}{mean}"
