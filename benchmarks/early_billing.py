"""Companies with monthly invoices as customers of the shipped plan: a label shorter than the gap between invoices.

    python -m benchmarks.early_billing
    python -m benchmarks.early_billing --held --json

A label that ends before the next invoice is due says of a company in perfect order that it bought nothing. Each label
horizon of the plan is tried; the champion is whoever the product lets speak.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.command import AsJson, command, machine
from models.backtest.evaluation import figures
from models.backtest.playback import Log, backtest
from models.durations import WEEK
from plan import Plan, load_plan
from streams.offline import Row, read_log
from tests.worlds.b2b import B2B, HELD_B2B, Companies, b2b
from tests.worlds.b2b_events import START, invoices

__all__ = ["billing", "run"]

_PLAN = Path(__file__).parents[1] / "tracking_plan.yaml"
_LABELS = (2, 5)  # weeks: shorter than a month, and longer


def billing(world: Companies, plan: Plan) -> dict[str, Any]:
    """Figures of the champion and of all models, by label horizon in weeks."""
    reading = read_log(_rows(world), plan, START + (world.weeks + 60) * WEEK)
    end = START + world.weeks * WEEK
    log = Log([record for record in reading.records if record.time < end], START - 1.0, end - 1.0)
    found: dict[str, Any] = {}
    for label in _LABELS:
        config = plan.churn.model_copy(update={"label_horizon": label * WEEK})
        judged = backtest(log, config, plan.currency, consent=plan.consent, persons=plan.trust.persons,
                          limits=plan.limits)  # fmt: skip
        found[str(label)] = {
            "spoke": dict(Counter(judged.champions.values())),
            "churn": float(judged.y.mean()),
            "models": {name: figures(judged.y, p).as_dict() for name, p in judged.risks.items()},
        }
    return found


def _rows(world: Companies) -> Iterator[Row]:
    for line, event in enumerate(invoices(world)):
        source = event.pop("source")
        yield source, orjson.dumps(event), line


def run(
    companies: Annotated[int, typer.Option(min=20, help="How many companies pay by the month.")] = 60,
    weeks: Annotated[int, typer.Option(min=30, help="How long.")] = 52,
    seed: Annotated[int, typer.Option(help="Of the companies.")] = 1,
    held: Annotated[bool, typer.Option("--held", help="Companies on which nothing may be chosen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what a label horizon that is shorter than the gap between invoices does."""
    rules = replace(HELD_B2B if held else B2B, yearly=0.0)
    world = b2b(companies, 8 * companies, weeks, seed + 1000 * held, rules)
    document = {
        "companies": companies,
        "weeks": weeks,
        "machine": machine(),
        "labels": billing(world, load_plan(_PLAN)),
    }
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    for label, found in document["labels"].items():
        table = Table(title=f"Label of {label} weeks; churn {found['churn']:.3f}; spoke: {found['spoke']}")
        for heading in ("", "AUC", "log loss", "ECE"):
            table.add_column(heading)
        for name, row in found["models"].items():
            told = ("–" if row[key] is None else f"{row[key]:.3f}" for key in ("auc", "log_loss", "ece"))
            table.add_row(name, *told)
        Console().print(table)


if __name__ == "__main__":
    command(run)
