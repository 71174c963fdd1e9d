"""Listen: whether events come as they usually do, or somebody's silence is everybody's."""

from __future__ import annotations

from collections.abc import Callable

from models.config import ChurnConfig
from models.outages import EVENTS, ORDERS, hear
from profiles.store import Pulse
from profiles.types import Event
from streams.steps.work import Work

__all__ = ["listen"]


def listen(config: ChurnConfig) -> Callable[[Work], None]:
    """The first step: the pulses of the partition, and the outages that this batch ended."""

    def run(work: Work) -> None:
        for record in work.records:
            if type(record) is Event:
                note(work, EVENTS, record.time)
                if record.role == config.role:
                    note(work, ORDERS, record.time)

    def note(work: Work, kind: str, time: float) -> None:
        pulse = work.pulses.get(kind)
        if pulse is None:
            pulse = work.pulses[kind] = Pulse()
        if outage := hear(pulse, time, config.outage):
            work.outages.append((kind, *outage))

    return run
