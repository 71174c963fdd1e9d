"""Learned segments: five kinds of customers by recency, frequency and spend, which keep their identity.

Each census has River's k-means learn on, one pass over the sample of the customers as they are now, from the centres of
the census before. So a centre follows its customers and keeps its id. Beside it a k-means from scratch is fitted; only
if that describes the customers clearly better (a centre has lost its customers, say) it takes over, its centres matched
to the old ones so that together they move least (the Hungarian method). A slot whose centre had to move too far for
its customers to be the same is given a new *generation*.

Only the worker that merges the census calls `learn`; River and SciPy are loaded then.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.libraries import load
from models.population.snapshot import Cluster

if TYPE_CHECKING:
    from models.population.census import Sample

__all__ = ["CLUSTERS", "HISTORY", "Learned", "Moment", "learn", "signs"]

CLUSTERS = 5
HISTORY = 20
"""Versions of which sizes and centres are remembered."""

HALFLIFE = 0.01
"""Share of the way to a customer that the nearest centre moves. At River's example of 0.5, ids change by the week."""

FARTHEST = 1.0
"""How far a centre may move from one census to the next, in standard deviations, and still be the same segment."""

LEAST = 50
"""Customers in the sample below which nothing is learned."""

_CLEARLY = 1.2  # the learned centres must leave this many times the scatter of fresh ones before those take over
_FLAT = 0.05  # least spread of an axis, a twentieth of the value: smaller differences between customers mean nothing
_SEED = 20
_TRIES = 5
_FAITH = 0.3  # standard deviations by which another name must fit better than the one a cluster has

Array = NDArray[np.float64]
Centre = tuple[float, float, float]

TEMPLATES: tuple[tuple[str, Centre], ...] = (
    ("frequent big spenders", (-1.0, 1.2, 1.2)),
    ("steady customers", (-0.3, 1.0, 0.8)),
    ("frequent small buyers", (-1.0, 1.0, -0.5)),
    ("recent big spenders", (-1.0, -0.5, 1.0)),
    ("newcomers", (-1.2, -0.8, -0.8)),
    ("active regulars", (-0.8, 0.3, 0.3)),
    ("average customers", (0.0, 0.0, 0.0)),
    ("occasional small buyers", (0.0, -0.8, -0.8)),
    ("fading regulars", (0.7, 0.3, 0.3)),
    ("lapsed frequent buyers", (1.0, 1.0, 1.0)),
    ("lapsed big spenders", (0.9, -0.5, 1.0)),
    ("lapsed small regulars", (0.9, 0.8, -0.5)),
    ("bargain hunters", (0.2, 0.3, -1.3)),
    ("lost one-time buyers", (0.9, -0.9, -0.9)),
)
"""Names and where, in standard deviations of (recency, frequency, spend), a cluster is best called so."""


class Moment(msgspec.Struct, frozen=True):
    """One version: what each cluster was then, by id."""

    version: int
    at: float
    shares: dict[str, float] = {}  # of the sample
    centres: dict[str, Centre] = {}  # on `measures.AXES`, not standardised
    generations: dict[str, int] = {}


class Learned(msgspec.Struct, frozen=True):
    """All that is learned; JSON in the store."""

    clusters: list[Cluster] = []
    scales: tuple[tuple[float, float], ...] = ()
    generations: dict[str, int] = {}  # of every slot that was ever in use
    history: list[Moment] = []  # the oldest first


def learn(before: Learned, sample: Sample, ordered: int, at: float, version: int) -> Learned:
    """Go on from the census before. The same arguments give the same answer, to the bit.

    Args:
        before: the last answer, or an empty one.
        sample: of the census, by hash.
        ordered: how many customers the sample stands for.
        at: time of the census.
        version: of the population snapshot it becomes part of.

    Returns:
        The clusters, centres standardised by `scales`; `before` itself if the sample is too small.
    """
    if len(sample) < LEAST:
        return before
    x = np.array([place for _, place in sample], dtype=np.float64)
    mean, spread = x.mean(axis=0), np.maximum(x.std(axis=0), _FLAT)
    z = (x - mean) / spread
    old = _centres(before, mean, spread)
    centres = _follow(old, z) if len(old) else _fit(z)
    if len(old) and _scatter(centres, z) > _CLEARLY * _scatter(fresh := _fit(z), z):
        centres = fresh
    slots, moves = _match(old, [cluster.id for cluster in before.clusters], centres)
    shares = np.bincount(_nearest(centres, z), minlength=len(centres)) / len(z)
    generations = dict(before.generations)
    held = {cluster.id: cluster for cluster in before.clusters}
    for slot, moved in zip(slots, moves, strict=True):
        if slot not in held or moved > FARTHEST:
            generations[slot] = generations.get(slot, 0) + 1
    same = {slot: held[slot] for slot in slots if slot in held and generations[slot] == before.generations.get(slot)}
    names = _named(slots, centres, {slot: cluster.name for slot, cluster in same.items()})
    clusters = [
        Cluster(
            id=slot,
            name=names[slot],
            centre=_triple(centre),
            size=round(share * ordered),
            share=float(share),
            since=same[slot].since if slot in same else at,
            moved=float(moved) if slot in same else 0.0,
            grown=float(share) - same[slot].share if slot in same else 0.0,
            generation=generations[slot],
        )
        for slot, centre, share, moved in zip(slots, centres, shares, moves, strict=True)
    ]
    clusters.sort(key=lambda cluster: cluster.id)
    moment = Moment(
        version,
        at,
        {cluster.id: cluster.share for cluster in clusters},
        {cluster.id: _triple(np.array(cluster.centre) * spread + mean) for cluster in clusters},
        {cluster.id: cluster.generation for cluster in clusters},
    )
    scales = tuple((float(m), float(s)) for m, s in zip(mean, spread, strict=True))
    return Learned(clusters, scales, generations, [*before.history, moment][-HISTORY:])


