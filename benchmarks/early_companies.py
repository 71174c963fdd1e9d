"""The risk and the health of companies, judged on simulated ones beside who knows in what moods they are.

    python -m benchmarks.early_companies
    python -m benchmarks.early_companies --held

Companies (`tests/worlds/b2b.py`) live by the B2B plan. Every five weeks each that has a contract is looked at: does it
end within 13 weeks? `by hand` is the scorecard as shipped, `shown` that which companies have taught by then, from
labels whose horizon is over; `base rate` the share of those that left until then. `fitted` is a logistic regression on
the same signals, of the same rows: what the weights of the scorecard could come to at best.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy.optimize import minimize

from benchmarks.command import command
from benchmarks.companies import table_of
from models.backtest.evaluation import figures
from models.companies.labels import COMPANIES, SIGNALS, pack
from models.companies.learning import CompanyLearner
from models.companies.risk import score_company
from models.companies.scorecard import BY_HAND, WEIGHTS, units
from models.companies.signals import Signals, ground_of, signals_of
from models.durations import WEEK
from models.labels.examples import Example
from plan import Plan, load_plan
from profiles.companies.counting import count_shares, take_share
from profiles.companies.sharing import Companies, told
from profiles.state import apply
from profiles.types import Event, Profile, Share, event_digest
from streams.offline import read_log
from streams.pipeline import limits_of
from streams.settings import Settings
from tests.worlds.b2b import B2B, HELD_B2B, b2b
from tests.worlds.b2b_events import START, company_events

__all__ = ["run"]

HORIZON, EVERY, FIRST = 13, 5, 10  # weeks
Array = NDArray[np.float64]


def company_at(events: list[Event], plan: Plan, weeks: list[int]) -> Iterator[tuple[int, Profile]]:
    """The document of one company at the beginning of these weeks."""
    limits = limits_of(Settings(), plan)
    kinds = limits.companies
    assert kinds is not None
    members: dict[str, Profile] = {}
    waiting = sorted(events, key=lambda event: event.time)
    at = 0
    for week in weeks:
        now = START + week * WEEK
        while at < len(waiting) and waiting[at].time < now:
            event = waiting[at]
            at += 1
            profile = members.setdefault(event.profile, Profile(event.profile))
            apply(profile, event, plan.currency, limits, event_digest(event.source, event.id))
        yield week, _company(members, kinds)


def _company(members: dict[str, Profile], kinds: Companies) -> Profile:
    company = Profile("~one")
    for member in members.values():
        for key, part in kinds.parts(member):
            take_share(company, Share("~one", key, member.id, 0.0, told(part)[0]), "company")
    if company.company is not None:
        count_shares(company, kinds.limits, kinds.champions)
    return company


def rows_of(companies: int, weeks: int, seed: int, plan: Plan, *, held: bool) -> dict[str, Any]:
    """What is said of each company in each judged week, and what became of it."""
    world = b2b(companies, 10 * companies, weeks, seed + 1000 * held, HELD_B2B if held else B2B)
    ground = ground_of(plan.churn)
    bands = ground.contract.bands if ground.contract else plan.churn.bands
    judged = list(range(FIRST, weeks - HORIZON, EVERY))
    latent = {week: world.latent(week, HORIZON) for week in judged}
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for number in range(companies):
        rows = (
            (event.pop("source"), orjson.dumps(event), line) for line, event in enumerate(company_events(world, number))
        )
        log = read_log(rows, plan, START + (weeks + 60) * WEEK)
        events = [record for record in log.records if isinstance(record, Event)]
        for week, company in company_at(events, plan, judged):
            if not (world.begins[number] <= week and world.left[number] > week):
                continue
            now = START + week * WEEK
            score = score_company(company, now, ground, bands)
            if score is None:  # it has told that it leaves
                continue
            signals = signals_of(company, now, ground)
            assert signals is not None
            found["x"].append(list(units(signals).values()))
            found["signals"].append(signals)
            found["week"].append(week)
            found["risk"].append(score.risk)
            found["latent"].append(latent[week][number])
            found["y"].append(float(world.left[number] <= week + HORIZON))
            found["company"].append(number)
    return dict(found)


def taught(rows: dict[str, Any], plan: Plan) -> tuple[Array, Array, CompanyLearner]:
    """The risks that would have been shown, the base rate by then, and the learner as it is at last."""
    learner, waiting = CompanyLearner(plan.churn), []
    shown, base = np.empty(len(rows["y"])), np.empty(len(rows["y"]))
    for row in np.argsort(rows["week"], kind="stable"):
        at = START + float(rows["week"][row]) * WEEK
        while waiting and waiting[0].due <= at - plan.churn.lateness:
            learner.take([waiting.pop(0)])
        signals = Signals(*rows["signals"][row])
        shown[row] = (learner.export() or BY_HAND).risk(signals)
        base[row] = 1.0 / (1.0 + np.exp(-learner.taught.base)) if learner.taught.labels else BY_HAND.risk(signals)
        said = np.array([shown[row]], dtype="<f4").tobytes()
        due = at + learner.config.horizon
        company, here = f"{COMPANIES}:{rows['company'][row]}", not rows["y"][row]
        waiting.append(Example(company, at, due, SIGNALS, pack(signals), here, horizon="full", risks=said))
    return shown, base, learner


def fitted(x: Array, left: Array) -> tuple[Array, Array]:
    """Weights of a logistic regression, the base last, and its risks."""
    wide = np.column_stack([x, np.ones(len(x))])

    def loss(w: Array) -> float:
        z = wide @ w
        return float(np.mean(np.logaddexp(0.0, z) - left * z) + 0.001 * np.sum(w[:-1] ** 2))

    w = minimize(loss, np.zeros(wide.shape[1])).x
    return w, 1.0 / (1.0 + np.exp(-(wide @ w)))


def run(
    companies: Annotated[int, typer.Option(min=20, help="How many companies.")] = 200,
    weeks: Annotated[int, typer.Option(min=40, help="How long.")] = 104,
    seed: Annotated[int, typer.Option(help="Of the companies.")] = 1,
    held: Annotated[bool, typer.Option("--held", help="Companies on which nothing may be chosen.")] = False,
) -> None:
    """Measure how well the risk of companies tells whose contract ends, a quarter of a year ahead."""
    plan = load_plan(Path(__file__).parents[1] / "plan" / "b2b.yaml", {})
    rows = {name: np.array(held_) for name, held_ in rows_of(companies, weeks, seed, plan, held=held).items()}
    y = rows["y"]
    weights, best = fitted(rows["x"], y)
    shown, base, learner = taught(rows, plan)
    risks = {"by hand": rows["risk"], "shown": shown, "base rate": base, "fitted": best, "latent": rows["latent"]}
    title = f"{len(y):,} looks at {companies} companies; ended {y.mean():.3f}; shown by {learner.taught.shown().id}"
    Console().print(table_of(title, {name: figures(y, p).as_dict() for name, p in risks.items()}))
    card = learner.taught.card()
    learned = [*card.weights.values(), card.base]
    for name, weight, ours in zip([*WEIGHTS, "base"], weights, learned, strict=True):
        Console().print(f"{name:<16}{weight:+.2f} fitted {ours:+.2f} learned")


if __name__ == "__main__":
    command(run)
