"""Plays the simulated customers through the collector: history in a rush, then weeks in seconds, then real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from console.demo.people import WEEK
from console.demo.simulate import time_of
from console.files.delivery import Collector
from streams.history.registration import BEFORE

__all__ = ["Tempo", "play", "weeks_between"]

TICK = 0.25
"""Seconds between portions: at the usual pace four hours of the shop."""

PORTION = 500
"""Most events of one request."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How the shop's clock runs.

    Args:
        start: when the shop opens, seconds since the epoch.
        history: seconds of the shop's time that are told in a rush.
        rush: seconds of the shop's time per second until then.
        factor: the same from then on, until the present is reached.
    """

    start: float
    history: float
    rush: float
    factor: float

    def clock(self, elapsed: float, now: float) -> float:
        """The shop's time after so many seconds; never later than the present, where it goes on in real time."""
        rushed = self.history / self.rush
        shop = self.start + min(elapsed, rushed) * self.rush + max(0.0, elapsed - rushed) * self.factor
        return min(shop, now)


async def play(
    events: Iterator[dict[str, Any]],
    collector: Collector,
    keys: Mapping[str, str],
    tempo: Tempo,
    *,
    acknowledged: Callable[[float, int, bool], Awaitable[None]],
    stop_at_present: bool = False,
) -> int:
    """Send events when their time comes; one request after the other, so that they arrive in order of their times.

    Args:
        events: in order of time, with their `source`.
        collector: where to.
        keys: the write key of each source.
        tempo: how the shop's clock runs.
        acknowledged: called with a time up to which the collector has all events, how many that is so far, and whether
            that is the present.
        stop_at_present: return when the present is reached.

    Raises:
        DeliveryError: the collector refuses the events, or is away for too long.
    """
    began = time.monotonic()
    sent = 0
    waiting = next(events, None)
    while waiting is not None:
        now = time.time()
        shop = tempo.clock(time.monotonic() - began, now)
        portion: dict[str, list[bytes]] = {}
        count = 0
        while waiting is not None and count < PORTION and time_of(waiting) <= shop:
            source = waiting.pop("source")
            portion.setdefault(source, []).append(orjson.dumps(waiting))
            count += 1
            waiting = next(events, None)
        for source, batch in portion.items():
            await collector.post(keys[source], batch)
        sent += count
        reached = shop if waiting is None else min(shop, time_of(waiting) - BEFORE)
        await acknowledged(reached, sent, count < PORTION and shop >= now)
        if count < PORTION:
            if stop_at_present and shop >= now:
                break
            await asyncio.sleep(TICK)
    return sent


def weeks_between(start: float, shop: float) -> int:
    """Whole weeks that the shop has been open."""
    return int((shop - start) // WEEK)
