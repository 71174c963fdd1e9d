"""Customers for tests, made of events through the product's own update."""

from __future__ import annotations

import numpy as np

from models.config import ChurnConfig
from models.durations import DAY
from models.features.features import matrix, raws
from profiles.state import Limits, apply
from profiles.types import Event, Profile

T0 = 1_700_000_000.0
CONFIG = ChurnConfig()
LIMITS = Limits()


def event(role: str, day: float, *, amount: int = 0, subject: str = "", rating: float | None = None) -> Event:
    """What happened `day` days after T0."""
    time = T0 + day * DAY
    return Event(
        "p", f"{role}-{day}", "web", "track", role, role, time, time, [], amount=amount, currency="EUR",
        quantity=1.0, subject=subject, rating=rating,
    )  # fmt: skip


def customer(*events: Event, id: str = "ab" * 16) -> Profile:
    """The profile of these events."""
    profile = Profile(id)
    for happened in events:
        apply(profile, happened, "EUR", LIMITS)
    return profile


def buyer(*days: float, amount: int = 2500, id: str = "ab" * 16) -> Profile:
    """A customer with orders on these days."""
    return customer(*(event("purchase", day, amount=amount) for day in days), id=id)


def row(profile: Profile, day: float) -> np.ndarray:
    """The features of a profile `day` days after T0."""
    return matrix(raws([profile], "EUR"), np.array([T0 + day * DAY]))[0]
