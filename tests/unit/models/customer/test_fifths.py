"""Fifths by mid-rank: equal values, equal fifths."""

from __future__ import annotations

from models.customer.fifths import fifths_of, rank
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from tests.build import T0, buyer, customer, event

NOW = T0 + 100 * DAY
HUNDRED = [float(n) for n in range(1, 100)]
POPULATION = PopulationSnapshot(
    version=7,
    edges={
        "recency": HUNDRED,  # days, evenly
        "orders": [1.0] * 60 + [2.0] * 20 + [3.0] * 19,  # most bought once
        "net": [10.0 * n for n in HUNDRED],
    },
)


def test_a_customer_in_the_middle_of_everything() -> None:
    """Two orders of 250.00, the last 50 days ago.

    Recency 50: 49 below, 1 equal: (49 + 1) / 100 = .50, the third fifth. Orders 2: 60 below, 20 equal: (60 + 10.5) /
    100 = .705, the fourth. Net 500: the third, as recency.
    """
    found = fifths_of(buyer(10, 50, amount=25_000), NOW, "EUR", POPULATION)

    assert found is not None
    assert [one.fifth for one in (found.recency, found.frequency, found.monetary)] == [3, 4, 3]
    assert (found.recency.value, found.frequency.value, found.monetary.value, found.version) == (50, 2, 500, 7)


def test_all_who_bought_once_are_in_one_fifth() -> None:
    assert {
        fifths_of(buyer(day), NOW, "EUR", POPULATION).frequency.fifth  # type: ignore[union-attr]
        for day in (0, 50, 99)
    } == {2}  # (0 + 30.5) / 100 = .305


def test_the_ends() -> None:
    first = fifths_of(buyer(99.9, *range(90, 99), amount=500_000), NOW, "EUR", POPULATION)
    last = fifths_of(buyer(-200, amount=100), NOW, "EUR", POPULATION)

    assert first is not None
    assert last is not None
    assert [one.fifth for one in first[:3]] == [5, 5, 5]  # type: ignore[attr-defined]
    assert [one.fifth for one in last[:3]] == [1, 2, 1]  # type: ignore[attr-defined]


def test_who_got_more_back_than_they_paid_is_in_the_last_fifth() -> None:
    profile = customer(event("purchase", 50, amount=100), event("refund", 60, amount=5_000))
    found = fifths_of(profile, NOW, "EUR", PopulationSnapshot(version=1, edges=POPULATION.edges | {"net": [-1e6] * 99}))

    assert found is not None
    assert found.monetary.fifth == 1


def test_nobody_is_ranked_who_never_bought_nor_before_the_first_census() -> None:
    assert fifths_of(customer(event("visit", 1)), NOW, "EUR", POPULATION) is None
    assert fifths_of(buyer(1), NOW, "EUR", PopulationSnapshot.empty()) is None
    assert rank(PopulationSnapshot.empty(), "orders", 1.0) is None
