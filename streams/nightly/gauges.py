"""What the nightly model's process counts and measures."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

__all__ = ["RefitMetrics"]


class RefitMetrics:
    """Metrics of `rapport models refit`.

    Args:
        registry: where they are registered; a registry takes each name only once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.failures = Counter(
            "rapport_refit_failures", "Nights in which no model could be grown or sent; tried again.", registry=registry
        )
        self.grown = Gauge(
            "rapport_refit_last_timestamp_seconds",
            "When the nightly model was grown last, seconds.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self.seconds = Gauge(
            "rapport_refit_seconds", "How long that took.", registry=registry, multiprocess_mode="mostrecent"
        )
        self.snapshots = Gauge(
            "rapport_refit_snapshots",
            "Snapshots of customers that it was grown on.",
            registry=registry,
            multiprocess_mode="mostrecent",
        )
