"""`model.snapshots`: the learner's newest checkpoint, how far it had come, and what the last census found."""

from __future__ import annotations

import logging
from typing import NamedTuple

import msgspec

from models.labels.examples import Example, GrownModel, ModelCommand, Of, TrainingRecord
from models.learning.checkpoint import OtherFormat, load
from profiles.stores.restoring.restore import LEAP
from profiles.units import LearnerState
from streams.kafka.reader import Extent, Log
from streams.rebuild.order import Order, order_of, place_of
from streams.worker.census import SNAPSHOT

__all__ = ["Snapshots", "learner_of", "read_decisions", "read_learner"]

log = logging.getLogger(__name__)

_decode = msgspec.msgpack.Decoder(TrainingRecord).decode


class Snapshots(NamedTuple):
    """What the topic holds."""

    learner: LearnerState | None  # None if there is no checkpoint that can be read
    findings: bytes | None  # JSON of the last census, if there was one
    version: int  # the highest of either


async def read_learner(kafka: Log, extent: Extent) -> Snapshots:
    """The learner's state, and the findings.

    Raises:
        Misconfigured: the checkpoint is damaged.
    """
    newest: tuple[Order, bytes] | None = None
    found: tuple[Order, bytes] | None = None
    version = highest = 0
    async for batch in kafka.read([extent]):
        for record in batch.records:
            if record.key == SNAPSHOT:
                order = order_of(record, 0)
                highest = max(highest, order.version)
                if record.value is not None and (found is None or order >= found[0]):
                    found = order, record.value
                continue
            order = order_of(record, place_of(record))
            version = max(version, order.version)
            if record.value is not None and (newest is None or order >= newest[0]):
                newest = order, record.value
    learner = newest and learner_of(newest[1], version, newest[0].applied)
    return Snapshots(learner, found and found[1], max(version, highest))


async def read_decisions(kafka: Log, extent: Extent) -> list[ModelCommand | GrownModel | Of]:
    """What people have decided about the models, and the nightly ones, as far as `training.examples` still tells."""
    found: dict[str, ModelCommand | GrownModel | Of] = {}
    async for batch in kafka.read([extent], accept_gaps=True):
        for raw in batch.records:
            record = _decode(raw.value)
            if isinstance(record, ModelCommand | GrownModel | Of) and not isinstance(
                getattr(record, "record", None), Example
            ):
                found.setdefault(record.key, record)
    return list(found.values())


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
