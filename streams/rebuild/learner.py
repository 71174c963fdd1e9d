"""`model.snapshots`: the learner's newest checkpoint, how far it had come, and what the last census found."""

from __future__ import annotations

import logging
from typing import NamedTuple

from models.learning.checkpoint import OtherFormat, load
from profiles.stores.restore import LEAP
from profiles.units import LearnerState
from streams.kafka.reader import Extent, Log
from streams.rebuild.order import Order, order_of, place_of
from streams.worker.census import SNAPSHOT

__all__ = ["Snapshots", "learner_of", "read_learner"]

log = logging.getLogger(__name__)


class Snapshots(NamedTuple):
    """What the topic holds."""

    learner: LearnerState | None  # None if there is no checkpoint that can be read
    findings: bytes | None  # JSON of the last census, if there was one


async def read_learner(kafka: Log, extent: Extent) -> Snapshots:
    """The learner's state, and the findings.

    Raises:
        Misconfigured: the checkpoint is damaged.
    """
    newest: tuple[Order, bytes] | None = None
    found: tuple[Order, bytes] | None = None
    version = 0
    async for batch in kafka.read([extent]):
        for record in batch.records:
            if record.key == SNAPSHOT:
                order = order_of(record, 0)
                if record.value is not None and (found is None or order >= found[0]):
                    found = order, record.value
                continue
            order = order_of(record, place_of(record))
            version = max(version, order.version)
            if record.value is not None and (newest is None or order >= newest[0]):
                newest = order, record.value
    return Snapshots(newest and learner_of(newest[1], version, newest[0].applied), found and found[1])


def learner_of(checkpoint: bytes, version: int, applied: int) -> LearnerState | None:
    """The learner's state; None if another version of Rapport wrote it, so that the learner starts anew.

    Raises:
        Misconfigured: the checkpoint is damaged.
    """
    try:
        panel, parts = load(checkpoint)
    except OtherFormat as error:
        log.warning("%s: the learner starts anew, from the first training record that Kafka has", error)
        return None
    return LearnerState(version + LEAP, applied, panel, parts)
