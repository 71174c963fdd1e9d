"""All simulated customers together: one seeded, endless stream of events in order of time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any

from console.demo.journal import Journal
from console.demo.life import live
from console.demo.people import WEEK, make_person

__all__ = ["monday_before", "simulate", "time_of"]

_A_MONDAY = 4 * 86400.0  # 1970-01-05


def simulate(seed: int, customers: int, start: float, end: float = math.inf) -> Iterator[dict[str, Any]]:
    """The events of a small shop, in order of time: Segment events with their `source`.

    The same arguments give the same events, ids included; a later `end` only gives more of them.

    Args:
        seed: of all chance.
        customers: how many, numbered from 1; some of them never say who they are.
        start: when the shop opens, seconds since the epoch.
        end: events before this time only.
    """
    scope = f"{seed}:{start:.0f}"

    def customer(number: int) -> Iterator[tuple[float, int, int, dict[str, Any]]]:
        random = Random(f"{seed}:{number}")
        return live(make_person(number, start, random), Journal(scope, number), random)

    for time, _, _, event in heapq.merge(*(customer(number) for number in range(1, customers + 1))):
        if time >= end:
            return
        yield event


def monday_before(time: float) -> float:
    """The beginning of the week, UTC."""
    return time - (time - _A_MONDAY) % WEEK


def time_of(event: dict[str, Any]) -> float:
    """When an event happens, seconds since the epoch."""
    return datetime.fromisoformat(event["timestamp"]).timestamp()
