"""What travels through the profile steps: one partition's batch, the profiles it concerns and what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from profiles.store import Changes, Loaded, Output
from profiles.types import Alert, Profile, Record
from streams.topics import PROFILE_CHANGES
from streams.wire import format_time

__all__ = ["Work"]


class Work:
    """The state of one batch of one partition, until its commit.

    `touched` are the profiles that the present tick concerns, in the order in which it came to them; the steps that
    derive (score, segments, alerts…) look only at those. `changed` are all that the commit will write.
    """

    __slots__ = (
        "alerts", "alerts_gone", "changed", "entered", "left", "loaded", "new_tombstones", "now", "outputs",
        "partition", "profiles", "records", "repeats", "times", "touched", "watermark",
    )  # fmt: skip

    def __init__(self, partition: int, loaded: Loaded) -> None:
        self.partition = partition
        self.loaded = loaded
        self.profiles: dict[str, Profile] = loaded.profiles
        self.watermark = loaded.watermark
        self.now = 0.0
        self.records: Sequence[Record] = ()
        self.times: Mapping[str, float] = {}
        self.touched: dict[str, Profile] = {}
        self.changed: dict[str, Profile] = {}
        self.repeats = 0
        self.new_tombstones = 0
        self.entered: dict[tuple[str, str], float] = {}
        self.left: set[tuple[str, str]] = set()
        self.alerts: dict[str, tuple[str, Alert]] = {}
        self.alerts_gone: list[str] = []
        self.outputs: list[Output] = []

    def begin(
        self,
        now: float,
        records: Sequence[Record],
        due: Iterable[Profile] = (),
        times: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Start the next tick: these records and these due profiles, at this time (or, by profile id, at `times`)."""
        self.now = now
        self.records = records
        self.times = times
        self.touched = {profile.id: profile for profile in due}
        self.changed.update(self.touched)

    def at(self, profile: Profile) -> float:
        """The time at which a profile is looked at in this tick."""
        return self.times.get(profile.id, self.now)

    def touch(self, profile: Profile) -> None:
        """Note that a profile has changed."""
        self.touched[profile.id] = self.changed[profile.id] = profile

    def live(self) -> list[Profile]:
        """The touched profiles that are somebody: no tombstones."""
        return [profile for profile in self.touched.values() if not profile.redirect]

    def enter(self, segment: str, profile: Profile, since: float) -> None:
        """Note that a customer entered a segment, for the index and for `segment.changes`."""
        self.left.discard((segment, profile.id))
        self.entered[segment, profile.id] = since

    def leave(self, segment: str, profile: Profile) -> None:
        """Note that a customer left a segment."""
        self.entered.pop((segment, profile.id), None)
        self.left.add((segment, profile.id))

    def tell(self, topic: str, profile: Profile, id_: str, message: dict[str, Any]) -> None:
        """Put a JSON message for other systems into the outbox, keyed by the profile."""
        body = {"id": id_, "profile": profile.id, "at": format_time(self.at(profile)), **message}
        self.outputs.append(Output(topic, profile.id.encode(), orjson.dumps(body), id_, self.partition))

    def changes(self, applied: int | None, produced: int) -> Changes:
        """All of it, as one commit."""
        ids = "\n".join(self.changed).encode()
        documents = [Output(PROFILE_CHANGES, b"", ids, partition=self.partition)] if ids else []
        return Changes(
            version=self.loaded.version,
            applied=applied,
            watermark=self.watermark,
            profiles=list(self.changed.values()),
            tombstones=self.new_tombstones,
            entered=[(segment, id_, since) for (segment, id_), since in self.entered.items()],
            left=list(self.left),
            alerts=list(self.alerts.values()),
            alerts_gone=self.alerts_gone,
            outputs=documents + self.outputs,
            produced=produced,
        )
