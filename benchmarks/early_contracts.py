"""Companies whose contract ends: a further definition of churn, judged beside who knows all moods of the companies.

    python -m benchmarks.early_contracts
    python -m benchmarks.early_contracts --held --json

Companies that pay by the month (`tests/worlds/b2b.py`) are customers of the shipped plan, and their contracts
subscriptions. They leave when a paid period ends that is not renewed; who cancels says so before, or on the last day.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.command import AsJson, command, machine
from benchmarks.companies import log_of, paying_by_month, shipped, table_of
from benchmarks.early import numbered
from models.backtest.evaluation import figures
from models.backtest.playback import backtest
from models.config import ChurnConfig
from plan import Plan
from profiles.types import profile_id
from tests.worlds.b2b import Companies
from tests.worlds.b2b_events import contracts

__all__ = ["contract", "run"]

_WEEKS = 13  # horizon
_ENDS = {"name": "contract", "ends_by": {"subscription": "ended", "period": "told", "grace": "1d"}, "horizon": "13w"}


def contract(world: Companies, plan: Plan) -> dict[str, Any]:
    """Figures of all models and of the oracle, over all companies with a contract and all judged weeks."""
    log = log_of(world, contracts(world), plan)
    config = ChurnConfig.model_validate({**dict(plan.churn), "definitions": [_ENDS]}).of("contract")
    judged = backtest(log, config, plan.currency, consent=plan.consent, persons=plan.trust.persons,
                      limits=plan.limits)  # fmt: skip
    names = [profile_id(plan.namespace, ("user_id", f"company-{company}")) for company in range(len(world.begins))]
    company = numbered(log, names)[judged.customer]
    latent = np.zeros(len(judged.y))
    for week in np.unique(judged.week):
        rows = judged.week == week
        latent[rows] = world.latent(int(week), _WEEKS)[company[rows]]
    risks = {**judged.risks, "latent": latent}
    return {
        "rows": len(judged.y),
        "ended": float(judged.y.mean()),
        "true": float((world.left[company] <= judged.week + _WEEKS).mean()),
        "spoke": dict(Counter(judged.champions.values())),
        "models": {name: figures(judged.y, p).as_dict() for name, p in risks.items() if np.isfinite(p).any()},
    }


def run(
    companies: Annotated[int, typer.Option(min=50, help="How many companies.")] = 200,
    weeks: Annotated[int, typer.Option(min=40, help="How long.")] = 104,
    seed: Annotated[int, typer.Option(help="Of the companies.")] = 1,
    held: Annotated[bool, typer.Option("--held", help="Companies on which nothing may be chosen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how well the end of contracts is told, a quarter of a year ahead."""
    world = paying_by_month(companies, weeks, seed, held=held)
    found = contract(world, shipped())
    document = {"companies": companies, "weeks": weeks, "held": held, "machine": machine(), **found}
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    title = f"{found['rows']:,} scores; ended {found['ended']:.3f}; spoke: {found['spoke']}"
    Console().print(table_of(title, found["models"]))


if __name__ == "__main__":
    command(run)
