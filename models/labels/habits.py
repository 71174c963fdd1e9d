"""Groups of customers by what their orders are like: how large they are, and for how long there has been none.

What a customer is worth an order tells kinds of customers apart that nothing else does: who buys for a company, who
buys presents twice a year, who orders once to resell. Each kind has a silence that is usual for it. The groups are a
small fixed family, of the features alone, so that labels, scores and tests of what might happen find the same.
"""

from __future__ import annotations

import numpy as np

from models.codec import Array
from models.features.table import COLUMN

__all__ = ["HABIT", "habit_in_words", "habits"]

HABIT = "habit:"
"""Begins the name of such a group."""

_ORDER, _ONE, _SILENCE = COLUMN["mean_order"], COLUMN["one_order"], COLUMN["recency"]
_LARGEST = 20  # the average order is below 2 to the power of this, major units
_LONGEST = 6  # silence is told apart up to 2 to the power of this, weeks


def habits(x: Array) -> list[list[str]]:
    """The groups of customers, each once.

    Args:
        x: rows of `features.matrix` (customers, features).
    """
    size = np.floor(np.log2(np.clip(x[:, _ORDER], 1.0, 2.0**_LARGEST))).astype(np.int64)
    silent = np.floor(np.log2(np.clip(x[:, _SILENCE], 1.0, 2.0**_LONGEST))).astype(np.int64)
    return [
        [f"{HABIT}{k}", f"{HABIT}{k}:{'once' if one else 'again'}", f"{HABIT}{k}:{weeks}"] if ordered else []
        for k, weeks, one, ordered in zip(
            size.tolist(), silent.tolist(), (x[:, _ONE] > 0).tolist(), (x[:, _ORDER] > 0).tolist(), strict=True
        )
    ]


def habit_in_words(group: str) -> str:
    """Who is in it, as in "customers whose average order is 64 to 128"."""
    size, _, more = group.removeprefix(HABIT).partition(":")
    low = 2 ** int(size)
    said = f"whose average order is {low if low > 1 else 0} to {2 * low}"
    if more in {"once", "again"}:
        return f"{said} and who ordered {more}"
    if not more:
        return said
    weeks = 2 ** int(more)
    begins = weeks if weeks > 1 else 0
    silent = f"{begins} to {2 * weeks} weeks" if int(more) < _LONGEST else f"{weeks} weeks or more"
    return f"{said} and whose last order was {silent} ago"
