"""The CDNOW log (23,570 real customers, 1997–98; from the installed `lifetimes`) played through the product's own code.

Two streams. `cal`: the log as it happened, one cohort of twelve weeks: a hard cold start. `rt`: the same real
trajectories, each customer's start drawn uniformly over two years: a steady state. Every week the examples whose labels
are final are learned, then everyone is scored; a score of week k is judged by the orders of the weeks after it.
"""

from __future__ import annotations

import csv
import importlib.util
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import labels
from models.config import DAY, WEEK, ChurnConfig
from models.features import raws
from models.learner import Learner
from profiles.state import Caps, apply
from profiles.types import Event, Profile

Array = NDArray[np.float64]
START = datetime(1997, 1, 1, tzinfo=UTC).timestamp()
LAST_DAY = 546  # the first day after the log
CAPS = Caps()


@dataclass(frozen=True)
class Order:
    time: float
    items: float
    amount: int


def trajectories(every: int) -> list[list[Order]]:
    """The orders of every `every`-th customer, ascending."""
    spec = importlib.util.find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    found: dict[int, list[Order]] = defaultdict(list)
    with (Path(spec.origin).parent / "datasets" / "CDNOW_master.txt").open() as lines:
        rows = csv.reader(lines, delimiter=" ", skipinitialspace=True)
        next(rows)
        for customer, date, items, dollars in rows:
            if int(customer) % every == 0:
                day = datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
                found[int(customer)].append(Order(day.timestamp(), float(items), round(100 * float(dollars))))
    return [sorted(orders, key=lambda order: order.time) for orders in found.values()]


@dataclass(frozen=True)
class Judged:
    """Scores beside what came true, over all judged weeks."""

    y: Array
    champion: Array
    rules: Array
    base_rate: Array
    recency: Array


def play(stream: str, every: int, config: ChurnConfig, seed: int = 0) -> tuple[Judged, Learner]:
    """Play a stream and judge it."""
    rng = np.random.default_rng(seed)
    people = trajectories(every)
    horizon = round(config.horizon / WEEK)
    firsts = np.array([orders[0].time for orders in people])
    if stream == "rt":
        begins = START + rng.uniform(0, 104, len(people)) * WEEK
        weeks, judged = range(1, 144), range(60, 105)
    else:
        begins = firsts
        weeks, judged = range(1, 79), range(horizon + 4, 79 - horizon)
    shift = begins - firsts
    known_until = START + LAST_DAY * DAY + shift  # what comes later is not in the log
    times = [np.array([o.time for o in orders]) + s for orders, s in zip(people, shift, strict=True)]
    profiles = [Profile(f"{i:032x}") for i in range(len(people))]
    learner = Learner(config)
    applied = [0] * len(people)
    seen: list[list[Array]] = [[] for _ in range(5)]
    for week in weeks:
        now = START + week * WEEK
        lessons: list[labels.Example] = []
        ready: list[Profile] = []
        for i, profile in enumerate(profiles):
            at = int(np.searchsorted(times[i], now))
            for k in range(applied[i], at):
                order = people[i][k]
                apply(profile, Event(
                    profile.id, f"{i}-{k}", "purchase", "track", "Order Completed", "purchase", float(times[i][k]),
                    float(times[i][k]), [], amount=order.amount, currency="USD", quantity=order.items,
                ), "USD", CAPS)  # fmt: skip
            applied[i] = at
            lessons += labels.mature(profile, now, config)
            due = profile.snapshot_at
            if at and now + config.label_horizon <= known_until[i] and now >= due:
                if due:
                    ready.append(profile)
                profile.snapshot_at = labels.next_snapshot(profile, now, config) or 0.0
        labels.take_all(ready, now, config, "USD")
        rng.shuffle(lessons)  # type: ignore[arg-type]
        learner.take(lessons)
        if week not in judged:
            continue
        inside = [i for i in range(len(people)) if applied[i] and now + config.horizon <= known_until[i]]
        x = raws([profiles[i] for i in inside], "USD")
        at_ = np.full(len(inside), now)
        nexts = np.array(
            [times[i][applied[i]] if applied[i] < len(times[i]) else np.inf for i in inside], dtype=np.float64
        )
        y = nexts >= now + config.horizon
        seen[0].append(y.astype(np.float64))
        seen[1].append(learner.learned.hazard.export(config).score(x, at_, config).risk)
        seen[2].append(learner.rules.score(x, at_, config).risk)
        seen[3].append(np.full(len(inside), y.mean()))
        seen[4].append(np.array([now - profiles[i].purchases.last for i in inside]))
    return Judged(*(np.concatenate(part) for part in seen)), learner


def auc(y: Array, p: Array) -> float:
    """Area under the ROC curve, ties counted half."""
    _, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1))[inverse]
    positives = y.sum()
    return float((ranks[y == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(y) - positives)))


def log_loss(y: Array, p: Array) -> float:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def ece(y: Array, p: Array, bins: int = 15) -> float:
    """Expected calibration error over equally filled bins."""
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(len(part) * abs(y[part].mean() - p[part].mean()) for part in parts) / len(y))
