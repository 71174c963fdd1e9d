"""Every metric of Rapport, each once, with what it means."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["CollectorMetrics"]


class CollectorMetrics:
    """What the collector counts and measures.

    Args:
        registry: where they are registered; a registry takes each name only once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.requests = Counter(
            "rapport_collector_requests",
            "Requests to the collector, by endpoint and status code.",
            ["endpoint", "status"],
            registry=registry,
        )
        self.events = Counter(
            "rapport_collector_events",
            "Events sent to the collector, by source and outcome: accepted, rejected, limited, unavailable.",
            ["source", "outcome"],
            registry=registry,
        )
        self.produce = Histogram(
            "rapport_collector_produce_seconds",
            "Seconds until Kafka had all events of a request.",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
            registry=registry,
        )
        self.held = Gauge(
            "rapport_collector_held_bytes",
            "Bytes of requests and events that the collector holds until Kafka has them.",
            registry=registry,
        )
