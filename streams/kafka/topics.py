"""The topics of Rapport: their names, partitions and retention."""

from __future__ import annotations

from dataclasses import dataclass

from plan import Plan
from streams.settings import Settings

__all__ = [
    "ALERTS", "AUDIT", "CASES", "DELIVERIES", "DELIVERIES_DEAD", "IDENTITY_CHANGES", "IDENTITY_LINKS", "LARGEST_RECORD",
    "MODEL_SNAPSHOTS", "PROFILE_CHANGES", "PROFILE_EVENTS", "REJECTED",
    "SEGMENT_CHANGES", "TOLD", "TRAINING_EXAMPLES", "TopicSpec", "topic_name", "topics",
]  # fmt: skip

REJECTED = "events.rejected"
IDENTITY_LINKS = "identity.links"
IDENTITY_CHANGES = "identity.changes"
PROFILE_EVENTS = "profile.events"
PROFILE_CHANGES = "profile.changes"
SEGMENT_CHANGES = "segment.changes"
ALERTS = "alerts"
CASES = "cases"
TRAINING_EXAMPLES = "training.examples"
MODEL_SNAPSHOTS = "model.snapshots"
AUDIT = "audit"
DELIVERIES = "deliveries"
DELIVERIES_DEAD = "deliveries.dead"

TOLD = (SEGMENT_CHANGES, ALERTS, CASES)
"""What others are told of customers as it happens, each in the partition of its own number."""

_DAY_MS = 86_400_000

LARGEST_RECORD = 10 * 1024 * 1024
"""Bytes of a record in the topics that carry profiles: 300 traits of 32 KB still fit."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it should be."""

    name: str
    partitions: int
    config: dict[str, str]
    purpose: str


def topic_name(settings: Settings, base: str) -> str:
    """The real name of a topic."""
    return settings.topic_prefix + base


def topics(settings: Settings, plan: Plan) -> list[TopicSpec]:
    """Every topic that Rapport needs."""
    keep = {"cleanup.policy": "delete", "retention.ms": str(7 * _DAY_MS)}
    keep_long = {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}
    keep_for_a_year = {"cleanup.policy": "delete", "retention.ms": str(365 * _DAY_MS)}
    # What a paused worker puts behind its successor's news must not remove that at once; and the deletion of an erased
    # customer's document outlasts the tombstone that a rebuild makes of it.
    compact = {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": str(_DAY_MS),
        "delete.retention.ms": str(32 * _DAY_MS),
    }
    compact_for_a_month = {"cleanup.policy": "compact,delete", "retention.ms": str(30 * _DAY_MS)}
    large = {"max.message.bytes": str(LARGEST_RECORD)}
    many, one = settings.partitions, 1
    specs = [
        (source.topic, many, keep, f"raw events of the source {source.name}, keyed by the sender's identity")
        for source in plan.sources.values()
    ]
    specs += [
        (REJECTED, many, keep_long, "events that were not accepted: original bytes, step and reason"),
        (IDENTITY_LINKS, one, keep, "two identities met in one event; one partition, so that links never race"),
        (IDENTITY_CHANGES, one, compact, "which profile an identity belongs to; the newest for each"),
        (PROFILE_EVENTS, many, keep_long | large, "checked events and commands, by profile id"),
        (PROFILE_CHANGES, many, compact | large, "the newest document of every profile"),
        (SEGMENT_CHANGES, many, keep_long, "customers entering and leaving segments"),
        (ALERTS, many, keep_long, "alerts, each change of state"),
        (CASES, many, keep_long, "cases of customers, each change of state"),
        (TRAINING_EXAMPLES, one, keep_long, "features as they were, with the label that has matured"),
        (MODEL_SNAPSHOTS, one, compact | large, "the latest checkpoint of the learner"),
        (
            DELIVERIES,
            one,
            compact_for_a_month,
            "what each sink was and is to be told; the newest for each message",
        ),
        (DELIVERIES_DEAD, one, keep_long, "what could not be delivered, with the last answer"),
        (AUDIT, one, keep_for_a_year, "who looked at whom, and did what"),
    ]
    return [TopicSpec(topic_name(settings, name), count, config, purpose) for name, count, config, purpose in specs]
