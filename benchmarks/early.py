"""How early leaving is noticed, in simulated shops of which the truth is known.

    python -m benchmarks.early                    # 1,000 customers of the shop that choices may be fitted on
    python -m benchmarks.early --held             # another shop by other rules, on which nothing may be chosen
    python -m benchmarks.early --customers 4000 --json

No servers: the shop (`tests/worlds`) goes through ingest's own steps and is played by the product's own backtest with
the shipped plan; every figure compares what the models said with what is true. What it came to: docs/study.md.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.command import AsJson, command, machine
from benchmarks.early_figures import Policy, alerts_at, alerts_within, by_group, leaving_auc
from benchmarks.early_reasons import NO_CAUSE, Moment, Named, judge_reasons
from benchmarks.early_tables import show
from models.backtest.evaluation import auc, figures
from models.backtest.playback import Judged, Log, backtest
from models.conditions.rules import AlertRule
from models.durations import WEEK
from plan import Plan, load_plan
from profiles.types import Merge
from tests.worlds.rules import HELD, SHOP
from tests.worlds.shop import WEEKS, Shop, shop

__all__ = ["Played", "measure", "numbered", "play", "run"]

_PLAN = Path(__file__).parents[1] / "tracking_plan.yaml"
_FIRST = 20  # week from which scores are judged
_ALERTS = range(44, 71)  # weeks in which alerts are judged
_BUDGET = 2000 / 27 / 4000  # alerts a week and customer
_LATER, _NEAR = 2, 14  # weeks after leaving, and around it
_RECENT = 2  # weeks within which who still orders has ordered
_RULE = "high_churn_risk"  # of the shipped plan: alerts on a budget end and come again as its do

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Played:
    """A shop, and what was said of its customers; grids are (customers, weeks)."""

    world: Shop
    weeks: range
    horizon: int  # weeks
    log: Log
    judged: Judged
    rows: tuple[NDArray[np.int64], NDArray[np.int64]]  # of the judged scores: customer and column
    silent: dict[str, Array]  # P(no order within the horizon), by model; the oracles too
    leaving: dict[str, Array]  # how likely they have left or soon will, by model; the oracles too


def play(world: Shop, plan: Plan) -> Played:
    """Play a shop through the backtest; its last horizon is only looked at, not scored."""
    horizon = round(plan.churn.horizon / WEEK)
    weeks = range(_FIRST, world.lives.weeks - horizon + 1)
    log = world.log(plan)
    judged = backtest(log, plan.churn, plan.currency, judged=weeks, consent=plan.consent, persons=plan.trust.persons,
                      limits=plan.limits, refit_every=4 * WEEK)  # fmt: skip
    customers = numbered(log, world.profiles(plan))[judged.customer]
    rows = (customers, judged.week - weeks.start)

    def grid(p: Array) -> Array:
        found = np.full((len(world.truth.kind), len(weeks)), np.nan)
        found[rows] = p
        return found

    silent = {name: grid(p) for name, p in judged.risks.items()}
    leaving = {name: grid(p) for name, p in leaving_scores(judged).items() if np.isfinite(p).any()}
    scored = np.isfinite(silent["champion"])
    for name, seen in (("filter", world.oracle.seen(weeks, horizon)), ("latent", world.oracle.latent(weeks, horizon))):
        silent[name] = np.where(scored, seen.silent, np.nan)
        leaving[name] = np.where(scored, seen.gone + (1 - seen.gone) * seen.leaves, np.nan)
    return Played(world, weeks, horizon, log, judged, rows, silent, leaving)


def leaving_scores(judged: Judged) -> dict[str, Array]:
    """The scores that tell who leaves, by name, one number for each row of `judged`: a risk of no order is one, too."""
    return {**judged.risks, **judged.leaving}


def numbered(log: Log, profiles: Sequence[str]) -> NDArray[np.int64]:
    """The customer of each number that the backtest gives to a profile."""
    place = {profile: customer for customer, profile in enumerate(profiles)}
    names = dict.fromkeys(record.profile for record in log.records)
    names |= dict.fromkeys(record.winner for record in log.records if isinstance(record, Merge))
    return np.array([place[name] for name in names], dtype=np.int64)


def measure(played: Played, plan: Plan) -> dict[str, Any]:
    """Every figure."""
    truth, weeks, y = played.world.truth, played.weeks, played.judged.y
    left, kinds = truth.left, np.array(truth.kind)[played.rows[0]]
    recent = _recent(played)
    customers = len(truth.kind)
    risk = {name: grid[played.rows] for name, grid in played.silent.items()}
    groups = {name: by_group(risk[name], y, kinds) for name in ("champion", "filter")}
    return {
        "customers": customers,
        "events": played.judged.events,
        "left": int((left <= max(weeks)).sum()),
        "scores": len(y),
        "churn": float(y.mean()),
        "leaving_auc": {
            name: leaving_auc(grid, left, recent, weeks, played.horizon)[0] for name, grid in played.leaving.items()
        },
        "leaving_rows": leaving_auc(played.leaving["filter"], left, recent, weeks, played.horizon)[1],
        "no_order": {
            name: {**figures(y, p).as_dict(), "of_the_oracle": _share(y, p, risk["filter"])} for name, p in risk.items()
        },
        **_alerts(played, plan),
        "groups": {name: {kind: asdict(group) for kind, group in found.items()} for name, found in groups.items()},
        "drift": _drift(played, risk, kinds),
        "reasons": {
            when: {cause: asdict(named) for cause, named in found.items()}
            for when, found in _reasons(played, plan).items()
        },
    }


def _share(y: Array, p: Array, best: Array) -> float | None:
    """AUC above one half as a share of what the filter reaches on the same rows."""
    said = np.isfinite(p)
    return (auc(y[said], p[said]) - 0.5) / (auc(y[said], best[said]) - 0.5) if said.any() else None


def _alerts(played: Played, plan: Plan) -> dict[str, Any]:
    """What alerts on each score come to on a budget, and those of the shipped plan for everybody."""
    left, until = played.world.truth.left, range(played.weeks.start, _ALERTS.stop)
    scores = {name: grid[:, : len(until)] for name, grid in played.leaving.items()}
    budget = _BUDGET * len(left) * len(_ALERTS)
    rules = {rule.name: rule for rule in plan.alerts if rule.threshold is not None and _score_of(rule) in scores}
    policies = {
        name: Policy.between(rule.threshold or 0.0, rule.clears_below, rule.cooldown / WEEK)
        for name, rule in rules.items()
    }
    on_budget = {
        name: alerts_within(grid, left, until, _ALERTS.start, budget, policies[_RULE]) for name, grid in scores.items()
    }
    shipped = {
        name: alerts_at(rule.threshold or 0.0, scores[_score_of(rule)], left, until, _ALERTS.start, policies[name])
        for name, rule in rules.items()
    }
    return {
        "budget": budget,
        "alerted_on": _score_of(rules[_RULE]),
        "alerts": {name: found.as_dict() for name, found in on_budget.items()},
        "shipped_alerts": {name: found.as_dict() for name, found in shipped.items()},
    }


def _score_of(rule: AlertRule) -> str:
    return "champion" if rule.score == "risk" else rule.score


def _recent(played: Played) -> NDArray[np.bool_]:
    orders = played.world.lives.signs.orders
    ever = np.concatenate([np.zeros((len(orders), 1), dtype=np.int64), orders.cumsum(axis=1)], axis=1)
    weeks = np.array(played.weeks)
    return np.asarray(ever[:, weeks] > ever[:, weeks - _RECENT])


def _drift(played: Played, risk: Mapping[str, Array], kinds: NDArray[np.str_]) -> dict[str, dict[str, float]]:
    """Bias of the price-sensitive before and after the week in which their hazard rises."""
    start, week = played.world.lives.rules.drift, played.judged.week
    spans = {"before": (start - 16, start - 11), "first": (start + 2, start + 4), "later": (start + 8, start + 10),
             "last": (start + 17, start + 19)}  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    for name in ("champion", "filter"):
        bias = risk[name] - played.judged.y
        inside = {span: (kinds == "price") & (week >= low) & (week <= high) for span, (low, high) in spans.items()}
        found[name] = {span: float(bias[rows].mean()) for span, rows in inside.items() if rows.any()}
    return found


def _reasons(played: Played, plan: Plan) -> dict[str, dict[str, Named]]:
    """What the reasons name when customers leave, and of who stays."""
    truth, names = played.world.truth, played.world.profiles(plan)
    opened = _opened(played, plan)

    def moments(weeks: Mapping[int, int]) -> list[Moment]:
        return [
            Moment(
                names[i], played.log.start + week * WEEK, truth.cause[i] if truth.left[i] <= max(played.weeks) else ""
            )
            for i, week in weeks.items()
        ]

    here = np.array(truth.kind) != "bot"
    left = np.flatnonzero(here & (truth.left > _FIRST) & (truth.left <= max(played.weeks)))
    shows = [i for i in left.tolist() if truth.shown[i] or truth.cause[i] in NO_CAUSE]
    stay = np.flatnonzero(here & (truth.left > max(played.weeks) + played.horizon)).tolist()
    times = {
        "at the end of their last week": {i: int(truth.left[i]) for i in shows},
        "two weeks later": {i: int(truth.left[i]) + _LATER for i in shows},
        "when the alert opens": {i: opened[i] for i in shows if i in opened},
        "of who stays": {i: played.weeks[i % len(played.weeks)] for i in stay},
    }
    panel = played.judged.learner.panel()
    return {
        when: judge_reasons(played.log, moments(weeks), panel, plan.churn, plan.currency, plan.limits)
        for when, weeks in times.items()
    }


def _opened(played: Played, plan: Plan) -> dict[int, int]:
    """The week in which the score of each customer first reached the threshold of the rule, within weeks of leaving."""
    rule = next(rule for rule in plan.alerts if rule.name == _RULE)
    high = played.leaving[_score_of(rule)] >= (rule.threshold or 0.0)
    left = played.world.truth.left
    first = {i: played.weeks[int(column.argmax())] for i, column in enumerate(high) if column.any() and not column[0]}
    return {i: week for i, week in first.items() if abs(week - left[i]) <= _NEAR}


def run(
    customers: Annotated[int, typer.Option(min=100, help="How many customers the shop has.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the shop.")] = 1,
    held: Annotated[bool, typer.Option("--held", help="The shop on which nothing may be chosen.")] = False,
    cdnow: Annotated[bool, typer.Option("--cdnow", help="The two held-out thirds of real orders as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how early leaving is noticed, how well it is explained, and whether chances are right for everybody."""
    began, plan = time.perf_counter(), load_plan(_PLAN)
    name = "held" if held else "shop"
    Console(stderr=True).print(f"Playing {customers:,} customers of the {name}…")
    world = shop(customers, WEEKS, seed + 1000 * held, HELD if held else SHOP)
    document = {"world": name, "seed": seed, **measure(play(world, plan), plan)}
    if cdnow:
        document["cdnow"] = {str(third): _cdnow(third) for third in (1, 2)}
    document |= {
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": machine(),
    }
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        show(document)


def _cdnow(third: int) -> dict[str, float | int | None]:
    from tests.models.cdnow import play as play_orders  # noqa: PLC0415  (needs `lifetimes`)

    return play_orders("cal", 3, rest=third).verdict.figures["champion"].as_dict()


if __name__ == "__main__":
    command(run)
