"""What the writer of audiences counts and measures."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

__all__ = ["AudienceMetrics"]


class AudienceMetrics:
    """Metrics of `rapport audiences write`.

    Args:
        registry: where they are registered; a registry takes each name only once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.failures = Counter(
            "rapport_audiences_failures", "Looks at audiences that failed; tried again.", registry=registry
        )
        self.wrong = Counter(
            "rapport_audiences_wrong",
            "Customers of whom a table said something else than the store, found by the daily check and mended.",
            ["segment"],
            registry=registry,
        )
        self.members = Gauge(
            "rapport_audiences_members",
            "Rows of a segment's table.",
            ["segment"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self.looked = Gauge(
            "rapport_audiences_last_timestamp_seconds",
            "When all tables were last as the store is.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
