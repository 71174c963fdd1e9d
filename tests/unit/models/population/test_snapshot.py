"""What is known of all customers together: percentiles, clusters, and their JSON."""

from __future__ import annotations

import math

import msgspec
import pytest

from models.population.measures import MEASURES, place
from models.population.snapshot import Cluster, PopulationSnapshot
from profiles.errors import Misconfigured
from profiles.types import Profile, Score
from tests.build import DAY, T0, buyer, customer, event

PERCENTILES = PopulationSnapshot(version=3, at=T0, customers=1000, edges={"revenue": [float(i) for i in range(1, 100)]})
CLUSTERED = PopulationSnapshot(
    version=4,
    scales=((0.0, 1.0),) * 3,
    clusters=[
        Cluster(id="1", name="left", centre=(0.0, 0.0, 0.0)),
        Cluster(id="2", name="right", centre=(10.0, 0.0, 0.0)),
    ],
)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50.0), (0.905, 90.5), (0.01, 1.0), (0.001, 1.0), (0.999, 99.0), (0.1, 10.0)]
)
def test_a_quantile_lies_at_or_between_the_percentiles(share: float, value: float) -> None:
    """The tails beyond the outer percentiles are not told apart."""
    assert PERCENTILES.quantile("revenue", share) == pytest.approx(value)


def test_nobody_lies_beyond_all_and_none() -> None:
    """So that an eased threshold that leaves the range means everybody who is ranked."""
    assert PERCENTILES.quantile("revenue", 0.0) == -math.inf
    assert PERCENTILES.quantile("revenue", 1.1) == math.inf


def test_a_measure_that_nobody_counted_has_no_quantiles() -> None:
    """Neither before the first census nor when a newer version measures more."""
    assert math.isnan(PopulationSnapshot.empty().quantile("revenue", 0.5))
    assert math.isnan(PERCENTILES.quantile("orders", 0.5))
    assert math.isnan(PopulationSnapshot.empty().share_below("revenue", 1.0))
    assert PERCENTILES.share_below("revenue", 50.5) == 0.5


def test_who_is_in_a_cluster_stays_until_another_is_clearly_nearer() -> None:
    """The band is 15 % of the distance from the centre that one is held by."""
    assert CLUSTERED.nearest((5.2, 0.0, 0.0)) == "2"
    assert CLUSTERED.nearest((5.2, 0.0, 0.0), held="1") == "1"
    assert CLUSTERED.nearest((5.6, 0.0, 0.0), held="1") == "2"
    assert CLUSTERED.nearest((5.2, 0.0, 0.0), held="7") == "2", "a cluster that is gone holds nobody"
    assert PopulationSnapshot.empty().nearest((0.0, 0.0, 0.0)) is None


@pytest.mark.parametrize("population", [PERCENTILES, CLUSTERED, PopulationSnapshot.empty()])
def test_json_reads_back_to_the_same(population: PopulationSnapshot) -> None:
    """Bit by bit, as all workers must rank alike."""
    assert PopulationSnapshot.from_json(population.to_json()) == population


@pytest.mark.parametrize(
    "damage",
    [
        {"edges": {"revenue": [1.0] * 98}},
        {"edges": {"revenue": [2.0, *[1.0] * 98]}},
        {"edges": {"revenue": [math.nan] * 99}},
        {"clusters": CLUSTERED.clusters, "scales": ()},
        {"clusters": [Cluster(id="1", name="x", centre=(math.inf, 0.0, 0.0))]},
    ],
)
def test_what_nobody_could_be_ranked_by_is_refused(damage: dict[str, object]) -> None:
    """A worker keeps the version it has."""
    with pytest.raises(Misconfigured, match="damaged"):
        msgspec.structs.replace(CLUSTERED, **damage).check()


def test_what_is_no_population_is_refused() -> None:
    """Such as another topic's record."""
    with pytest.raises(Misconfigured, match="no population"):
        PopulationSnapshot.from_json(b"[]")


def test_measures_of_who_ordered() -> None:
    """Money in major units, ages in days."""
    profile = customer(
        event("visit", 0), event("purchase", 0, amount=4000), event("purchase", 10, amount=2000),
        event("refund", 12, amount=1000),
    )  # fmt: skip
    profile.score = Score(0.5, "medium", T0, "m")

    values = {name: measure.value(profile, T0 + 20 * DAY, "EUR") for name, measure in MEASURES.items()}

    assert values == pytest.approx(
        {
            "revenue": 60.0, "refunds": 10.0, "net": 50.0, "average_order": 30.0, "orders": 2.0, "items": 2.0,
            "recent_spend": (40.0 * 2 ** (-10 / 182) + 20.0) * 2 ** (-10 / 182), "recency": 10.0, "tenure": 20.0,
            "gap_ratio": 10.0 / ((10 + 2 * 70) / 3), "visits": 2 ** (-20 / 56), "risk": 0.5, "net_at_risk": 25.0,
        }
    )  # fmt: skip


def test_who_cannot_be_ranked_has_no_measure() -> None:
    """Not zero: else every visitor would move the quantiles of the customers."""
    nobody = Profile("p")

    assert {measure.value(nobody, T0, "EUR") for measure in MEASURES.values()} == {None}
    assert place(nobody, T0, "EUR") is None


def test_a_place_is_made_of_logs_and_refunds_beyond_revenue_are_no_value() -> None:
    """The logarithm of less than nothing is not asked for."""
    profile = buyer(0.0, 5.0, amount=100)
    profile.purchases.refunds["EUR"] = 900

    assert place(profile, T0 + 6 * DAY, "EUR") == pytest.approx((math.log(2), math.log(3), 0.0))
