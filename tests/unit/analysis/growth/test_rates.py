"""Returns within 30 days, complaints of active customers, answers, by hand."""

from __future__ import annotations

from analysis.growth.rates import RATES
from analysis.parameters import Parameters
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_rates_by_hand() -> None:
    told = [happened(name, "purchase", "01-05", subject=name, amount=1000) for name in "ABCDE"]
    told += [
        happened("A", "refund", "02-04", subject="A", amount=100),  # after 30 days
        happened("B", "refund", "02-05", subject="B", amount=1000),  # after 31
        happened("A", "complaint", "01-20"), happened("A", "complaint", "01-21"),
        happened("F", "contact_made", "01-21"),  # did nothing
        happened("C", "survey_asked", "01-22"), happened("C", "csat", "01-23", rating=4.0),
        happened("D", "survey_asked", "01-22"),
        happened("C", "purchase", "02-09", subject="c2", amount=1000),  # not 30 days ago
    ]  # fmt: skip
    engine = archived(told, until="03-01")
    january, february = run(RATES, engine, Parameters()).rows
    assert (january["orders"], january["returned"], january["returns"]) == (5, 1, 0.2)
    assert (january["active"], january["complained"], january["complaints"]) == (5, 1, 0.2)
    assert (january["answers"], january["asked"], january["response"], january["per_hundred"]) == (1, 2, 0.5, 20)
    assert (february["orders"], february["returns"], february["complaints_change"]) == (0, None, "same")
    compare_lists(RATES, engine, Parameters(), [january], most=2)
