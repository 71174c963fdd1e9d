"""Timers while a history is gone through: what they wait for."""

from __future__ import annotations

import asyncio
import uuid

import faust
import msgspec
from faust.types import TP
from prometheus_client import CollectorRegistry

from profiles.state import Limits
from profiles.stores.memory import MemoryStore
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.settings import Settings
from streams.steps.schedule import postpone
from streams.steps.update import update
from streams.worker.clock.timers import Backlog, Timers
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import nothing_told
from tests.build import T0, event, in_steps, record

DAY = 86_400.0
METRICS = WorkerMetrics(CollectorRegistry())


def test_nobody_is_looked_at_as_of_a_gate_while_workers_are_given_another_plan() -> None:
    """Those who are held back then would be looked at again at the next gate, which may be a day later."""

    async def story() -> list[int]:
        store = MemoryStore(uuid.uuid4(), 1)
        log, clock = MemoryLog({"profile.events": 1, "profile.changes": 1}), in_steps(T0 + 2 * DAY)
        steps = Steps(Pipeline(), Pipeline(update("EUR", Limits()), postpone()), Pipeline())
        runner = ProfileRunner(steps, store, 1, Outbox(log, Settings()), METRICS, clock, nothing_told)
        runner.assigned([0])
        happened = msgspec.msgpack.encode(event("purchase", 1, profile="c", amount=100))
        await runner.apply([Batch(TP("profile.events", 0), [record(0, happened, topic="profile.events")], 0)])
        held = [True]
        timers = Timers(runner, Backlog(faust.App("timers"), set(), 1), clock, lambda: any(held))
        versions = []
        for _ in range(2):
            await timers.fire_gate()
            versions.append(store.partition(0).version)
            held.clear()
        await runner.close()
        return versions

    assert asyncio.run(story()) == [1, 2]
