"""The names of everything a partition keeps in Redis. All share its hash tag, so all live on one node."""

from __future__ import annotations

from profiles.types import tag_of

__all__ = [
    "ALERT_STATES", "CENSUS", "IDENTITY", "IDENTITY_MAP", "LEARNER", "LEARNER_STATE", "SEGMENTS", "SETUP", "SOURCES",
    "WORKERS", "Keys",
]  # fmt: skip

SETUP = "rapport:setup"
"""A hash that records what may never change: the number of partitions, the namespace."""


WORKERS = "rapport:workers"
"""A hash: worker → the time of its last sign of life."""

SEGMENTS = "rapport:segments"
"""A set of the names of all segments that ever were in the plan."""


SOURCES = "{sources}:held"
"""A hash: source → whether it is paused, and why."""

ALERT_STATES = ("open", "acknowledged", "resolved", "cleared")
"""The states of an alert. Each has an index of its own, so that a list of one state reads no other."""


class Keys:
    """Keys of one partition, or of another single-writer unit given by its tag."""

    __slots__ = (
        "alerts", "alerts_by_time", "census", "meta", "outbox", "profiles", "recent", "risk", "tag", "timers",
    )  # fmt: skip

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.meta = f"{tag}:meta"  # hash: version, applied, watermark, tombstones
        self.profiles = f"{tag}:profiles"  # hash: profile id → document
        self.timers = f"{tag}:timers"  # sorted set: profile id by scheduled_at
        self.risk = f"{tag}:risk"  # sorted set: profile id by risk
        self.recent = f"{tag}:recent"  # sorted set: profile id by updated; the latest 100
        self.alerts = f"{tag}:alerts"  # hash: alert id → (profile id, alert)
        self.alerts_by_time = f"{tag}:alerts:time"  # sorted set: alert id by opened
        self.outbox = f"{tag}:outbox"  # sorted set: entry by version
        self.census = f"{tag}:census"  # hash: round, summary

    @classmethod
    def of(cls, partition: int) -> Keys:
        """The keys of a partition of the profiles."""
        return cls(tag_of(partition))

    def alerts_in(self, state: str) -> str:
        """Sorted set: alert id by opened, of the alerts in this state."""
        return f"{self.tag}:alerts:{state}"

    def segment(self, name: str) -> str:
        """Sorted set: profile id by the time it entered the segment."""
        return f"{self.tag}:segment:{name}"


IDENTITY = Keys("{identity}")
"""The linker's unit: `profiles` holds a profile's linked identities and what linked them."""

IDENTITY_MAP = "{identity}:map"
"""Hash: an identity that has been linked → the profile it belongs to."""

LEARNER = Keys("{learner}")
"""The learner's unit; `meta` holds the panel of models, too."""

LEARNER_STATE = "{learner}:state"
"""Hash: part of the learner's checkpoint → JSON."""

CENSUS = Keys("{census}")
"""The unit of what all partitions come to together. `meta` holds the rounds and the findings."""
