"""What the models cost: features, score, reasons, snapshots and learning, per event of the permanent workload.

    python -m benchmarks.models
    python -m benchmarks.models --events 200000 --json

No servers: the workload goes through ingest's own steps once, then its events are played in batches, first through
snapshots, labels and the learner, then through the scorer with the models that were learned. What it came to:
docs/benchmarks.md.
"""

from __future__ import annotations

import heapq
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from river import compose, linear_model, optim, preprocessing

from benchmarks.command import AsJson, Events, command, machine
from benchmarks.workload import name_of, shop
from models.churn.panel import Panel
from models.churn.reasons import explain
from models.churn.weights import ahead
from models.features.reading import raws
from models.features.table import NAMES
from models.labels.examples import TrainingRecord
from models.labels.snapshots import mature, next_snapshot, take_all
from models.learning.learner import Learner
from plan import Plan, load_plan
from profiles.state import apply
from profiles.types import Event, Profile
from streams.offline import read_log

__all__ = ["Cost", "least", "measure", "run"]

_PLAN = Path(__file__).parents[1] / "tracking_plan.yaml"

T = TypeVar("T")


@dataclass(slots=True)
class Cost:
    """What one thing took."""

    name: str
    of: str  # what it is done once for
    seconds: float = 0.0  # of CPU
    times: int = 0

    def run(self, times: int, work: Callable[[], T]) -> T:
        """Do the work, which is for so many of them."""
        began = time.thread_time()
        answer = work()
        self.seconds += time.thread_time() - began
        self.times += times
        return answer

    @property
    def each(self) -> float:
        """Microseconds."""
        return self.seconds / max(self.times, 1) * 1e6


def measure(events: Sequence[Event], plan: Plan, batch: int) -> list[Cost]:
    """The costs of playing these events, in the order of their times, for `least`."""
    learning, learner = _learn(events, plan, batch)
    return [*_score(events, plan, batch, learner), *learning]


def _played(events: Sequence[Event], plan: Plan, batch: int) -> Iterator[tuple[float, list[Profile]]]:
    """After each batch: its time, and the customers whom it has changed."""
    profiles: dict[str, Profile] = {}
    waiting = iter(events)
    while part := list(islice(waiting, batch)):
        changed: dict[str, Profile] = {}
        for event in part:
            profile = profiles.setdefault(event.profile, Profile(event.profile))
            apply(profile, event, plan.currency, plan.limits)
            changed[event.profile] = profile
        yield part[-1].time, list(changed.values())


def _score(events: Sequence[Event], plan: Plan, batch: int, learner: Learner) -> list[Cost]:
    reading, rolling = Cost("features: read the profiles", "score"), Cost("features: now and step by step", "score")
    scoring, whole = Cost("score", "score"), Cost("reasons, and who has left", "score")
    telling = Cost("reasons in words", "profile looked at")
    usual = Cost("to compare: River, step by step", "score")
    panel: Panel = learner.panel()
    champion, river = panel.champion, _river()
    for now, changed in _played(events, plan, batch):
        buyers = [profile for profile in changed if profile.purchases.orders]
        if not buyers:
            continue
        n, at = len(buyers), np.full(len(buyers), now)
        rows = reading.run(n, lambda: raws(buyers, plan.currency))  # noqa: B023  (run at once)
        x = rolling.run(n, lambda: ahead(rows, at, plan.churn))  # noqa: B023
        steps = [dict(zip(NAMES, row, strict=True)) for row in x[:, :, 0].T.tolist()]
        usual.run(1, lambda: [river.predict_proba_one(step) for step in steps])  # noqa: B023
        river.learn_one(steps[0], now % 2 < 1)
        scoring.run(n, lambda: champion.score(rows, at, plan.churn))  # noqa: B023
        scores = whole.run(n, lambda: panel.score_profiles(buyers, [now] * n, plan.churn, plan.currency))  # noqa: B023
        for profile, score in zip(buyers, scores, strict=True):
            profile.score = score
        telling.run(n, lambda: [explain(profile) for profile in buyers])  # noqa: B023
    usual.seconds, usual.times = usual.seconds * whole.times / max(usual.times, 1), whole.times  # one a batch was run
    return [reading, rolling, scoring, whole, telling, usual]


