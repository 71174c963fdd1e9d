"""What cohorts have brought, by hand and against plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from statistics import fmean, stdev

import pytest

from analysis.keeping.ltv import LTV, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import END, compare_lists, engine_of, history, retold


def test_the_average_is_of_cohorts_that_have_come_so_far() -> None:
    shop = [happened(name, "purchase", "01-05", subject=name, amount=1000) for name in "ABCDE"]
    shop += [happened("A", "purchase", "02-05", subject="a2", amount=500)]
    shop += [happened("A", "refund", "03-05", subject="a2", amount=200)]
    shop += [happened(name, "purchase", "02-07", subject=name, amount=3000) for name in "FGHIJ"]
    rows = run(LTV, archived(shop, until="03-20"), Asked()).rows
    found = {(row["cohort"] and row["cohort"].month, row["age"]): (row["each"], row["complete"]) for row in rows}
    assert found[1, 0] == (1000, True)
    assert found[1, 1] == (1060, True)  # the refund counts on the day of its order
    assert found[1, 2] == (1060, False)
    assert found[2, 0] == (3000, True)
    assert found[None, 0] == (2000, True)
    assert found[None, 1] == (1060, True)  # only January's
    assert (None, 2) not in found


def test_the_same_as_plain_python() -> None:
    engine = engine_of(retold(history()))
    asked = Asked(since=date(2024, 9, 1), interval="quarter", ages=5)
    rows = run(LTV, engine, asked).rows
    refunded: dict[tuple[str, str], int] = defaultdict(int)
    for customer, _, row in history().of("refund"):
        refunded[customer, row["subject"]] += row["amount"]
    orders: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for customer, day, row in history().of("purchase"):
        orders[customer].append((day, row["amount"] - refunded[customer, row["subject"]]))

    def quarter(day: date) -> int:
        return day.year * 4 + (day.month - 1) // 3

    for row in rows:
        if row["cohort"] is not None:
            last = quarter(row["cohort"]) + row["age"]
            values = [
                sum(net for day, net in theirs if quarter(day) <= last)
                for theirs in orders.values()
                if quarter(theirs[0][0]) == quarter(row["cohort"])
            ]
            assert (row["customers"], row["so_far"]) == (len(values), sum(values))
            assert row["complete"] == (last < quarter(END.date()))
            if len(values) >= 30:
                width = 1.959964 * stdev(values) / len(values) ** 0.5
                assert row["each_high"] == pytest.approx(fmean(values) + width)
    assert any(row["each_low"] is not None and row["cohort"] for row in rows)
    compare_lists(LTV, engine, asked, rows)
