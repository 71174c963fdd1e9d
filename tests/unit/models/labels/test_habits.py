"""Groups by what orders are like."""

from __future__ import annotations

import numpy as np
import pytest

from models.features.matrix import matrix
from models.features.reading import raws
from models.labels.groups import in_words
from models.labels.habits import habits
from tests.build import DAY, T0, buyer, customer, event


def found(*orders: tuple[float, int], after: float) -> list[str]:
    """The groups of who ordered on these days for these amounts, so many days after the last."""
    profile = customer(*(event("purchase", day, amount=amount) for day, amount in orders))
    now = np.array([T0 + (orders[-1][0] + after) * DAY])
    return habits(matrix(raws([profile], "EUR"), now))[0]


def test_how_large_orders_are_and_how_long_ago_the_last_was() -> None:
    """In steps of a factor of two, of major units and of weeks."""
    assert found((0, 7_000), after=3) == ["habit:6", "habit:6:once", "habit:6:0"]
    assert found((0, 7_000), (30, 8_000), after=120) == ["habit:6", "habit:6:again", "habit:6:4"]
    assert found((0, 50), after=7 * 700) == ["habit:0", "habit:0:once", "habit:0:6"]


def test_who_never_ordered_is_in_none_and_all_are_asked_at_once() -> None:
    """As by a definition of churn that is not about orders."""
    people = [buyer(3, 40), customer(event("visit", 2)), buyer(3)]
    now = np.full(len(people), T0 + 60 * DAY)

    assert [bool(each) for each in habits(matrix(raws(people, "EUR"), now))] == [True, False, True]
    assert habits(np.zeros((0, matrix(raws(people, "EUR"), now).shape[1]))) == []


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("habit:6", "whose average order is 64 to 128"),
        ("habit:0", "whose average order is 0 to 2"),
        ("habit:6:once", "whose average order is 64 to 128 and who ordered once"),
        ("habit:6:4", "whose average order is 64 to 128 and whose last order was 16 to 32 weeks ago"),
        ("habit:6:0", "whose average order is 64 to 128 and whose last order was 0 to 2 weeks ago"),
        ("habit:6:6", "whose average order is 64 to 128 and whose last order was 64 weeks or more ago"),
    ],
)
def test_they_have_words(group: str, words: str) -> None:
    """After "customers"."""
    assert in_words(group) == words
