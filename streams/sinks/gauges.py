"""What delivering counts and measures."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["DeliveryMetrics"]


class DeliveryMetrics:
    """Metrics of `rapport deliver`.

    Args:
        registry: where they are registered; a registry takes each name only once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.attempts = Counter(
            "rapport_delivery_attempts",
            "Attempts to tell a sink something, by outcome: delivered, again, refused, disabled.",
            ["sink", "outcome"],
            registry=registry,
        )
        self.letters = Counter(
            "rapport_deliveries",
            "Messages that are done with, by outcome: delivered, dead, dropped.",
            ["sink", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "rapport_delivery_seconds",
            "Seconds from what happened to its arrival, of messages of one entry that did not have to wait.",
            ["sink"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0),
            registry=registry,
        )
        self.pending = Gauge(
            "rapport_delivery_pending",
            "Messages that are to be sent, or sent again.",
            ["sink"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.waiting = Gauge(
            "rapport_delivery_waiting",
            "Alerts that wait for others, for the morning or for a digest.",
            ["sink"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.failing = Gauge(
            "rapport_sink_failing_seconds",
            "Seconds since a sink whose latest attempts all failed began to fail; 0: it works.",
            ["sink"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.reconciled = Counter(
            "rapport_sink_reconciled",
            "Customers of whom a sink did not know that they are in a segment, or no more in it, until it was compared "
            "with the store; by change: entered, exited.",
            ["sink", "change"],
            registry=registry,
        )
        self.members = Gauge(
            "rapport_sink_members",
            "Customers who belong into the segments that a sink is told of, when it was compared with the store last.",
            ["sink"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.compared = Gauge(
            "rapport_sink_reconciled_timestamp_seconds",
            "When what a sink knows of segments was compared with the store last.",
            ["sink"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.disabled = Gauge(
            "rapport_sink_disabled",
            "1 while a sink is told nothing because it asked for that, or failed for three days, else 0.",
            ["sink"],
            registry=registry,
            multiprocess_mode="livemax",
        )
