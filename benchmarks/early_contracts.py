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
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.command import AsJson, command, machine
from benchmarks.early import numbered
from models.backtest.evaluation import figures
from models.backtest.playback import Log, backtest
from models.config import ChurnConfig
from models.durations import WEEK
from plan import Plan, load_plan
from profiles.types import profile_id
from streams.offline import Row, read_log
from tests.worlds.b2b import B2B, HELD_B2B, Companies, b2b
from tests.worlds.b2b_events import START, contracts

__all__ = ["contract", "run"]

_PLAN = Path(__file__).parents[1] / "tracking_plan.yaml"
_WEEKS = 13  # horizon
_ENDS = {"name": "contract", "ends_by": {"subscription": "ended", "period": "31d", "grace": "1d"}, "horizon": "13w"}


def contract(world: Companies, plan: Plan) -> dict[str, Any]:
    """Figures of all models and of the oracle, over all companies with a contract and all judged weeks."""
    reading = read_log(_rows(world), plan, START + (world.weeks + 60) * WEEK)
    end = START + world.weeks * WEEK
    log = Log([record for record in reading.records if record.time < end], START - 1.0, end - 1.0)
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


def _rows(world: Companies) -> Iterator[Row]:
    for line, event in enumerate(contracts(world)):
        source = event.pop("source")
        yield source, orjson.dumps(event), line


def run(
    companies: Annotated[int, typer.Option(min=50, help="How many companies.")] = 200,
    weeks: Annotated[int, typer.Option(min=40, help="How long.")] = 104,
    seed: Annotated[int, typer.Option(help="Of the companies.")] = 1,
    held: Annotated[bool, typer.Option("--held", help="Companies on which nothing may be chosen.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how well the end of contracts is told, a quarter of a year ahead."""
    rules = replace(HELD_B2B if held else B2B, yearly=0.0)
    world = b2b(companies, 8 * companies, weeks, seed + 1000 * held, rules)
    found = contract(world, load_plan(_PLAN))
    document = {"companies": companies, "weeks": weeks, "held": held, "machine": machine(), **found}
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    table = Table(title=f"{found['rows']:,} scores; ended {found['ended']:.3f}; spoke: {found['spoke']}")
    for heading in ("", "AUC", "log loss", "ECE"):
        table.add_column(heading)
    for name, row in found["models"].items():
        told = ("–" if row[key] is None else f"{row[key]:.3f}" for key in ("auc", "log_loss", "ece"))
        table.add_row(name, *told)
    Console().print(table)


if __name__ == "__main__":
    command(run)
