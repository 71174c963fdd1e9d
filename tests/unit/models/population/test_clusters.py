"""Learned segments keep their ids while customers change a little, and give them up when they change a lot."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.population.census import Sample
from models.population.clusters import FARTHEST, HISTORY, Learned, learn, signs
from models.population.snapshot import PopulationSnapshot

KINDS = (  # log recency, log frequency, log monetary, share
    (1.5, 3.0, 7.0, 0.30),
    (3.5, 0.8, 3.5, 0.25),
    (5.5, 0.7, 3.2, 0.20),
    (5.0, 2.0, 6.0, 0.15),
    (2.0, 0.8, 6.0, 0.10),
)


def customers(*kinds: tuple[float, float, float, float], seed: int = 1) -> Sample:
    """Two thousand customers of these kinds, in an order that their hashes decide."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.normal((recency, frequency, money), (0.4, 0.2, 0.5), (int(2000 * share), 3))
        for recency, frequency, money, share in kinds
    ]
    mixed = np.random.default_rng(0).permutation(np.vstack(rows))
    return [(lot, tuple(row)) for lot, row in enumerate(mixed.tolist())]


def later(sample: Sample, seed: int) -> Sample:
    """The same customers, each a little different."""
    noise = np.random.default_rng(seed).normal(0, 0.15, (len(sample), 3))
    return [(lot, tuple((np.array(place) + by).tolist())) for (lot, place), by in zip(sample, noise, strict=True)]


def members(learned: Learned, sample: Sample) -> list[str | None]:
    """The id of each customer's cluster."""
    population = PopulationSnapshot(version=1, scales=learned.scales, clusters=learned.clusters)
    return [population.nearest(place) for _, place in sample]


def ids(learned: Learned) -> set[tuple[str, int]]:
    return {(cluster.id, cluster.generation) for cluster in learned.clusters}


def test_ids_stay_over_twenty_censuses_of_customers_who_change_a_little() -> None:
    """All ids and names, and nearly all members."""
    sample = customers(*KINDS)
    first = learned = learn(Learned(), sample, 2000, 0.0, 1)
    before = members(first, sample)

    for version in range(2, 22):
        learned = learn(learned, later(sample, version), 2000, float(version), version)

    assert ids(learned) == ids(first) == {(str(number), 1) for number in range(1, 6)}
    assert [cluster.name for cluster in learned.clusters] == [cluster.name for cluster in first.clusters]
    assert all(cluster.moved < 0.1 for cluster in learned.clusters)
    same = [then == now for then, now in zip(before, members(learned, sample), strict=True)]
    assert sum(same) / len(same) > 0.95
    assert [moment.version for moment in learned.history] == list(range(22 - HISTORY, 22))


def test_the_kinds_are_found() -> None:
    """Each cluster is one of them, with its share."""
    learned = learn(Learned(), customers(*KINDS), 10_000, 0.0, 1)

    assert sorted(cluster.size for cluster in learned.clusters) == pytest.approx(
        [1000, 1500, 2000, 2500, 3000], abs=150
    )
    assert len({cluster.name for cluster in learned.clusters}) == 5
    names = {signs(cluster.centre): cluster.name for cluster in learned.clusters}
    assert names["recent, frequent, high spend"] == "frequent big spenders"
    assert names["long silent, few orders, low spend"] == "lost one-time buyers"


def test_a_cluster_that_truly_moves_gets_a_new_generation() -> None:
    """Its customers are gone and others, elsewhere, have come: the id's slot begins anew. The rest stay."""
    first = learn(Learned(), customers(*KINDS), 2000, 1.0, 1)
    moved = (*KINDS[:4], (5.5, 4.5, 1.0, 0.10))
    learned = first
    for version in range(2, 6):
        learned = learn(learned, customers(*moved), 2000, float(version), version)

    new = ids(learned) - ids(first)
    assert len(new) == 1
    (slot, generation) = new.pop()
    assert generation == 2
    held = {cluster.id: cluster for cluster in learned.clusters}
    assert held[slot].since > 1.0
    assert all(cluster.since == 1.0 for id_, cluster in held.items() if id_ != slot)
    assert learned.history[-1].generations[slot] == 2


def test_slow_drift_keeps_the_id() -> None:
    """A kind of customers may move far, step by step, and is the same all the while; how far is told."""
    learned = first = learn(Learned(), customers(*KINDS), 2000, 0.0, 1)
    for step in range(1, 16):
        drifting = (*KINDS[:4], (2.0, 0.8 + 0.1 * step, 6.0, 0.10))
        learned = learn(learned, customers(*drifting, seed=step), 2000, float(step), step + 1)

    assert ids(learned) == ids(first)
    assert max(cluster.moved for cluster in learned.clusters) < FARTHEST


def test_the_same_customers_give_the_same_clusters_to_the_bit() -> None:
    """Also through JSON, as the store keeps it."""
    sample = customers(*KINDS)
    once = learn(learn(Learned(), sample, 2000, 0.0, 1), later(sample, 2), 2000, 1.0, 2)
    kept = msgspec.json.decode(msgspec.json.encode(learn(Learned(), sample, 2000, 0.0, 1)), type=Learned)

    assert msgspec.json.encode(learn(kept, later(sample, 2), 2000, 1.0, 2)) == msgspec.json.encode(once)


def test_too_few_customers_teach_nothing() -> None:
    """What was known stays."""
    before = learn(Learned(), customers(*KINDS), 2000, 0.0, 1)

    assert learn(before, customers(*KINDS)[:49], 49, 1.0, 2) is before
    assert learn(Learned(), [], 0, 1.0, 1).clusters == []


def test_customers_of_one_moment_keep_their_ids_when_it_passes() -> None:
    """All ordered within a second: a minute later they are no others."""
    rng = np.random.default_rng(3)
    spent = rng.uniform(1, 5, 100)
    once: Sample = [(lot, (0.0408 + lot * 1e-9, 0.69, float(spent[lot]))) for lot in range(100)]
    then: Sample = [(lot, (recency + 0.0014, orders, money)) for lot, (recency, orders, money) in once]
    first = learn(Learned(), once, 100, 0.0, 1)

    assert ids(learn(first, then, 100, 1.0, 2)) == ids(first)


def test_fewer_kinds_than_clusters() -> None:
    """Sixty customers who are all alike, or of two kinds: nothing breaks, and more kinds may come."""
    alike: Sample = [(lot, (1.0, 2.0, 3.0)) for lot in range(60)]
    assert len(learn(Learned(), alike, 60, 0.0, 1).clusters) == 1

    two: Sample = [(lot, (1.0, 2.0, 3.0 + lot % 2)) for lot in range(60)]
    learned = learn(learn(Learned(), alike, 60, 0.0, 1), two, 60, 1.0, 2)
    learned = learn(learned, customers(*KINDS), 2000, 2.0, 3)
    assert len(learned.clusters) == 5


def test_signs_in_words() -> None:
    """As people say it."""
    assert signs((-1.0, 1.0, 1.0)) == "recent, frequent, high spend"
    assert signs((1.0, 0.0, -1.0)) == "long silent, low spend"
    assert signs((0.0, 0.1, -0.1)) == "average in all"
