"""Listen: whether events come as they usually do, or somebody's silence is everybody's."""

from __future__ import annotations

from collections.abc import Callable

from models.config import ChurnConfig
from models.labels.outages import EVENTS, ORDERS, arrived, collect, settle
from profiles.store import ArrivalRate
from profiles.types import Event
from streams.steps.work import Work

__all__ = ["detect_outages"]


def detect_outages(config: ChurnConfig, *, settles: bool = True) -> Callable[[Work], None]:
    """The first step: the arrival_rates of the partition, and the outages that this batch ended.

    While the clock goes in steps, events only count once all of their step are here: when its timers fire.

    Args:
        config: says what an outage is.
        settles: whether this may be that time. A batch of repeats brings no record, either.
    """

    def run(work: Work) -> None:
        if settles and not (work.gate and work.records):
            for kind, arrivals in work.arrival_rates.items():
                work.outages += [(kind, *outage) for outage in settle(arrivals, config.outage)]
        events = [record for record in work.records if type(record) is Event]
        note(work, EVENTS, [event.time for event in events])
        note(work, ORDERS, [event.time for event in events if event.role == config.role])

    def note(work: Work, kind: str, times: list[float]) -> None:
        if not times:
            return
        arrivals = work.arrival_rates.setdefault(kind, ArrivalRate())
        if work.gate:
            collect(arrivals, times)
            return
        for time in times:
            if outage := arrived(arrivals, time, config.outage):
                work.outages.append((kind, *outage))

    return run
