"""Outages: times in which events did not reach us although customers were there.

A label says that no order came. When nobody's orders come, that says nothing about anyone, so labels go by a clock of
their own (`label_clock`), and no label is given over a horizon that outages hide too much of (`hidden`). Outages are
declared in the plan (`churn.outages`), or noticed here.

**What is noticed.** Each partition keeps an arrival rate of all its events and one of its orders. A quiet partition is
no outage: a silence counts as one only if it

* is longer than `churn.outage`,
* is at most half as long as the partition has been known,
* is more than twice as long as the longest silence of late (so the weekends of a shop that closes are usual), and
* would have had EXPECTED hours with an event in it at the partition's usual pace. Hours are counted, not events: one
  visit of twenty pages is no sign of twenty visitors.

So a partition that sees a handful of events a week never notices an outage: there, only the plan can tell. Live, an
arrival rate is a function of the partition's log; which worker reads it, and in what batches, makes no difference.
While the clock goes in steps (`profiles/clock.py`) it is a function of events alone: each partition collects those of a
step by hour, and they are taken in order at its end; for the labels of a step, those of all partitions together
(`gathered`), so that 16 of them notice what one would. Live each goes by its own again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log

import msgspec

from models.config import ChurnConfig
from models.durations import WEEK
from profiles.store import ArrivalRate

__all__ = [
    "EVENTS",
    "EXPECTED",
    "KEPT",
    "ORDERS",
    "TOLERATED",
    "Outages",
    "arrived",
    "collect",
    "gathered",
    "hidden",
    "label_clock",
    "outages_of",
    "settle",
]

EVENTS, ORDERS = "events", "orders"
"""The names of the arrival_rates of a partition."""

KEPT = 8
"""Silences that an arrival rate keeps, the latest."""

EXPECTED = 12.0
"""Hours with an event that a silence would have had if it were no outage, at least."""

TOLERATED = 0.05
"""The share of a horizon that outages may cover without spoiling its label.

Who orders within a horizon, and only in so small a part of it, is taken for lost: hardly more than one in twenty of
those who order, one in fifty on CDNOW (a week of 26 adds .5 points to a churn of 73.5 %). Without this, one outage of a
few days would take away every full label of half a year.
"""

HALF_LIFE = 4 * WEEK
"""After so much time, what was usual counts half."""

_HOUR = 3600.0

Outages = Sequence[tuple[float, float]]
"""(from, to) of each, seconds."""


def arrived(arrivals: ArrivalRate, time: float, least: float | None) -> tuple[float, float] | None:
    """An event happened: keep the arrivals up.

    Args:
        arrivals: changed in place.
        time: of the event; one that is older than the latest changes nothing.
        least: the shortest silence that may be an outage, seconds; None: none is.

    Returns:
        The outage that this event ended, if it did.
    """
    if time <= arrivals.last:
        return None
    silence = time - arrivals.last
    if not arrivals.last or silence > max(HALF_LIFE, arrivals.last - arrivals.first):
        # What lies further back than it lasted, such as one event of 1990, says nothing about what is usual.
        arrivals.first = arrivals.last = time
        arrivals.active, arrivals.longest = 1.0, 0.0
        return None
    if least is not None and silence > least and _is_unusual(arrivals, silence):
        found = (arrivals.last, time)
        arrivals.silences = [*arrivals.silences, found][-KEPT:]
        arrivals.first += silence  # as if it had not been: an outage says nothing about what is usual
        arrivals.last = time
        return found
    if time // _HOUR > arrivals.last // _HOUR:
        fade = 2.0 ** (-silence / HALF_LIFE)
        arrivals.active = arrivals.active * fade + 1.0
        arrivals.longest = max(arrivals.longest * fade, silence)
    arrivals.last = time
    return None


def collect(arrivals: ArrivalRate, times: Iterable[float]) -> None:
    """Events of a step of the clock happened, in whatever order they came: keep them until its end."""
    for time in times:
        hour = int(time // _HOUR)
        first, last = arrivals.hours.get(hour, (time, time))
        arrivals.hours[hour] = min(first, time), max(last, time)


def settle(arrivals: ArrivalRate, least: float | None) -> list[tuple[float, float]]:
    """The step is over: keep the arrivals up, as if its events had come in order.

    Args:
        arrivals: changed in place.
        least: as of `arrived`.

    Returns:
        The outages that events of the step ended.
    """
    times = [time for _, both in sorted(arrivals.hours.items()) for time in both]
    arrivals.hours = {}
    return [outage for time in times if (outage := arrived(arrivals, time, least)) is not None]


def gathered(
    before: Mapping[str, ArrivalRate], parts: Iterable[Mapping[str, ArrivalRate]], least: float | None
) -> dict[str, ArrivalRate]:
    """The arrival rates of all partitions together, at the end of a step. Gathering a step twice changes nothing.

    Args:
        before: as of the end of the step before; none at the beginning.
        parts: of the partitions, with what they collected in this step. Not changed.
        least: as of `arrived`.
    """
    after = {kind: msgspec.convert(msgspec.to_builtins(rate), ArrivalRate) for kind, rate in before.items()}
    for part in parts:
        for kind, arrivals in part.items():
            collect(after.setdefault(kind, ArrivalRate()), (time for both in arrivals.hours.values() for time in both))
    for arrivals in after.values():
        settle(arrivals, least)
    return after


def label_clock(arrival_rates: Mapping[str, ArrivalRate], now: float, watermark: float, config: ChurnConfig) -> float:
    """The time that labels have reached: up to then all orders are known, as far as anybody can tell.

    Neither the clock nor the watermark alone tell that: after a halt of ours, visits may have been read whose orders
    still wait in the log, and orders may fail to arrive while visits do. So a label waits for a later order, of
    anybody in the partition; but no longer than `churn.outage`, by when a silence is usual or an outage.
    """
    orders = arrival_rates[ORDERS].last if ORDERS in arrival_rates else 0.0
    return min(now, max(orders, watermark - (config.outage or 0.0)))


def outages_of(arrival_rates: Mapping[str, ArrivalRate], watermark: float, config: ChurnConfig) -> Outages:
    """The outages known in a partition: declared, noticed, and under way at the watermark."""
    known = [(outage.from_, outage.to) for outage in config.outages]
    for arrivals in arrival_rates.values():
        known += arrivals.silences
        silence = watermark - arrivals.last
        if config.outage is not None and silence > config.outage and _is_unusual(arrivals, silence):
            known.append((arrivals.last, watermark))
    return known


def hidden(outages: Outages, after: float, until: float) -> bool:
    """Whether outages, which may overlap, cover more of (after, until] than TOLERATED."""
    covered, reached = 0.0, after
    for begin, end in sorted(outages):
        if (more := min(end, until) - max(begin, reached)) > 0:
            covered += more
            reached = min(end, until)
    return covered > TOLERATED * (until - after)


def _is_unusual(arrivals: ArrivalRate, silence: float) -> bool:
    known = arrivals.last - arrivals.first
    if silence <= 2 * arrivals.longest or known < 2 * silence:
        return False
    faded = HALF_LIFE / log(2) * (1.0 - 2.0 ** (-known / HALF_LIFE))  # the time that `active` stands for
    return bool(silence * arrivals.active >= EXPECTED * faded)
