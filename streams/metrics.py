"""Every metric of Rapport, each once, with what it means."""

from __future__ import annotations

import os
from collections import Counter as Tallied
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from profiles.types import Alert
from streams.records.rejected import IGNORE, Rejection

__all__ = ["CollectorMetrics", "WorkerMetrics"]


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
            "Bytes of request bodies that the collector is handling.",
            registry=registry,
        )


class WorkerMetrics:
    """What the stream worker counts and measures. Each method is called once per batch.

    Args:
        registry: where they are registered; a registry takes each name only once.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._events = Counter(
            "rapport_events",
            "Events that left ingest, by source and outcome: accepted, flagged, ignored, rejected.",
            ["source", "outcome"],
            registry=registry,
        )
        self._rejections = Counter(
            "rapport_rejections", "Rejected events, by source and reason.", ["source", "reason"], registry=registry
        )
        self._aside = Counter(
            "rapport_put_aside",
            "Rejected events of senders that are put aside, of which no bytes are kept.",
            ["source"],
            registry=registry,
        )
        self._paused = Gauge(
            "rapport_breaker_open",
            "1 while a source is paused because too many of its senders would be rejected, else 0.",
            ["source"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._live = Gauge(
            "rapport_clock_live",
            "1 while the clock is live, 0 while it goes in steps through a backlog or a load.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._behind = Gauge(
            "rapport_watermark_behind_seconds",
            "Seconds that the watermark, up to which everybody was looked at, is behind the wall clock; 0 when live.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._late = Histogram(
            "rapport_late_seconds",
            "Seconds that events came behind the watermark, of those that came later than the plan's lateness.",
            ["source"],
            buckets=(86400.0, 7 * 86400.0, 28 * 86400.0, 91 * 86400.0, 364 * 86400.0),
            registry=registry,
        )
        self._applied = Counter(
            "rapport_applied",
            "Events that reached a profile, by outcome: applied, folded (a further report of an order… that counts "
            "already), repeat, sent_on (to where the profile went), erased, beyond (of a member whom a company has no "
            "room for).",
            ["outcome"],
            registry=registry,
        )
        self._latency = Histogram(
            "rapport_end_to_end_seconds",
            "Seconds from an event's receipt by the collector to its profile's commit.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0),
            registry=registry,
        )
        self._commit = Histogram(
            "rapport_commit_seconds",
            "Seconds of one atomic commit to the store.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
            registry=registry,
        )
        self._profiles = Counter("rapport_profiles_written", "Profile documents written.", registry=registry)
        self._fenced = Counter(
            "rapport_fenced", "Commits refused because the partition had moved on.", registry=registry
        )
        self._scores = Histogram(
            "rapport_score",
            "Churn risks, as they were computed.",
            buckets=tuple(step / 10 for step in range(1, 11)),
            registry=registry,
        )
        self._alerts = Counter("rapport_alerts", "Alerts, by rule and new state.", ["rule", "state"], registry=registry)
        self._links = Counter(
            "rapport_identity_links", "Identity links, by outcome: merged, refused.", ["outcome"], registry=registry
        )
        self._labels = Counter(
            "rapport_labels",
            "Labels of snapshots, by horizon (short, full, hindsight) and outcome: order, no_order; of companies: "
            "stayed, left; or dropped for a reason: forgotten, outage, censored.",
            ["horizon", "outcome"],
            registry=registry,
        )
        self._outages = Counter(
            "rapport_outages",
            "Silences of a partition that were too long to be usual, by what did not come: events, orders.",
            ["kind"],
            registry=registry,
        )
        self._learned = Counter("rapport_examples_learned", "Training examples learned.", registry=registry)
        self._quality = Gauge(
            "rapport_model_quality",
            "Prequential quality of each model, by horizon (short, full) and measure.",
            ["model", "horizon", "measure"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._speaks = Gauge(
            "rapport_model_champion",
            "1 for the model whose risk counts, 0 for the others.",
            ["model"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._quality_by = Gauge(
            "rapport_churn_quality",
            "The same as rapport_model_quality, by a further definition of churn.",
            ["churn", "model", "horizon", "measure"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._speaks_by = Gauge(
            "rapport_churn_champion",
            "The same as rapport_model_champion, by a further definition of churn.",
            ["churn", "model"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )
        self._notices = Counter(
            "rapport_model_notices",
            "What the learner told people, by kind: drift, changed, rollback, champion, anew, refused, grown.",
            ["kind"],
            registry=registry,
        )
        for kind in ("drift", "changed", "rollback", "champion", "anew", "refused", "grown"):
            self._notices.labels(kind)
        self._census = Histogram(
            "rapport_census_seconds",
            "Seconds of counting one partition's customers, pauses included.",
            buckets=(0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0),
            registry=registry,
        )
        self._counted = Counter(
            "rapport_census_customers", "Customers that were counted, once each census.", registry=registry
        )
        self._population = Gauge(
            "rapport_population_version",
            "Version of the population snapshot that customers are ranked by.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._plan = Gauge(
            "rapport_plan_info",
            "1 for the plan that this worker has, by its fingerprint and version.",
            ["plan", "version"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._differ = Gauge(
            "rapport_plans_differ_seconds",
            "Seconds since living workers began to have different plans; 0 while all have the same.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._rules_held = Gauge(
            "rapport_rules_held",
            "Segments and alerts that this worker holds because other workers decide them by another plan.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._lag = Gauge(
            "rapport_lag_records",
            "Records that wait to be read, by topic.",
            ["topic"],
            registry=registry,
            multiprocess_mode="livesum",
        )

    def ingested(self, source: str, *, accepted: int, flagged: int, rejected: Sequence[Rejection]) -> None:
        """One batch of a source left ingest."""
        ignored = sum(rejection.step == IGNORE for rejection in rejected) if rejected else 0
        for outcome, count in (
            ("accepted", accepted),
            ("flagged", flagged),
            ("ignored", ignored),
            ("rejected", len(rejected) - ignored),
        ):
            if count:
                self._events.labels(source, outcome).inc(count)
        for reason, count in Tallied(rejection.reason for rejection in rejected).items():
            self._rejections.labels(source, reason).inc(count)

    def totals(self) -> dict[str, int]:
        """What this process has counted so far of what comes in, for `{sources}:minute:N`: `event|SOURCE|OUTCOME`,
        `rejected|SOURCE|REASON`, and `seconds|LE` of the way from the collector to the commit, each bucket apart.
        """
        found: dict[str, int] = {}
        for kind, counter in (("event", self._events), ("rejected", self._rejections)):
            for sample in (sample for metric in counter.collect() for sample in metric.samples):
                if sample.name.endswith("_total"):
                    found["|".join([kind, *sample.labels.values()])] = int(sample.value)
        below = 0
        for sample in (sample for metric in self._latency.collect() for sample in metric.samples):
            if "le" in sample.labels:
                found[f"seconds|{sample.labels['le']}"] = int(sample.value) - below
                below = int(sample.value)
        return found

    def clock(self, *, live: bool, behind: float) -> None:
        """Whether the clock is live, and how many seconds its watermark is behind the wall clock."""
        self._live.set(live)
        self._behind.set(behind)

    def late(self, source: str, watermark: float, times: Iterable[float]) -> None:
        """These events came later than the plan's lateness."""
        for time in times:
            self._late.labels(source).observe(watermark - time)

    def put_aside(self, source: str) -> None:
        """One rejected event is of a sender that is put aside."""
        self._aside.labels(source).inc()

    def paused(self, source: str, *, paused: bool) -> None:
        """Whether a source is paused."""
        self._paused.labels(source).set(paused)

    def applied(
        self,
        latencies: Iterable[float],
        *,
        outcomes: Mapping[str, int],
        risks: Iterable[float],
        alerts: Iterable[Alert],
    ) -> None:
        """One batch was committed; latencies in seconds, one per event."""
        for latency in latencies:
            self._latency.observe(latency)
        for outcome, count in outcomes.items():
            self._applied.labels(outcome).inc(count)
        for risk in risks:
            self._scores.observe(risk)
        for alert in alerts:
            self._alerts.labels(alert.rule, alert.state).inc()

    def committed(self, seconds: float, profiles: int) -> None:
        """One commit, and how many documents it wrote."""
        self._commit.observe(seconds)
        self._profiles.inc(profiles)

    def fenced(self) -> None:
        """One commit was refused."""
        self._fenced.inc()

    def linked(self, *, merged: int, refused: int) -> None:
        """One link request was decided."""
        if merged:
            self._links.labels("merged").inc(merged)
        if refused:
            self._links.labels("refused").inc(refused)

    def learned(self, examples: int, notices: Iterable[str]) -> None:
        """`examples` were learned, and notices of these kinds told."""
        self._learned.inc(examples)
        for kind in notices:
            self._notices.labels(kind).inc()

    def models(self, quality: Mapping[str, Mapping[str, Mapping[str, float]]], champion: str, churn: str = "") -> None:
        """What this worker, the learner, knows of the models of a definition of churn: their quality by model and
        horizon, and which is the champion."""
        by = (churn,) if churn else ()
        speaks, figures = (self._speaks_by, self._quality_by) if churn else (self._speaks, self._quality)
        for model, horizons in quality.items():
            speaks.labels(*by, model).set(model == champion)
            for horizon, measures in horizons.items():
                for measure, value in measures.items():
                    figures.labels(*by, model, horizon, measure).set(value)

    def learns_no_more(self) -> None:
        """Another worker is the learner now: what this one knew last is no news. (Processes that share their metrics
        show the most recent of each anyhow.)"""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            for gauge in (self._quality, self._speaks, self._quality_by, self._speaks_by):
                gauge.clear()

    def counted(self, seconds: float, customers: int) -> None:
        """One partition's customers were counted."""
        self._census.observe(seconds)
        self._counted.inc(customers)

    def population(self, version: int) -> None:
        """Customers are ranked by this version from now on."""
        self._population.set(version)

    def labelled(self, outcomes: Mapping[tuple[str, str], int], outages: Iterable[str]) -> None:
        """What became of labels in one batch, by horizon and outcome; and the kinds of outages it ended."""
        for (horizon, outcome), count in outcomes.items():
            self._labels.labels(horizon, outcome).inc(count)
        for kind in outages:
            self._outages.labels(kind).inc()

    def plan(self, plan: str, version: int, differ: float, held: int) -> None:
        """The plan of this worker, the seconds that others have had another one, and how many rules it holds."""
        self._plan.labels(plan, str(version)).set(1)
        self._differ.set(differ)
        self._rules_held.set(held)

    def lag(self, topic: str, records: int) -> None:
        """How far this worker is behind in a topic."""
        self._lag.labels(topic).set(records)
