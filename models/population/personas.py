"""Personas: what the members of a segment have in common, what they are worth, how likely they leave, and how it moves.

Made from the sums of a census, so of the customers as they were then. A trait *distinguishes* a segment if it is more
(or less) common among its members than among all, beyond what chance explains: the confidence interval of its share
must exclude the share among all, at a level that allows for how many traits are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import log, sqrt
from statistics import NormalDist

import msgspec

from models.population.census import EVERYBODY, Figure, Summary, Sums
from models.population.measures import MEASURES, RISKY

__all__ = ["HISTORY", "Contrast", "Mark", "Persona", "Point", "personas"]

HISTORY = 30
"""Earlier censuses of which a segment's figures are kept."""

SUPPORT = 5
"""Members (or, of what is rare among them, members there would be by chance) from which on a trait counts."""

CONFIDENCE = 0.99
_EFFECT = 1.1  # least lift that is worth telling, or its inverse
_APART = 0.2  # least difference of means that is, in standard deviations among all
_MOST = 8
_CATEGORIES = 5


class Mark(msgspec.Struct, frozen=True):
    """Something that is more or less common in a segment than among all."""

    kind: str  # as in `census.Sums.marks`: "trait:country", "source", "does", "bought", "stage"
    value: str
    members: int
    share: float  # of the members
    base: float  # share among all who are counted
    lift: float  # share / base
    low: float  # bounds of the lift
    high: float


class Contrast(msgspec.Struct, frozen=True):
    """A quantity whose mean is not that of all."""

    name: str  # a measure, or "trait:age"
    unit: str  # of a measure
    mean: float
    base: float
    apart: float  # difference in standard deviations among all


class Point(msgspec.Struct, frozen=True):
    """A segment at one census."""

    version: int
    at: float
    size: int
    share: float  # of all who are counted
    risk: float | None = None  # mean, of those who are scored


class Persona(msgspec.Struct, frozen=True):
    """A segment as a census found it. Shares are of the members unless they say otherwise; money is in major units."""

    name: str
    version: int  # of the population snapshot that the same census made
    at: float
    size: int
    share: float
    marks: list[Mark] = []  # the most telling first
    contrasts: list[Contrast] = []
    buyers: int = 0
    revenue: float = 0.0  # of all members together; so are net and orders
    net: float = 0.0
    orders: float = 0.0
    scored: int = 0
    risk: float | None = None  # mean
    bands: dict[str, float] = {}  # share of the scored members
    stages: dict[str, float] = {}
    sources: dict[str, float] = {}
    categories: dict[str, float] = {}  # share of the members' orders whose category is known, the largest first
    overlaps: dict[str, float] = {}  # other segments they are in
    trend: list[Point] = []  # this census last


def personas(summary: Summary, version: int, names: Iterable[str], before: Mapping[str, Persona]) -> dict[str, Persona]:
    """The persona of every segment, and of EVERYBODY.

    Args:
        summary: of all partitions.
        version: of the population snapshot that comes from it.
        names: the plan's segments; those without members are described, too.
        before: the personas of the census before, for the trend.
    """
    base = summary.groups.get(EVERYBODY, Sums())
    found = {}
    for name in dict.fromkeys([EVERYBODY, *names, *sorted(summary.groups)]):
        earlier = before[name].trend if name in before else []
        found[name] = _persona(name, summary.groups.get(name, Sums()), base, summary.at, version, earlier)
    return found


def _persona(name: str, sums: Sums, base: Sums, at: float, version: int, earlier: list[Point]) -> Persona:
    size, share = sums.size, sums.size / base.size if base.size else 0.0
    scored = sums.figures.get("risk", Figure())
    risk = scored.total / scored.count if scored.count else None
    return Persona(
        name=name,
        version=version,
        at=at,
        size=size,
        share=share,
        marks=_most_telling(sums, base) if name != EVERYBODY else [],
        contrasts=_contrasts(sums, base) if name != EVERYBODY else [],
        buyers=sums.figures.get("orders", Figure()).count,
        revenue=_total(sums, "revenue"),
        net=_total(sums, "net"),
        orders=_total(sums, "orders"),
        scored=scored.count,
        risk=risk,
        bands=_shares(sums.marks.get("band", {}), scored.count),
        stages=_shares(sums.marks.get("stage", {}), size),
        sources=_shares(sums.marks.get("source", {}), size),
        categories=_categories(sums),
        overlaps=_shares({other: n for other, n in sums.marks.get("segment", {}).items() if other != name}, size),
        trend=[*earlier, Point(version, at, size, share, risk)][-HISTORY - 1 :],
    )


