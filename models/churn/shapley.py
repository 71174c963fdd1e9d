"""What each of a few inputs adds to a model's log-odds: Shapley values (Shapley 1953), exact where inputs are few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import factorial

import numpy as np

from models.codec import Array

__all__ = ["shapley"]


def shapley(
    log_odds: Callable[[Array], Array], known: Array, average: Array, players: Sequence[Sequence[int]]
) -> tuple[Array, list[Array]]:
    """The log-odds of the average customer, and what each player adds to them, (customers,) each.

    Args:
        log_odds: of columns of inputs, (inputs, customers).
        known: the inputs of the customers.
        average: those of the average customer (inputs,).
        players: the rows of inputs that are told together; with n of them the cost is 2^n evaluations.
    """
    n = len(players)
    odds: dict[tuple[bool, ...], Array] = {}
    for chosen in product((False, True), repeat=n):
        here = np.zeros((len(known), 1), dtype=bool)
        here[[row for rows, joins in zip(players, chosen, strict=True) if joins for row in rows]] = True
        odds[chosen] = log_odds(np.where(here, known, average[:, None]))
    shares = []
    for player in range(n):
        share = np.zeros(known.shape[1])
        for others in product((False, True), repeat=n - 1):
            chance = factorial(sum(others)) * factorial(n - 1 - sum(others)) / factorial(n)
            without, joined = ((*others[:player], here, *others[player:]) for here in (False, True))
            share += chance * (odds[joined] - odds[without])
        shares.append(share)
    return odds[(False,) * n], shares
