"""The census: what customers come to, counted anew from their present states, in summaries that can be added up.

A customer's recency changes every day, so a quantile of everything that was ever seen mixes old states with new ones.
Hence a census is a pass over all customers as they are now. Each partition is counted by itself; `merge` adds the
summaries of partitions up, whatever the order, and what a summary says is the same as if one pass had seen all:
quantiles within the rank error of `percentiles`, sums and shares exactly, the sample as if drawn from all.

Quantiles are those of the customers who are still there, by an order of late (`Subject.active`), or never ordered: once
most have left, fifths of everybody would tell those who left from one another. Sums are of all.

Who denies `analytics` is not counted at all, and who denies `profiling` in nothing that is about the risk, nor in the
sample that learned segments are made of.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from heapq import nsmallest
from math import inf, isfinite

import msgspec

from models.customer.journey import SLOW, Wait, waits_of
from models.customer.leanings.novelty import delays_of
from models.population.measures import MEASURES, RISKY, place
from models.population.percentiles import Percentiles, Points, join, many, percentiles
from profiles.claims import believed_trait
from profiles.consent import ANALYTICS, PROFILING, Consent
from profiles.traces.mementos import Memento, mementos_of
from profiles.types import Profile

__all__ = [
    "EVERYBODY", "SAMPLE", "Census", "Figure", "Sample", "Subject", "Summary", "Sums", "edges", "merge",
    "waits",
]  # fmt: skip

EVERYBODY = ""
"""The group of all who are counted, beside one group for each segment."""

SAMPLE = 2048
"""Customers in the sample: those with the smallest hashes, so that each census draws the same ones as far as it can."""

TAGS = 257
"""Tags in a summary, the most frequent of the partition, with "" for all items."""

VALUES = 64
"""Values of one trait (or categories, …) in a summary: the most frequent of the partition."""

_LATE = 365  # days after a launch; what is later is not told apart
_CROWDED = 16 * VALUES  # values of one trait at which the rarest are let go during a pass
_DIFFERENT = 256  # combinations of segments that are added up by themselves at first

Sample = list[tuple[int, tuple[float, float, float]]]
"""(hash of the customer, `measures.place`), the smallest hash first."""


class Figure(msgspec.Struct, array_like=True, gc=False):
    """Enough of a quantity for its mean and the uncertainty of that."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0


class Sums(msgspec.Struct, array_like=True):
    """What a group of customers comes to."""

    size: int = 0
    figures: dict[str, Figure] = {}  # by measure, and by numeric trait as "trait:age"
    # How many of them: kind ("stage", "band", "source", "does", "bought", "segment", "trait:country") → value → count
    marks: dict[str, dict[str, int]] = {}
    categories: dict[str, float] = {}  # orders by category


class Summary(msgspec.Struct):
    """A census of one partition, or of several together."""

    at: float = 0.0  # the time that recency and the like are as of: the latest, of several
    customers: int = 0  # tombstones left out; also those who are not counted
    uncounted: int = 0  # who deny `analytics`
    points: dict[str, Points] = {}  # by measure
    groups: dict[str, Sums] = {}  # by segment, and EVERYBODY
    sample: Sample = []
    waits: dict[str, Points] = {}  # by phase of the journey, days from a step of it until the next
    bought: dict[str, int] = {}  # by tag of the catalogue, how many of the items that customers keep; "" for all
    # By product that is new, how many customers bought it first so many days after its launch
    firsts: dict[str, dict[int, int]] = {}


class Subject(msgspec.Struct, frozen=True):
    """What a census asks about, and whom it may ask. The same for all partitions of a plan."""

    currency: str
    consent: Consent = Consent()
    categories: frozenset[str] = frozenset()  # traits whose values are counted
    numbers: frozenset[str] = frozenset()  # traits that are averaged
    active: float = (
        inf  # seconds since the last order within which a customer is one of those that others are ranked by
    )
    session_gap: float = 1800.0  # seconds of silence after which a session is over
    tags: dict[str, tuple[str, ...]] = {}  # by product of the catalogue; none if no product has any
    launched: dict[str, int] = {}  # the day of those that were launched last