def _most_telling(sums: Sums, base: Sums) -> list[Mark]:
    asked = [(kind, value) for kind in base.marks if kind not in ("segment", "band") for value in base.marks[kind]]
    if not sums.size or not asked:
        return []
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / len(asked))
    marks = (_mark(kind, value, sums, base, z) for kind, value in asked)
    telling = [mark for mark in marks if mark is not None]
    return sorted(telling, key=lambda mark: (_trivial(mark, sums.size), -_weight(mark), mark.kind, mark.value))[:_MOST]


def _mark(kind: str, value: str, sums: Sums, base: Sums, z: float) -> Mark | None:
    """A trait, if it distinguishes the segment."""
    members = sums.marks.get(kind, {}).get(value, 0)
    among_all = base.marks[kind][value] / base.size
    share = members / sums.size
    low, high = (bound / among_all for bound in _interval(members, sums.size, z))
    mark = Mark(kind, value, members, share, among_all, share / among_all, low, high)
    more = low > 1 and members >= SUPPORT and mark.lift >= _EFFECT
    less = high < 1 and among_all * sums.size >= SUPPORT and mark.lift <= 1 / _EFFECT
    return mark if more or less else None


def _trivial(mark: Mark, size: int) -> bool:
    """Whether it hardly tells anything: what all members have or none, as a segment's rule may ask for it; and the
    stage, which goes by the same orders and risk as most rules and is shown beside."""
    return mark.kind == "stage" or mark.members in (0, size)


def _interval(count: int, size: int, z: float) -> tuple[float, float]:
    """Wilson's confidence interval of a share."""
    share, square = count / size, z * z
    centre = (share + square / (2 * size)) / (1 + square / size)
    half = z / (1 + square / size) * sqrt(share * (1 - share) / size + square / (4 * size * size))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _weight(mark: Mark) -> float:
    """How much a trait tells: how common it is, times the lift that is certain."""
    return mark.share * log(mark.low) if mark.lift > 1 else mark.base * -log(max(mark.high, 1e-9))


def _contrasts(sums: Sums, base: Sums) -> list[Contrast]:
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / max(len(base.figures), 1))
    found = list(_apart(sums, base, z))
    return sorted(found, key=lambda contrast: (-abs(contrast.apart), contrast.name))[:_MOST]


def _apart(sums: Sums, base: Sums, z: float) -> Iterator[Contrast]:
    for name, figure in sums.figures.items():
        of_all = base.figures[name]
        if name in RISKY or figure.count < SUPPORT:
            continue
        spread, apart = _spread(of_all), _mean(figure) - _mean(of_all)
        if spread > 0 and abs(apart) > max(_APART * spread, z * _spread(figure) / sqrt(figure.count)):
            unit = MEASURES[name].unit if name in MEASURES else ""
            yield Contrast(name, unit, _mean(figure), _mean(of_all), apart / spread)


def _mean(figure: Figure) -> float:
    return figure.total / figure.count


def _spread(figure: Figure) -> float:
    """Standard deviation."""
    return sqrt(max(figure.squares / figure.count - _mean(figure) ** 2, 0.0))


def _total(sums: Sums, name: str) -> float:
    return sums.figures.get(name, Figure()).total


def _shares(counts: Mapping[str, float], whole: float) -> dict[str, float]:
    """Shares, the largest first."""
    if not whole:
        return {}
    return {name: counts[name] / whole for name in sorted(counts, key=lambda name: (-counts[name], name))}


def _categories(sums: Sums) -> dict[str, float]:
    shares = _shares(sums.categories, sum(sums.categories.values()))
    return {name: shares[name] for name in list(shares)[:_CATEGORIES]}
