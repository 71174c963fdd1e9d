"""What a worker tells of what came in: each event once, in the minute that it is."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from profiles.stores.memory import MemorySourceStore
from streams.clock import Clock
from streams.metrics import WorkerMetrics
from streams.worker.inflow import Inflow


def test_each_event_is_told_once_in_its_minute() -> None:
    metrics, store = WorkerMetrics(CollectorRegistry()), MemorySourceStore()
    now = [600.0]

    class At(Clock):
        def now(self) -> float:
            return now[0]

    metrics.ingested("web", accepted=9, flagged=0, rejected=[])  # of a process before, which had the same number

    async def test() -> None:
        inflow = Inflow(store, metrics.totals, At())
        metrics.ingested("web", accepted=5, flagged=1, rejected=[])
        metrics.applied([0.2, 0.02, 700.0], outcomes={}, risks=[], alerts=[])
        await inflow.tell()
        await inflow.tell()
        now[0] = 661.0
        metrics.ingested("web", accepted=2, flagged=0, rejected=[])
        await inflow.tell()

        first, second = await store.counts([10, 11])
        assert first == {
            "event|web|accepted": 5, "event|web|flagged": 1, "seconds|0.25": 1, "seconds|0.025": 1, "seconds|+Inf": 1,
        }  # fmt: skip
        assert second == {"event|web|accepted": 2}

    asyncio.run(test())
