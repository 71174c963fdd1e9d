"""What the linker does beside deciding: `tests/properties/test_protocols.py` has its decisions."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.store import Output
from profiles.stores.memory import MemoryLinkStore
from profiles.units import LinkChanges
from streams.clock import SteppedClock
from streams.identity.history import History
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.metrics import WorkerMetrics
from streams.settings import Settings
from streams.worker.linker import Linker
from tests import REPOSITORY

SETTINGS = Settings(partitions=1)
LEFT = Output("profile.events", b"p", b"merge", "identity.links/0/0", 0)


async def at_once() -> None:
    """Nobody is waited for."""


def test_what_a_killed_linker_has_committed_is_delivered_without_another_request() -> None:
    async def story() -> None:
        log, store = MemoryLog({"profile.events": 1}), MemoryLinkStore()
        await store.commit(LinkChanges(0, 0, outputs=[LEFT]))
        plan = load_plan(REPOSITORY / "tracking_plan.yaml", {})
        metrics, history = WorkerMetrics(CollectorRegistry()), History(log, SETTINGS)
        linker = Linker(
            store, Outbox(log, SETTINGS), history, plan, SETTINGS, metrics, SteppedClock(0.0), at_once, lambda: 1
        )

        async def delivered() -> int:
            await linker.tick()
            return (await log.extents("profile.events"))[0].end

        assert await delivered() == 0
        linker.assigned(mine=True)
        assert await delivered() == 1
        assert await delivered() == 1
        assert await store.outbox() == []

    asyncio.run(story())
