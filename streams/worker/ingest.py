"""The ingest runner: raw records in, neutral events out by profile, links to the linker, the rest to `events.rejected`.

A batch is acknowledged only after Kafka has all that came of it. A crash before that repeats the batch; the profiles'
partitions know by the origin of each event what they have had already.
"""

from __future__ import annotations

import time

import msgspec
from aiokafka.structs import ConsumerRecord

from profiles.types import Event, Identity, partition_of
from streams.clock import Clock
from streams.kafka.output import BatchProducer, Row
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, REJECTED, topic_name
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.records.links import LinkRequest
from streams.settings import Settings
from streams.steps.intake import Intake
from streams.worker.circuit_breaker import CircuitBreaker

__all__ = ["Ingest"]

_ASKED = 100_000  # requests remembered, so that a refused link is not asked for with every event…
_ASK_AGAIN = 600.0  # …but only now and then: what stood in its way may be gone
_encode = msgspec.msgpack.Encoder().encode


class Ingest:
    """Takes the batches of the source topics through the ingest pipeline."""

    def __init__(
        self,
        pipeline: Pipeline[Intake],
        producer: BatchProducer,
        settings: Settings,
        metrics: WorkerMetrics,
        clock: Clock,
        breaker: CircuitBreaker,
    ) -> None:
        self._pipeline = pipeline
        self._producer = producer
        self._partitions = settings.partitions
        self._metrics = metrics
        self._clock = clock
        self._breaker = breaker
        self._profile_events = topic_name(settings, PROFILE_EVENTS)
        self._identity_links = topic_name(settings, IDENTITY_LINKS)
        self._rejected = topic_name(settings, REJECTED)
        self._asked: dict[tuple[Identity, ...], float] = {}  # → when

    async def handle(self, source: str, records: list[ConsumerRecord]) -> bool:
        """Take one fetched batch all the way; returns when Kafka has everything that came of it.

        False if the source is paused: then nothing came of the batch, and it must not be acknowledged.
        """
        if self._breaker.shut(source):
            return False
        batch = Intake(source, records, self._clock.now())
        await self._pipeline.run(batch)
        if not await self._breaker.admit(batch, records):
            return False
        events = [item.event for item in batch.items if item.event is not None]
        requests = self._new_requests(batch.links)
        rows = [self._row(event) for event in events]
        rows += [
            Row(self._identity_links, 0, request.event.encode(), _encode(request)) for request in requests.values()
        ]
        rows += [
            Row(self._rejected, rejection.partition or 0, source.encode(), rejection.encode())
            for rejection in batch.rejected
        ]
        await self._producer.produce(rows)
        self._remember(requests)
        flagged = sum(1 for event in events if event.violations)
        self._metrics.ingested(source, accepted=len(events) - flagged, flagged=flagged, rejected=batch.rejected)
        return True

    def _row(self, event: Event) -> Row:
        return Row(
            self._profile_events,
            partition_of(event.profile, self._partitions),
            event.profile.encode(),
            _encode(event),
        )

    def _new_requests(self, links: list[tuple[Event, list[Identity]]]) -> dict[tuple[Identity, ...], LinkRequest]:
        requests: dict[tuple[Identity, ...], LinkRequest] = {}
        for event, identities in links:
            key = tuple(identities)
            asked = self._asked.get(key)
            if key not in requests and (asked is None or time.monotonic() - asked > _ASK_AGAIN):
                requests[key] = LinkRequest(identities, event.time, event.source, event.id)
        return requests

    def _remember(self, requests: dict[tuple[Identity, ...], LinkRequest]) -> None:
        self._asked.update(dict.fromkeys(requests, time.monotonic()))
        while len(self._asked) > _ASKED:
            del self._asked[next(iter(self._asked))]
