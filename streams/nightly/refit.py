"""One night: read what the learner was told, grow the model of each definition of churn, and hand it to the learner.

It reads `training.examples` from its beginning each time, in no group; what is known already is dropped by its digest.
The models go to the end of that log, so they stand behind all that they were grown from, and a replay of the log takes
them up at the same place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from analysis.archive.folder import Folder
from analysis.archive.manifests import load
from models.churn.kinds.survival import KIND
from models.config import ChurnConfig
from models.labels.examples import GrownModel, Of, OwnRecord, TrainingRecord
from models.nightly.growing import grow
from models.nightly.sample import SnapshotSample
from plan import Plan
from profiles.identity.secrets import suppression
from streams.kafka.output import Produces, Row
from streams.kafka.reader import Log, Tell
from streams.kafka.topics import TRAINING_EXAMPLES, topic_name
from streams.nightly.gauges import RefitMetrics
from streams.nightly.keeping import forget_others, keep, kept
from streams.settings import Settings

__all__ = ["Grown", "refit"]

log = logging.getLogger(__name__)

_decode = msgspec.msgpack.Decoder(TrainingRecord).decode
_encode = msgspec.msgpack.Encoder().encode


class Grown(msgspec.Struct, frozen=True):
    """What became of one definition of churn."""

    churn: str  # "" for the plan's own
    snapshots: int  # that are known
    before: int  # of them, kept from earlier nights
    model: str | None  # id of the model; None: too little is known yet
    bytes: int = 0
    seconds: float = 0.0


async def refit(
    kafka: Log,
    producer: Produces,
    settings: Settings,
    plan: Plan,
    now: Callable[[], float],
    metrics: RefitMetrics,
    tell: Tell,
) -> list[Grown]:
    """Grow the models of all definitions and hand them over.

    Args:
        kafka: read from.
        producer: to Kafka.
        settings: where the archive is, if there is one.
        plan: with the definitions of churn.
        now: the time.
        metrics: of this process.
        tell: hears how many records more have been read.

    Raises:
        Misconfigured: Kafka or the archive cannot be read.
    """
    topic = topic_name(settings, TRAINING_EXAMPLES)
    folder = Folder(settings.archive) if settings.archive else None
    who = partial(suppression, plan.pii_key)
    samples = {config.name: SnapshotSample(config, who=who) for config in plan.churn.each()}
    before = dict.fromkeys(samples, 0)
    if folder is not None:
        for config in plan.churn.each():
            before[config.name] = await asyncio.to_thread(kept, folder, config, samples[config.name])
    await _read(kafka.telling(tell), topic, samples)
    gone: Mapping[str, float] = {}
    if folder is not None:
        gone = (await asyncio.to_thread(load, folder)).away
        await asyncio.to_thread(forget_others, folder, plan.churn.each(), gone)
    found: list[Grown] = []
    for config in plan.churn.each():
        sample = samples[config.name]
        if folder is not None:
            await asyncio.to_thread(_keep, folder, config, sample, gone)
        one, row = await asyncio.to_thread(_grow, config, sample, before[config.name], now(), topic)
        found.append(one)
        if row is not None:
            await producer.produce([row])
            if not config.name:
                metrics.grown.set(now())
                metrics.seconds.set(one.seconds)
                metrics.snapshots.set(one.snapshots)
    return found


async def _read(kafka: Log, topic: str, samples: dict[str, SnapshotSample]) -> None:
    async for batch in kafka.read(await kafka.extents(topic), accept_gaps=True):
        told: dict[str, list[OwnRecord]] = {name: [] for name in samples}
        for raw in batch.records:
            record = _decode(raw.value or b"")
            churn, own = (record.churn, record.record) if isinstance(record, Of) else ("", record)
            if churn in told:  # else of a plan that was
                told[churn].append(own)
        for name, records in told.items():
            samples[name].add(records)


def _keep(folder: Folder, config: ChurnConfig, sample: SnapshotSample, gone: Mapping[str, float]) -> None:
    sample.forget(gone)
    keep(folder, config, sample)


def _grow(config: ChurnConfig, sample: SnapshotSample, before: int, now: float, topic: str) -> tuple[Grown, Row | None]:
    """The model of one definition, and the record that carries it; None while too little is known."""
    began = time.perf_counter()
    model = grow(sample, config, now)
    if model is None:
        return Grown(config.name, len(sample), before, None), None
    document = model.to_json()
    grown = GrownModel(f"{config.name}:{now!r}", KIND.name, now, document)
    record: TrainingRecord = Of(config.name, grown) if config.name else grown
    seconds = round(time.perf_counter() - began, 3)
    done = Grown(config.name, model.snapshots, before, model.id, len(document), seconds)
    return done, Row(topic, 0, b"grown", _encode(record))
