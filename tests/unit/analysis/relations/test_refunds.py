"""Refunds of analyses are those of the live profile: parts of an order each, and once whoever tells of one."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.base import Base
from analysis.parameters import Parameters
from analysis.relations.yearly_margins import margins
from plan.load import parse_plan
from profiles.ledger.refunds import refunds_told, teller_of
from profiles.types import Entry
from tests.analysed import archived, happened
from tests.plans import BASE

HOUR, DAYS = "03-01 13:00", "03-04 12:00"


def told(amount: int, when: str = "03-01 12:00", source: str = "web", refund: str = "") -> dict[str, Any]:
    return happened("a", "refund", when, amount=amount, subject="1", source=source, refund=refund)


@pytest.mark.parametrize(
    ("reports", "refunded"),
    [
        ([told(300), told(200, DAYS)], [200, 300]),  # in parts
        ([told(300), told(300, HOUR)], [300, 300]),  # one sender, twice
        ([told(300), told(300, HOUR, "server")], [300]),
        ([told(300), told(300, DAYS, "server")], [300, 300]),
        ([told(300), told(200, HOUR, "server")], [200, 300]),
        ([told(300, refund="r1"), told(250, HOUR, refund="r1")], [250]),
        ([told(300, refund="r1"), told(300, HOUR, "server", refund="r2")], [300, 300]),
        ([told(300, refund="r1"), told(300, HOUR, "server")], [300]),
        ([told(300), told(300, HOUR), told(300, HOUR, "server"), told(300, HOUR, "server")], [300, 300]),
    ],
)
def test_each_refund_counts_once(reports: list[dict[str, Any]], refunded: list[int]) -> None:
    bought = happened("a", "purchase", "02-01", amount=1000, subject="1", source="web")
    engine = archived([bought, *reports], until="03-10", plan=parse_plan(BASE, "small.yaml", {}))
    base = Base(engine, Parameters())
    assert sorted(row["refunded"] for row in engine.fetch(base.refunds).to_pylist()) == refunded
    [order] = engine.fetch(base.orders).to_pylist()
    assert order["net"] == 1000 - sum(refunded)
    [margin] = engine.fetch(margins(engine, base.facts.select("customer").distinct())).to_pylist()
    assert margin["margin_12m"] == 1000 - sum(refunded)

    named = {row["refund"]: row for row in reports if row["refund"]}  # a report of a known one replaces it
    live = [
        Entry(1, b"1", row["time"].timestamp(), row["amount"], "EUR", part=f"{number}".encode(),
              teller=teller_of(row["source"], named=bool(row["refund"])))
        for number, row in enumerate([*named.values(), *(row for row in reports if not row["refund"])])
    ]  # fmt: skip
    assert sorted(each[0].amount for each in refunds_told(live)) == refunded
