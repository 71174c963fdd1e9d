"""Customers of a shop, with names and a course of their risk each."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from models.churn.course import noted
from profiles.types import Profile, Score
from tests.console.people import DAY, NOW, customer, happened

__all__ = ["people"]

NAMES = (
    "Daan Weber",
    "Li Wei",
    "Sofia Rossi",
    "Amara Okafor",
    "Jonas Lindqvist",
    "Maya Cohen",
    "Tom de Vries",
    "Ines Alves",
)


def people() -> Iterator[Profile]:
    """Some customers of a shop, with a course of their own each."""
    chance = Random(7)
    for number, name in enumerate(NAMES):
        risk = round(0.93 - 0.1 * number, 2)
        one = customer(("user_id", str(42 + number)), risk=risk)
        first, _, last = name.partition(" ")
        happened(one, 80, "", type="identify", traits={"firstName": first, "lastName": last, "city": "Ghent"})
        for _ in range(6):
            happened(one, chance.uniform(1, 30), "Product Viewed", "view", subject=f"P{chance.randrange(100, 200)}")
        assert one.score is not None
        for week in range(20, 0, -1):
            _note(
                one.score, NOW - week * 7 * DAY, max(0.05, min(0.95, risk - 0.02 * week + chance.uniform(-0.08, 0.08)))
            )
        yield one


def _note(score: Score, at: float, risk: float) -> None:
    score.course = noted(Score(risk, "high", at, score.model, course=score.course), at, risk, score.model)
