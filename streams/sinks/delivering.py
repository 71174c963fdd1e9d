"""`rapport deliver`: the process that tells all sinks of a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from plan import Plan
from profiles.stores import Stores, open_stores
from streams.clock import WALL, Clock
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.settings import Settings
from streams.sinks.crew import end
from streams.sinks.environment import Outlet
from streams.sinks.gauges import DeliveryMetrics
from streams.sinks.owner import Deliverer
from streams.sinks.running import Advise
from streams.sinks.whole import check_whole
from streams.sinks.writing import DeliveryWriter

__all__ = ["deliver"]

_CONNECT = 15.0  # seconds for Kafka to answer at the start


async def deliver(
    settings: Settings,
    plan: Plan,
    outlets: Mapping[str, Outlet],
    metrics: DeliveryMetrics,
    stop: asyncio.Event,
    clock: Clock = WALL,
    adviser: Callable[[Stores], Advise] | None = None,
) -> None:
    """Tell sinks until asked to stop.

    Args:
        settings: where Kafka and Redis are.
        plan: with the routes.
        outlets: the sinks, by name.
        metrics: what is counted.
        stop: ends it.
        clock: by which things are due.
        adviser: makes what says what would lower a risk.
    """
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
    producer = BatchProducer(settings)
    writer = DeliveryWriter(producer, settings)
    kafka = KafkaLog(settings, connect=_CONNECT)
    whole = partial(check_whole, stores, plan, settings)
    advise = adviser(stores) if adviser is not None else None
    deliverer = Deliverer(outlets, plan, kafka, stores.reader, writer, settings, metrics, clock, whole, advise)
    running = asyncio.create_task(deliverer.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        await end((running, stopping))
        await producer.stop()
        await stores.close()
