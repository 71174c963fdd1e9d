"""`model.snapshots`: the learner's newest checkpoint, and up to which lesson it had come."""

from __future__ import annotations

from models.checkpoint import load
from profiles.stores.learner import LearnerState
from profiles.stores.restore import LEAP
from streams.rebuilding.log import Extent, Log, Order, header, order_of

__all__ = ["read_learner"]


async def read_learner(log: Log, extent: Extent) -> LearnerState | None:
    """The learner's state; None if there is no checkpoint.

    Raises:
        Misconfigured: the checkpoint is damaged.
    """
    newest: tuple[Order, bytes] | None = None
    version = 0
    async for records in log.records(extent):
        for record in records:
            place = (header(record, "id") or b"").rpartition(b":")[2]
            order = order_of(record, int(place) if place.isdigit() else -1)
            version = max(version, order.version)
            if record.value is not None and (newest is None or order >= newest[0]):
                newest = order, record.value
    if newest is None:
        return None
    order, checkpoint = newest
    panel, parts = load(checkpoint)
    return LearnerState(version + LEAP, order.applied, panel, parts)
