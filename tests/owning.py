"""One sink run by its owner on a log and a store in memory, to a receiver of its own: what real processes do, in
milliseconds and on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiokafka.structs import TopicPartition
from prometheus_client import CollectorRegistry

from plan import Plan
from profiles.store import Changes
from profiles.stores.memory import MemoryStore
from profiles.types import Profile, Stay
from streams.clock import SteppedClock
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.topics import DELIVERIES, DELIVERIES_DEAD, TOLD
from streams.records.deliveries import Delivery, decode_delivery
from streams.settings import Settings
from streams.sinks.deciding.ledger import Ledger
from streams.sinks.environment import outlet
from streams.sinks.gauges import DeliveryMetrics
from streams.sinks.running import SinkRunner
from streams.sinks.writing import DeliveryWriter
from tests.build import T0
from tests.sinks import Receiver, caller
from tests.telling import SECRET

__all__ = ["Owning"]


class Owning:
    """A sink `crm` of a plan.

    Args:
        plan: with the sink.
        receiver: who is told.
    """

    def __init__(self, plan: Plan, receiver: Receiver) -> None:
        self.plan = plan
        self.store = MemoryStore(plan.namespace, 1)
        self.clock = SteppedClock(T0)
        self.log = MemoryLog({**dict.fromkeys(TOLD, 1), DELIVERIES: 1, DELIVERIES_DEAD: 1}, self.clock)
        self.settings = Settings(partitions=1)
        environ = {"RAPPORT_SINK_CRM_URL": receiver.url, "RAPPORT_SINK_CRM_SECRET": SECRET}
        self.outlet = outlet(plan, "crm", environ)
        self._version = 0

    async def put(self, *profiles: Profile, left: tuple[tuple[str, str], ...] = (), removed: tuple[str, ...] = ()):
        """Commit these documents, with what the index of members says of them."""
        entered = [(name, each.id, stay.since) for each in profiles for name, stay in each.segments.items()]
        changes = Changes(
            self._version, profiles=list(profiles), entered=entered, left=list(left), removed=list(removed)
        )
        self._version = await self.store.commit(0, changes)

    def deliveries(self) -> list[Delivery]:
        """All records of the topic."""
        held = self.log.held(TopicPartition(DELIVERIES, 0))
        return [decode_delivery(record.value) for record in held.records if record.value]

    def ledger(self) -> Ledger:
        """What follows from them."""
        found = Ledger("crm")
        for record in self.deliveries():
            found.apply(record)
        return found

    async def tell(self, topic: str, key: str, value: bytes) -> None:
        """Put a record on a topic that sinks read."""
        await self.log.produce([Row(topic, 0, key.encode(), value)])

    def runner(self, **more: Any) -> SinkRunner:
        """An owner that knows what is written."""
        return SinkRunner(
            self.outlet, self.plan, self.ledger(), self.log, self.store, DeliveryWriter(self.log, self.settings),
            self.settings, self.clock, DeliveryMetrics(CollectorRegistry()), caller(), **more,
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def running(self, **more: Any) -> AsyncIterator[SinkRunner]:
        """An owner at work, until the block ends: as by a kill."""
        runner = self.runner(**more)
        async with runner.caller:
            task = asyncio.create_task(runner.run())
            try:
                yield runner
            finally:
                task.cancel()
                await asyncio.wait({task}, timeout=5)
                assert task.done()
                if not task.cancelled():
                    task.result()


def member(number: int, segments: Mapping[str, float] | None = None, **traits: Any) -> Profile:
    """A customer with a user id, who is in these segments since then."""
    profile = Profile(f"{number:022d}")
    profile.updated = T0
    profile.identities = {"user_id": {f"u{number}": T0}}
    profile.traits = {name: (value, T0, b"12345678") for name, value in traits.items()}
    profile.segments = {name: Stay(since) for name, since in (segments or {}).items()}
    return profile
