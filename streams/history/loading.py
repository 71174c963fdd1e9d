"""Sends a load of history: portion by portion, each told only when Kafka has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from streams.clock import WALL, Clock
from streams.history.past import Past
from streams.history.registration import BEFORE, Registration
from streams.history.writer import HistoryRows
from streams.kafka.output import Produces

__all__ = ["PORTION", "send_history"]

PORTION = 2_000
"""Most events that are sent at a time."""

_BYTES = 2 * 1024 * 1024  # most bytes of them


async def send_history(
    events: Iterator[Past],
    rows: HistoryRows,
    producer: Produces,
    registration: Registration,
    done: Callable[[int], object],
    *,
    after: int = 0,
    clock: Clock = WALL,
    portion: int = PORTION,
) -> int:
    """Send events in their order, and answer how many are in Kafka, with those of earlier runs.

    Args:
        events: all of the load, sorted (`in_one_order`).
        rows: makes records of them.
        producer: to Kafka.
        registration: of the load, which is told how far it has come, but not that it has ended.
        done: hears, after each portion, how many events are in Kafka.
        after: how many earlier runs have sent.
        clock: when events are received.
        portion: most events that are sent at a time.

    Raises:
        Misconfigured: Kafka refuses an event for good.
    """
    waiting = islice(events, after, None)
    first = next(waiting, None)
    sent = after
    while first is not None:
        together = [first, *_rest(waiting, len(first.event), portion)]
        received = clock.now()
        await producer.produce(rows.of(together, received))
        sent += len(together)
        first = next(waiting, None)
        done(sent)
        if first is not None:  # nothing of the load is earlier; what says it is of the future counts as of now
            await registration.advance(min(first.time, received) - BEFORE, sent)
    return sent


def _rest(events: Iterator[Past], size: int, most: int) -> Iterator[Past]:
    """What goes together with a first event of this size."""
    for past in islice(events, most - 1):
        yield past
        size += len(past.event)
        if size >= _BYTES:
            return
