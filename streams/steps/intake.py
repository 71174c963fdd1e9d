"""What travels through the ingest steps: a batch of raw records on its way to becoming neutral events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiokafka.structs import ConsumerRecord

from plan import EventRule
from profiles.errors import Unacceptable
from profiles.times import rfc3339
from profiles.types import Event, Identity
from streams.records.loads import load_of
from streams.records.position import position_of, recorded_at
from streams.records.rejected import KEPT, Rejection
from streams.scrub import scrub

__all__ = ["FORGOTTEN", "Intake", "Item", "each"]

FORGOTTEN = "erased"
"""The one reason for which nothing of an event is kept."""


_NONE: list[str] = []  # never added to: there is one item for every event


class Item:
    """One record on its way; each step fills in what it finds."""

    raw: dict[str, Any]
    properties: dict[str, Any]
    identities: list[Identity]
    home: str  # the profile that the strongest identity is by itself

    __slots__ = (
        "event", "home", "identities", "name", "properties", "raw", "received", "record", "rule", "time", "violations",
    )  # fmt: skip

    def __init__(self, record: ConsumerRecord) -> None:
        self.record = record
        self.name = ""
        self.received = 0.0  # seconds, by the collector, else by Kafka
        self.time = 0.0  # seconds, when it happened
        self.rule: EventRule | None = None
        self.violations: list[str] = _NONE
        self.event: Event | None = None


class Intake:
    """A batch of one source."""

    __slots__ = ("items", "links", "now", "records", "rejected", "source")

    def __init__(self, source: str, records: list[ConsumerRecord], now: float) -> None:
        self.source = source
        self.now = now
        self.records = records
        self.items = [Item(record) for record in records]
        self.rejected: list[Rejection] = []
        self.links: list[tuple[Event, list[Identity]]] = []  # events whose identities belong to several profiles

    def reject(self, item: Item, step: str, error: Unacceptable) -> None:
        """Keep an event that can never be accepted as it is."""
        record = item.record
        place = position_of(record)
        payload = b"" if error.reason == FORGOTTEN else record.value or b""
        self.rejected.append(
            Rejection(
                at=rfc3339(self.now),
                step=step,
                reason=error.reason,
                message=scrub(error.message),
                source=self.source,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                payload=payload[:KEPT],
                position="" if place == f"{record.topic}-{record.partition}-{record.offset}" else place,
                recorded=recorded_at(record),
                truncated=len(payload) > KEPT,
                load=load_of(record),
            )
        )


def each(step: str, function: Callable[[Intake, Item], None]) -> Callable[[Intake], None]:
    """A step from a pure function of one item."""

    def run(batch: Intake) -> None:
        refused: set[Item] = set()
        for item in batch.items:
            try:
                function(batch, item)
            except Unacceptable as error:
                batch.reject(item, step, error)
                refused.add(item)
        if refused:
            batch.items = [item for item in batch.items if item not in refused]

    run.__name__ = step
    return run