def signs(centre: Sequence[float]) -> str:
    """A centre in words: "recent, frequent, high spend"."""
    words = (("recent", "long silent"), ("few orders", "frequent"), ("low spend", "high spend"))
    said = [pair[value > 0] for pair, value in zip(words, centre, strict=True) if abs(value) > 0.25]
    return ", ".join(said) or "average in all"


def _centres(before: Learned, mean: Array, spread: Array) -> Array:
    """The centres of the census before, standardised as the customers are now."""
    if not before.clusters:
        return np.empty((0, 3))
    then = np.array(before.scales)
    raw = np.array([cluster.centre for cluster in before.clusters]) * then[:, 1] + then[:, 0]
    return np.asarray((raw - mean) / spread)


def _follow(old: Array, z: Array) -> Array:
    """The centres after one pass of River's k-means over the customers."""
    model = load("river.cluster").KMeans(n_clusters=len(old), halflife=HALFLIFE, seed=_SEED)
    for number, centre in enumerate(old.tolist()):
        model.centers[number].update(enumerate(centre))
    for row in z.tolist():
        model.learn_one(dict(enumerate(row)))
    return np.array([[model.centers[number][axis] for axis in range(3)] for number in range(len(old))])


def _fit(z: Array) -> Array:
    """The best of a few fits from scratch; fewer centres than CLUSTERS if there are fewer kinds of customers."""
    vq = load("scipy.cluster.vq")
    kinds = min(CLUSTERS, len(np.unique(z.round(6), axis=0)))
    fits: list[tuple[float, int, Array]] = []
    for seed in range(_TRIES):
        with suppress(vq.ClusterError):  # a centre of this start has lost all its customers
            centres, _ = vq.kmeans2(z, kinds, minit="++", rng=np.random.default_rng(_SEED + seed), missing="raise")
            fits.append((_scatter(centres, z), seed, centres))
    if not fits:
        return np.array([z.mean(axis=0)])
    best = min(fits, key=lambda fit: fit[:2])[2]
    return np.array(best[np.lexsort(best.T)], dtype=np.float64)


def _nearest(centres: Array, z: Array) -> NDArray[np.intp]:
    return np.asarray(((z[:, None, :] - centres[None]) ** 2).sum(axis=2).argmin(axis=1))


def _scatter(centres: Array, z: Array) -> float:
    """Mean squared distance of the customers from their nearest centres."""
    return float(((z[:, None, :] - centres[None]) ** 2).sum(axis=2).min(axis=1).mean())


def _match(old: Array, ids: Sequence[str], centres: Array) -> tuple[list[str], list[float]]:
    """The id of each centre and how far it is from the one that had it before; infinitely for a slot that was free."""
    distances = np.linalg.norm(old[:, None, :] - centres[None], axis=2)
    slots, moves = [""] * len(centres), [np.inf] * len(centres)
    for before, now in zip(*_assign(distances), strict=True):
        slots[now], moves[now] = ids[before], float(distances[before, now])
    free = iter([str(n) for n in range(1, CLUSTERS + 1) if str(n) not in slots])
    return [slot or next(free) for slot in slots], moves


def _named(slots: Sequence[str], centres: Array, held: dict[str, str]) -> dict[str, str]:
    """A name for each, no two the same: those that together fit best."""
    places = np.array([place for _, place in TEMPLATES])
    misfit = np.linalg.norm(np.clip(centres, -1.5, 1.5)[:, None, :] - places[None], axis=2)
    for row, slot in enumerate(slots):
        for column, (name, _) in enumerate(TEMPLATES):
            if held.get(slot) == name:
                misfit[row, column] -= _FAITH
    rows, columns = _assign(misfit)
    return {slots[row]: TEMPLATES[column][0] for row, column in zip(rows, columns, strict=True)}


def _assign(costs: Array) -> tuple[list[int], list[int]]:
    """Rows and columns that belong together at the least cost in all (the Hungarian method)."""
    rows, columns = load("scipy.optimize").linear_sum_assignment(costs)
    return rows.tolist(), columns.tolist()


def _triple(centre: Array) -> Centre:
    recency, frequency, spend = (float(value) for value in centre)
    return recency, frequency, spend
