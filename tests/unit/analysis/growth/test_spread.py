"""Bins, quantiles, the top tenth and Gini, by hand and against NumPy."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date

import numpy as np
import pytest

from analysis.growth.spread import SPREAD, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists, engine_of, history


def test_by_hand() -> None:
    """10, 20, 30, 40 and 100 euros: Gini = 2·(10 + 40 + 90 + 160 + 500)/(5·200) - 6/5 = 0.4."""
    amounts = {"A": 10, "B": 20, "C": 30, "D": 40, "E": 100}
    shop = [happened(name, "purchase", "01-05", subject=name, amount=100 * euros) for name, euros in amounts.items()]
    *bins, whole = run(SPREAD, archived(shop, until="01-20"), Asked()).rows
    assert [(row["name"], row["customers"]) for row in bins] == [("10", 1), ("20", 3), ("100", 1)]
    assert (whole["median"], whole["p90"], whole["top_share"]) == (3000, 10000, 0.5)
    assert whole["gini"] == pytest.approx(0.4)
    back = [*shop, happened("A", "refund", "01-06", subject="A", amount=2500)]
    first, *_, whole = run(SPREAD, archived(back, until="01-20"), Asked()).rows
    assert (first["name"], first["value"], whole["gini"], whole["median"]) == ("< 0", -1500, None, 3000)


def test_the_same_as_numpy() -> None:
    engine = engine_of(history())
    asked = Asked(what="visits", since=date(2024, 9, 1))
    *bins, whole = run(SPREAD, engine, asked).rows
    values = np.sort(list(Counter(customer for customer, day, _ in history().of("visit")).values()))
    n = len(values)
    assert whole["median"] == np.median(values)
    assert whole["top_share"] == values[n - math.ceil(n / 10) :].sum() / values.sum()
    assert whole["gini"] == pytest.approx(np.abs(values[:, None] - values).sum() / (2 * n * values.sum()))
    compare_lists(SPREAD, engine, asked, bins)