class Census:
    """One pass over customers, each given once.

    Args:
        subject: what is asked.
        now: as of when, seconds.
    """

    def __init__(self, subject: Subject, now: float) -> None:
        self._subject = subject
        self._now = now
        self._customers = self._uncounted = 0
        self._values: dict[str, list[float]] = {name: [] for name in MEASURES}
        self._percentiles = {name: Percentiles() for name in MEASURES}
        self._bought: Counter[str] = Counter()
        self._firsts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._waits: defaultdict[str, list[float]] = defaultdict(list)
        self._waited: defaultdict[str, Percentiles] = defaultdict(Percentiles)
        self._groups: dict[str, Sums] = {EVERYBODY: Sums()}
        self._alike: dict[tuple[str, ...], Sums] = {}  # not yet in groups: of customers with just these segments
        self._sample: Sample = []
        self._largest = 1 << 64  # hash from which on nobody can be in the sample any more

    def add(self, profile: Profile) -> None:
        """Count a customer; a tombstone is none."""
        if profile.redirect:
            return
        self._customers += 1
        denied = self._subject.consent.denied(profile)
        if ANALYTICS in denied:
            self._uncounted += 1
            return
        profiled = PROFILING not in denied
        figures = self._measured(profile, profiled)
        if not _gone(profile, self._now, self._subject.active):
            for name, value in figures.items():
                self._values[name].append(value)
        for phase, days in waits_of(profile, self._subject.session_gap):
            self._waits[phase].append(days)
        if profile.traces is not None and (self._subject.tags or self._subject.launched):
            self._count_products(mementos_of(profile.traces.kept.get("bought", b"")))
        figures |= _numbers(profile, self._subject.numbers)
        sums = self._alike.setdefault(tuple(profile.segments), Sums())
        _count(sums, profile, figures, _marks(profile, self._subject.categories, profiled))
        if profiled:
            self._draw(profile)

    def settle(self) -> None:
        """Put what was collected into small space, and let go of what is too much; after every few hundred."""
        for name, values in self._values.items():
            self._percentiles[name].add(values)
            values.clear()
        for phase, waits in self._waits.items():
            self._waited[phase].add(waits)
        self._waits.clear()
        if len(self._alike) > _DIFFERENT:
            self._sort()

    def summary(self) -> Summary:
        """All that was counted so far."""
        self.settle()
        self._sort()
        for kind, counts in self._groups[EVERYBODY].marks.items():
            self._keep(kind, _most(counts, VALUES))
        for sums in self._groups.values():
            sums.categories = {name: sums.categories[name] for name in _most(sums.categories, VALUES)}
        points, waits = _points(self._percentiles), _points(self._waited)
        return Summary(
            self._now, self._customers, self._uncounted, points, self._groups, nsmallest(SAMPLE, self._sample), waits,
            {tag: self._bought[tag] for tag in _most(self._bought, TAGS)},
            {product: dict(sorted(counts.items())) for product, counts in sorted(self._firsts.items())},
        )  # fmt: skip

    def _count_products(self, orders: Sequence[Memento]) -> None:
        for each in orders:
            if (tags := self._subject.tags.get(each.what)) is not None:
                self._bought.update(("", *tags))
        for product, delay in delays_of(orders, self._subject.launched).items():
            self._firsts[product][min(delay, _LATE)] += 1

    def _measured(self, profile: Profile, profiled: bool) -> dict[str, float]:
        found = {}
        for name, measure in MEASURES.items():
            if profiled or name not in RISKY:
                value = measure.value(profile, self._now, self._subject.currency)
                if value is not None and isfinite(value):
                    found[name] = value
        return found

    def _sort(self) -> None:
        """Put what was counted into its groups."""
        for segments, sums in self._alike.items():
            for group in (EVERYBODY, *segments):
                _add(self._groups.setdefault(group, Sums()), sums)
        self._alike.clear()
        for kind, counts in self._groups[EVERYBODY].marks.items():
            if len(counts) > _CROWDED:
                self._keep(kind, _most(counts, _CROWDED // 2))

    def _keep(self, kind: str, values: Collection[str]) -> None:
        """Of a kind, keep these values in all groups: what is a share of the base must be counted there, too."""
        for sums in self._groups.values():
            if (counts := sums.marks.get(kind)) is not None:
                sums.marks[kind] = {value: counts[value] for value in values if value in counts}

    def _draw(self, profile: Profile) -> None:
        lot = int.from_bytes(blake2b(profile.id.encode(), digest_size=8, person=b"census").digest())
        found = place(profile, self._now, self._subject.currency) if lot < self._largest else None
        if found is None:
            return
        self._sample.append((lot, found))
        if len(self._sample) >= 2 * SAMPLE:
            self._sample = nsmallest(SAMPLE, self._sample)
            self._largest = self._sample[-1][0]


def merge(summaries: Sequence[Summary]) -> Summary:
    """Several partitions as one."""
    whole = Summary(
        at=max((summary.at for summary in summaries), default=0.0), points={}, groups={}, bought={}, firsts={}
    )
    points: dict[str, list[Points]] = {}
    waits: dict[str, list[Points]] = {}
    for summary in summaries:
        whole.customers += summary.customers
        whole.uncounted += summary.uncounted
        for name, found in summary.points.items():
            points.setdefault(name, []).append(found)
        for phase, found in summary.waits.items():
            waits.setdefault(phase, []).append(found)
        for tag, count in summary.bought.items():
            whole.bought[tag] = whole.bought.get(tag, 0) + count
        for product, counts in summary.firsts.items():
            held = whole.firsts.setdefault(product, {})
            for days, count in counts.items():
                held[days] = held.get(days, 0) + count
        for group, sums in summary.groups.items():
            _add(whole.groups.setdefault(group, Sums()), sums)
    whole.points = {name: join(parts) for name, parts in points.items()}
    whole.waits = {phase: join(parts) for phase, parts in waits.items()}
    whole.sample = nsmallest(SAMPLE, (row for summary in summaries for row in summary.sample))
    return whole


def edges(summary: Summary) -> dict[str, list[float]]:
    """The percentiles of each measure, the first to the 99th, of those who have a value."""
    return {name: percentiles(points) for name, points in summary.points.items()}


def waits(summary: Summary) -> dict[str, Wait]:
    """By phase of the journey, how long customers waited before they moved on."""
    return {
        phase: Wait(many(points), percentiles(points)[round(100 * SLOW) - 1]) for phase, points in summary.waits.items()
    }


def _points(held: Mapping[str, Percentiles]) -> dict[str, Points]:
    return {name: found for name, numbers in held.items() if (found := numbers.points()) is not None}


def _gone(profile: Profile, now: float, active: float) -> bool:
    """Whether a customer has ordered, and not for so long that fifths of everybody would be fifths of who has left."""
    return profile.purchases.orders > 0 and now - profile.purchases.last > active


def _count(sums: Sums, profile: Profile, figures: Mapping[str, float], marks: Iterable[tuple[str, str]]) -> None:
    sums.size += 1
    for name, value in figures.items():
        if (figure := sums.figures.get(name)) is None:
            figure = sums.figures[name] = Figure()
        figure.count += 1
        figure.total += value
        figure.squares += value * value
    for kind, mark in marks:
        if (counts := sums.marks.get(kind)) is None:
            counts = sums.marks[kind] = {}
        counts[mark] = counts.get(mark, 0) + 1
    for category, orders in profile.purchases.mix.items():
        sums.categories[category] = sums.categories.get(category, 0.0) + orders


def _add(whole: Sums, part: Sums) -> None:
    whole.size += part.size
    for name, figure in part.figures.items():
        into = whole.figures.setdefault(name, Figure())
        into.count += figure.count
        into.total += figure.total
        into.squares += figure.squares
    for kind, counts in part.marks.items():
        held = whole.marks.setdefault(kind, {})
        for value, count in counts.items():
            held[value] = held.get(value, 0) + count
    for category, orders in part.categories.items():
        whole.categories[category] = whole.categories.get(category, 0.0) + orders


def _marks(profile: Profile, traits: Collection[str], profiled: bool) -> Iterable[tuple[str, str]]:
    """(kind, value) of all that a customer is or does."""
    if profile.stage:
        yield "stage", profile.stage
    if profiled and profile.score is not None:
        yield "band", profile.score.band
    for source in profile.activity:
        yield "source", source
    for role, tally in profile.roles.items():
        if tally.count:
            yield "does", role
    for category in profile.purchases.mix:
        yield "bought", category
    for segment in profile.segments:
        yield "segment", segment
    for name in traits:
        if (held := believed_trait(profile, name)) is not None and isinstance(held[0], (str, bool, int)):
            yield f"trait:{name}", str(held[0])


def _numbers(profile: Profile, traits: Collection[str]) -> Iterable[tuple[str, float]]:
    for name in traits:
        if (held := believed_trait(profile, name)) is not None:
            value = held[0]
            if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
                yield f"trait:{name}", float(value)


def _most(counts: Mapping[str, float], most: int) -> Collection[str]:
    """The names with the largest counts; of equal ones the first by name."""
    if len(counts) <= most:
        return counts.keys()
    return sorted(counts, key=lambda name: (-counts[name], name))[:most]