def least(plays: Sequence[list[Cost]]) -> list[Cost]:
    """Of each cost the least of all plays; a score and its reasons without what they rest on.

    What is a difference is taken of the least: that of one play is as often too little as too much, and its least
    below nothing.
    """
    costs = [min(same, key=lambda cost: cost.seconds) for same in zip(*plays, strict=True)]
    reading, rolling, scoring, whole = costs[:4]
    whole.seconds -= scoring.seconds + reading.seconds
    scoring.seconds -= rolling.seconds
    return costs


def _river() -> compose.Pipeline:
    """The usual way to a learned hazard: River's own pipeline of dictionaries."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.FTRLProximal())


def _learn(events: Sequence[Event], plan: Plan, batch: int) -> tuple[list[Cost], Learner]:
    taking = Cost("snapshot, with what every model says", "snapshot")
    learning, shipping = (
        Cost("predict, judge, learn", "record"),
        Cost("checkpoint and panel", "batch of training records"),
    )
    learner, config = Learner(plan.churn), plan.churn
    due: list[tuple[float, str]] = []
    waiting: dict[str, Profile] = {}
    for now, changed in _played(events, plan, batch):
        ready = []
        while due and due[0][0] <= now:
            ready.append(waiting.pop(heapq.heappop(due)[1]))
        records: list[TrainingRecord] = [example for profile in ready for example in mature(profile, now, config)]
        panel = learner.panel()
        records += taking.run(len(ready), lambda: take_all(ready, now, config, plan.currency, panel))  # noqa: B023
        for profile in (*ready, *changed):
            following = next_snapshot(profile, now, config) if profile.id not in waiting else None
            if following is not None:
                waiting[profile.id] = profile
                heapq.heappush(due, (following, profile.id))
        if records:
            learning.run(len(records), lambda: learner.take(records))  # noqa: B023
            shipping.run(1, lambda: (learner.panel().to_json(), learner.parts()))
    return [taking, learning, shipping], learner


def run(
    events: Events = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="Events that a worker takes at once.")] = 500,
    repeat: Annotated[int, typer.Option(min=1, help="Plays; of each cost the least counts.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Measure what scoring and learning take: microseconds of CPU each, and CPU seconds per million events."""
    Console(stderr=True).print(f"Making {name_of(events)}…")
    plan, end = load_plan(_PLAN), time.time()
    rows = [(event.source, event.value, line) for line, event in enumerate(shop(events, end))]
    played = [record for record in read_log(rows, plan, end).records if isinstance(record, Event)]
    plays = [measure(played, plan, batch) for _ in range(repeat)]
    costs = least(plays)
    if as_json:
        figures = [
            {"name": one.name, "of": one.of, "microseconds": round(one.each, 3), "times": one.times,
             "cpu_seconds_per_million_events": round(one.seconds / len(played) * 1e6, 3)}
            for one in costs
        ]  # fmt: skip
        about = {"workload": name_of(events), "events": len(played), "batch": batch, "machine": machine()}
        sys.stdout.write(json.dumps({**about, "costs": figures}, indent=2) + "\n")
        return
    table = Table(title=f"{name_of(events)}, {batch} events a batch; {machine()}")
    table.add_column("")
    table.add_column("of each")
    for heading in ("µs", "times", "CPU s per million events"):
        table.add_column(heading, justify="right")
    for one in costs:
        per_million = one.seconds / len(played) * 1e6
        table.add_row(one.name, one.of, f"{one.each:,.1f}", f"{one.times:,}", f"{per_million:,.2f}")
    Console().print(table)


if __name__ == "__main__":
    command(run)
