"""What travels through the ingest steps: a batch of raw records on its way to becoming neutral events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aiokafka.structs import ConsumerRecord

from plan import EventRule, Standing
from profiles.errors import Unacceptable
from profiles.times import rfc3339
from profiles.types import Event, Identity
from streams.records.links import LinkRequest
from streams.records.loads import load_of
from streams.records.position import position_of, recorded_at
from streams.records.rejected import KEPT, Rejection
from streams.records.unforeseen import unreadable
from streams.records.withdrawal import WITHDRAWAL
from streams.scrub import scrub

__all__ = ["FORGOTTEN", "Each", "InChunks", "Intake", "Item", "chunks", "kind_of"]

FORGOTTEN = "erased"
"""The one reason for which nothing of an event is kept."""


_CHUNK = 128
_NONE: list[str] = []  # never added to: there is one item for every event


class Item:
    """One record on its way; each step fills in what it finds."""

    raw: dict[str, Any]  # until the event is packed
    properties: dict[str, Any]
    identities: list[Identity]
    home: str  # the profile that the strongest identity is by itself
    packed: bytes  # the event, encoded
    standing: Standing  # of a public source's event

    __slots__ = (
        "along", "erased", "event", "home", "identities", "name", "packed", "properties", "raw", "received", "record",
        "rule", "standing", "time", "violations",
    )  # fmt: skip

    def __init__(self, record: ConsumerRecord) -> None:
        self.record = record
        self.name = ""
        self.received = 0.0  # seconds, by the collector, else by Kafka
        self.time = 0.0  # seconds, when it happened
        self.rule: EventRule | None = None
        self.violations: list[str] = _NONE
        self.event: Event | None = None
        self.along: tuple[Any, dict[str, Any]] | None = None  # traits: said, and only carried along, in the context
        self.erased: Sequence[Identity] = ()  # those only carried along whose customers were erased


def kind_of(item: Item) -> str:
    """The planned event that an item is or was to be; "" if it is none, so nothing that its sender made up."""
    rule = item.rule
    return (rule.name if rule.name != "*" else rule.type) if rule is not None else ""


class Intake:
    """A batch of one source."""

    __slots__ = ("items", "links", "now", "records", "refused", "rejected", "source", "withdrawn")

    def __init__(self, source: str, records: list[ConsumerRecord], now: float) -> None:
        self.source = source
        self.now = now
        self.records = records
        self.items = [Item(record) for record in records]
        self.rejected: list[Rejection] = []
        self.refused: list[tuple[Item, Unacceptable]] = []  # what was rejected, until `withdraw` has looked at it
        self.withdrawn: list[Item] = []  # consent that counts though its event is rejected
        self.links: list[LinkRequest] = []  # of events whose identities belong to several profiles

    def reject(self, item: Item, step: str, error: Unacceptable) -> None:
        """Keep an event that can never be accepted as it is."""
        self.refused.append((item, error))
        if error.reason == WITHDRAWAL:  # the collector has kept it already
            return
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
                event=kind_of(item),
            )
        )


class Each:
    """A step that does the same to each item of a batch, and rejects those that it cannot be done to.

    Args:
        name: of the step, told with what it rejects.
        function: of one item; pure.
    """

    def __init__(self, name: str, function: Callable[[Intake, Item], None]) -> None:
        self.__name__ = name
        self._function = function

    def __call__(self, batch: Intake) -> None:
        """The step for the whole batch."""
        batch.items = self.over(batch, batch.items)

    def over(self, batch: Intake, items: list[Item]) -> list[Item]:
        """The step for some items of a batch; answers those that go on."""
        function = self._function
        refused: set[Item] = set()
        for item in items:
            try:
                function(batch, item)
            except Exception as error:
                batch.reject(item, self.__name__, unreadable(self.__name__, error))
                refused.add(item)
        return [item for item in items if item not in refused] if refused else items


class InChunks:
    """Takes a batch through several steps, a few items at a time.

    So what one step has read is still in the processor's cache for the next: with 2,000 events at once the same steps
    take half as long again.
    """

    def __init__(self, *steps: Each) -> None:
        self.__name__ = ", ".join(step.__name__ for step in steps)
        self.steps = steps

    def __call__(self, batch: Intake) -> None:
        """The steps for the whole batch."""
        kept: list[Item] = []
        for items in chunks(batch):
            for step in self.steps:
                items = step.over(batch, items)  # noqa: PLW2901  (those that are left)
            kept += items
        batch.items = kept


def chunks(batch: Intake) -> Iterator[list[Item]]:
    """The items of a batch, a few at a time."""
    for start in range(0, len(batch.items), _CHUNK):
        yield batch.items[start : start + _CHUNK]
