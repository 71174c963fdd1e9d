"""When a record was committed, told by its headers: a log may have older news behind newer."""

from __future__ import annotations

from typing import NamedTuple

from aiokafka.structs import ConsumerRecord

from profiles.stores.positions import EPOCH
from streams.records.position import header_of

__all__ = ["Order", "order_of", "place_of"]


class Order(NamedTuple):
    """When a record was committed, by its writer. The larger, the later.

    Offsets come before versions: a Redis that came back older numbers its commits anew, but has to apply the same
    records again. Where the log itself was replaced (`rapport adopt-kafka`) the epoch tells.
    """

    epoch: int
    applied: int
    version: int


def order_of(record: ConsumerRecord, applied: int) -> Order:
    """The order of a record whose commit had applied its input up to an offset."""
    version = int(header_of(record.headers, "version") or 0)
    return Order(version // EPOCH, applied, version)


def place_of(record: ConsumerRecord) -> int:
    """The offset that a record's commit had applied its input up to, as the end of its id says; -1 if it does not."""
    place = header_of(record.headers, "id").rpartition(":")[2]
    return int(place) if place.isdigit() else -1
