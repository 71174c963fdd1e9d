"""The job that the usual script and the frameworkless loop both do: a small profile, a few features, a River model."""

from __future__ import annotations

import json
import sys
import time
from random import Random
from typing import Any

from river import compose, linear_model, preprocessing

__all__ = ["Progress", "features", "fold", "pretrained"]

_DAY = 86_400.0


def fold(profile: dict[str, Any], event: dict[str, Any], at: float) -> dict[str, Any]:
    """Count an event into a customer's profile."""
    name = event.get("event") or event["type"]
    counts = profile.setdefault("counts", {})
    counts[name] = counts.get(name, 0) + 1
    profile["events"] = profile.get("events", 0) + 1
    profile["first"] = min(profile.get("first", at), at)
    profile["last"] = max(profile.get("last", at), at)
    if name == "Order Completed":
        profile["orders"] = profile.get("orders", 0) + 1
        profile["revenue"] = profile.get("revenue", 0.0) + event["properties"]["revenue"]
        profile["last_order"] = max(profile.get("last_order", at), at)
    profile.setdefault("traits", {}).update(event.get("traits") or {})
    return profile


def features(profile: dict[str, Any], now: float) -> dict[str, float]:
    """What the model sees of a profile."""
    return {
        "events": profile["events"],
        "orders": profile.get("orders", 0),
        "revenue": profile.get("revenue", 0.0),
        "days_silent": (now - profile["last"]) / _DAY,
        "days_since_order": (now - profile.get("last_order", profile["first"])) / _DAY,
        "tickets": profile["counts"].get("Ticket Opened", 0),
    }


def pretrained() -> Any:
    """A standard scaler and a logistic regression that have learned from some customers."""
    model = compose.Pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
    random = Random(1)
    for _ in range(500):
        silent = random.expovariate(1 / 40)
        row = {
            "events": random.randrange(1, 60), "orders": random.randrange(6), "revenue": random.random() * 300,
            "days_silent": silent, "days_since_order": silent + random.random() * 60, "tickets": random.randrange(3),
        }  # fmt: skip
        model.learn_one(row, random.random() < silent / (silent + 30))
    return model


class Progress:
    """Tells the benchmark when the first event was at hand and when the last was applied."""

    def __init__(self, events: int) -> None:
        self._left = events
        self._begun = False

    def begin(self) -> None:
        """The first events are at hand; later calls do nothing."""
        if not self._begun:
            self._begun = True
            _tell("began")

    def end(self, events: int) -> None:
        """So many more have been applied."""
        self._left -= events
        if self._left == 0:
            _tell("ended")


def _tell(what: str) -> None:
    sys.stdout.write(json.dumps({what: {"at": time.time(), "cpu": time.process_time()}}) + "\n")
    sys.stdout.flush()
