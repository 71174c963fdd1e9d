"""All simulated companies together: one seeded, endless stream of events in order of time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from random import Random
from typing import Any

from console.demo.b2b.firms import make_firm
from console.demo.b2b.life import live
from console.demo.journal import Entry, Journal

__all__ = ["simulate_companies"]


def simulate_companies(seed: int, companies: int, start: float, end: float = math.inf) -> Iterator[dict[str, Any]]:
    """The events of a business that sells software to companies, in order of time: Segment events with their `source`.

    The same arguments give the same events, ids included; a later `end` only gives more of them.

    Args:
        seed: of all chance.
        companies: how many, numbered from 1.
        start: when it is looked at first, seconds since the epoch; most have a contract by then.
        end: events before this time only.
    """
    scope = f"b2b:{seed}:{start:.0f}"

    def company(number: int) -> Iterator[Entry]:
        random = Random(f"b2b:{seed}:{number}")
        return live(make_firm(number, start, random), Journal(scope, number), random)

    for time, _, _, event in heapq.merge(*(company(number) for number in range(1, companies + 1))):
        if time >= end:
            return
        yield event
