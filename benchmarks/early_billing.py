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
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.command import AsJson, command, machine
from benchmarks.companies import log_of, paying_by_month, shipped, table_of
from models.backtest.evaluation import figures
from models.backtest.playback import backtest
from models.durations import WEEK
from plan import Plan
from tests.worlds.b2b import Companies
from tests.worlds.b2b_events import invoices

__all__ = ["billing", "run"]

_LABELS = (2, 5)  # weeks: shorter than a month, and longer


def billing(world: Companies, plan: Plan) -> dict[str, Any]:
    """Figures of the champion and of all models, by label horizon in weeks."""
    log = log_of(world, invoices(world), plan)
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


def run(
    companies: Annotated[int, typer.Option(min=20, help="How many companies pay by the month.")] = 60,
    weeks: Annotated[int, typer.Option(min=30, help="How long.")] = 52,
    seed: Annotated[int, typer.Option(help="Of the companies.")] = 1,
    held: Annotated[bool, typer.Option("--held", help="Companies on which nothing may be chosen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what a label horizon that is shorter than the gap between invoices does."""
    world = paying_by_month(companies, weeks, seed, held=held)
    document = {
        "companies": companies,
        "weeks": weeks,
        "machine": machine(),
        "labels": billing(world, shipped()),
    }
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    for label, found in document["labels"].items():
        title = f"Label of {label} weeks; churn {found['churn']:.3f}; spoke: {found['spoke']}"
        Console().print(table_of(title, found["models"]))


if __name__ == "__main__":
    command(run)
