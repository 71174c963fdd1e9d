"""What marks the records of a load of history among those of a live source."""

from __future__ import annotations

from aiokafka.structs import ConsumerRecord

from streams.records.position import header_of

__all__ = ["LOAD", "load_of"]

LOAD = "load"
"""Header of a record that a load of history wrote: the load's id."""

_LONGEST = 100  # characters of an id; what is longer is none of ours


def load_of(record: ConsumerRecord) -> str:
    """The id of the load that a record is of; "" if it is of none."""
    if not record.headers:
        return ""
    load = header_of(record.headers, LOAD)
    return load if len(load) <= _LONGEST else ""
