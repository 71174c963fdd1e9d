"""How early somebody buys what is new."""

from __future__ import annotations

from models.customer.leanings.novelty import BUYERS, Novelty, delays_of, novelty_of
from profiles.traces.mementos import KEPT, Memento

LAUNCHED = {"a": 100, "b": 200, "c": 300, "d": 400}
FIRSTS = {product: {1: BUYERS // 2, 9: BUYERS // 2} for product in LAUNCHED}


def test_the_first_purchase_counts_and_what_came_before_the_launch_is_on_its_day() -> None:
    orders = [Memento(98, "a"), Memento(205, "b"), Memento(209, "b"), Memento(300, "x")]

    assert delays_of(orders, LAUNCHED) == {"a": 0, "b": 5}


def test_of_a_launch_before_the_orders_that_are_kept_nothing_is_known() -> None:
    orders = [Memento(150 + day, "x") for day in range(KEPT["bought"] - 2)] + [Memento(305, "a"), Memento(306, "c")]

    assert delays_of(orders, LAUNCHED) == {"c": 6}


def test_the_median_is_of_three_products_launched_since_they_are_a_customer() -> None:
    """Before all others, among the earlier half, after all others: .25 in the middle."""
    orders = [Memento(100, "a"), Memento(201, "b"), Memento(310, "c")]

    assert novelty_of(orders, LAUNCHED, FIRSTS, 100) == Novelty(0.25, 3)
    assert novelty_of(orders, LAUNCHED, FIRSTS, 101) == Novelty(None, 2)
    assert novelty_of(orders, LAUNCHED, FIRSTS | {"b": {1: BUYERS - 1}}, 100) == Novelty(None, 2)
