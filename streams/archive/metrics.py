"""What the archiver counts and measures."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["ArchiveMetrics"]


class ArchiveMetrics:
    """Metrics of `rapport archive`.

    Args:
        registry: where they are registered; a registry takes each name only once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.events = Counter(
            "rapport_archive_events",
            "Events that came to the archive, by outcome: written, repeat, erased.",
            ["outcome"],
            registry=registry,
        )
        self.flush = Histogram(
            "rapport_archive_flush_seconds",
            "Seconds of writing one flush.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
            registry=registry,
        )
        self.failures = Counter(
            "rapport_archive_failures", "Flushes that could not be written and were tried again.", registry=registry
        )
        self.missed = Counter(
            "rapport_archive_missed_records",
            "Records that Kafka deleted before they were archived.",
            registry=registry,
        )
        self.lag = _gauge("rapport_archive_lag_records", "Records that no flush holds yet.", registry)
        self.files = _gauge("rapport_archive_files", "Parquet files of the archive.", registry)
        self.bytes = _gauge("rapport_archive_bytes", "Bytes of these files.", registry)
        self.flushed = _gauge(
            "rapport_archive_last_flush_timestamp_seconds", "When the last flush was written, seconds.", registry
        )


def _gauge(name: str, meaning: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, meaning, registry=registry, multiprocess_mode="mostrecent")
