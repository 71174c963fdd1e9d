"""`profile.changes`: which document of each profile is the newest, and how far the partition had come with them.

A partition is read twice: first for what is newest, then for that alone. So memory holds a few numbers for each
profile, and no documents.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from math import inf

import msgspec

from profiles.documents import decode_profile, encode_profile
from profiles.errors import Misconfigured
from profiles.store import Loaded
from profiles.stores.restoring.restore import LEAP, Document
from profiles.types import ERASED, Profile, is_company
from streams.kafka.outbox import ERASURE, MARKER, Marker
from streams.kafka.reader import Extent, Log
from streams.rebuild.order import Order, order_of
from streams.records.position import header_of
from streams.steps.update import TOMBSTONE_KEPT

__all__ = ["Survey", "Tombstones", "documents", "survey"]

Tombstones = Callable[[str, float], float | None]
"""When the customer of a home was erased; None if so long ago that nothing can be on its way any more.

The second argument is when Kafka heard that the document is gone, seconds: it counts if the linker has not told yet.
Minus infinity of a company that may be gone because nobody is in it; such a one may begin anew.
"""

_decode_marker = msgspec.msgpack.Decoder(Marker).decode
_BEFORE = Order(-1, -1, -1)


@dataclass(slots=True)
class Survey:
    """What is newest in a partition."""

    newest: dict[bytes, tuple[Order, int]] = field(default_factory=dict)  # key → when, and its offset here
    marker: Marker = field(default_factory=Marker)
    marked: Order = _BEFORE
    version: int = 0  # the highest there is

    @property
    def ahead(self) -> dict[str, int]:
        """Documents of a commit that did not come as far as its marker: profile id → offset applied to them."""
        at = self.marker.applied
        return {key.decode(): order.applied for key, (order, _) in self.newest.items() if order.applied > at}

    def position(self) -> Loaded:
        """Where the partition continues, with a version that fences whoever wrote before."""
        marker = self.marker
        return Loaded(
            self.version + LEAP,
            marker.applied,
            marker.watermark,
            origins=dict(marker.origins),
            ahead=self.ahead,
            arrival_rates=dict(marker.arrival_rates),
        )


async def survey(log: Log, extent: Extent) -> Survey:
    """Look through a partition.

    Raises:
        Misconfigured: what is there does not tell how far it goes.
    """
    found = Survey()
    last = _BEFORE
    async for batch in log.read([extent]):
        for record in batch.records:
            order = order_of(record, int(header_of(record.headers, "applied") or -1))
            order = last = last if order == last else order  # shared by all documents of a commit
            found.version = max(found.version, order.version)
            if record.key == MARKER:
                if order >= found.marked:
                    found.marker, found.marked = _decode_marker(record.value), order
            elif (held := found.newest.get(record.key)) is None or order >= held[0]:
                found.newest[record.key] = order, record.offset
    if found.newest and max(order.epoch for order, _ in found.newest.values()) > found.marked.epoch >= 0:
        raise Misconfigured(
            f"{extent.topic}-{extent.partition} does not tell where it goes on since Kafka was adopted "
            "(`rapport adopt-kafka`): the first commit after that is there in part only. Use --from archive"
        )
    return found


async def documents(log: Log, extent: Extent, found: Survey, tombstones: Tombstones) -> AsyncIterator[list[Document]]:
    """The newest documents, in batches. Of an erased customer the topic has only that; that makes a tombstone."""
    async for batch in log.read([extent]):
        answer: list[Document] = []
        for record in batch.records:
            newest = found.newest.get(record.key)
            if newest is None or newest[1] != record.offset:
                continue
            id_ = record.key.decode()
            erased = not is_company(id_) or header_of(record.headers, ERASURE) != ""
            if record.value is not None:
                answer.append((decode_profile(id_, record.value), record.value))
            elif (at := tombstones(id_, record.timestamp / 1000 if erased else -inf)) is not None:
                tombstone = Profile(id_, redirect=ERASED, scheduled_at=at + TOMBSTONE_KEPT)
                answer.append((tombstone, encode_profile(tombstone)))
        if answer:
            yield answer
