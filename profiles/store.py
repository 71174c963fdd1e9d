"""The store port: what keeps profiles, and what it promises.

A *partition* is the unit of everything: it owns its profiles, indexes, timers and outbox, and remembers how far its
input has been applied. Two views of the same data:

`Store` is for the one writer of a partition. It reads what a batch needs in one round trip (`load`), and writes all
that the batch changed in one atomic commit (`commit`), which fails as a whole (`Fenced`) unless the partition's
version is still the one that was loaded, and made by the same commit: each has a *nonce*, because a store that was set
back counts its versions a second time. So a worker that was paused and has lost its partition cannot overwrite its
successor, and state, timers, outputs and the applied offset can never disagree.

`Reader` is for everyone else, and sees only what was committed.

Times are float seconds since the epoch, offsets are Kafka's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from profiles.cases.case_rows import CaseRow
from profiles.documents import encode_profile
from profiles.search.terms import Found
from profiles.types import Alert, Identity, Profile

__all__ = ["ArrivalRate", "Changes", "Loaded", "Moves", "Output", "Reader", "Standing", "Store", "new_nonce"]


class Output(msgspec.Struct, array_like=True, gc=False):
    """One record to produce. `id` is the same however often it is produced, so that readers can drop repeats."""

    topic: str  # base name, without prefix
    key: bytes
    value: bytes
    id: str = ""
    partition: int = -1  # -1: by key
    # An empty value deletes the key (a tombstone of Kafka's).


class ArrivalRate(msgspec.Struct, array_like=True, gc=False):
    """How busy a partition is with one kind of event, and when it was not (`models.labels.outages`)."""

    first: float = 0.0  # time of the first, later by every silence below
    last: float = 0.0  # of the latest
    active: float = 0.0  # hours with one, fading; as of `last`
    longest: float = 0.0  # usual silence, seconds, fading; as of `last`
    silences: list[tuple[float, float]] = []  # unusual ones, the latest few: (from, to)
    hours: dict[int, tuple[float, float]] = {}  # of a step of the clock that is under way: the first and last in each


class Moves(NamedTuple):
    """How many entered and left a segment on a day."""

    entered: int = 0
    left: int = 0


def new_nonce() -> str:
    """Names one commit among all that ever were, in whatever history of the store."""
    return os.urandom(8).hex()


@dataclass(slots=True)
class Loaded:
    """A partition as its writer finds it."""

    version: int = 0
    applied: int = -1  # offset of the last record applied; -1 for none
    watermark: float = 0.0  # latest event time applied, or gate looked at
    due: list[tuple[str, float]] = field(default_factory=list)  # (profile id, when), earliest first
    profiles: dict[str, Profile] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)  # "topic/partition" → highest origin offset applied
    # After a rebuild: profile id → offset that its document is ahead of `applied` to; those records are in it already.
    ahead: dict[str, int] = field(default_factory=dict)
    arrival_rates: dict[str, ArrivalRate] = field(default_factory=dict)  # by kind of event
    nonce: str = ""  # of the commit that made this version; "" before the first and after a rebuild


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a partition stands, for whoever asks whether all has come to rest."""

    version: int = 0
    applied: int = -1
    watermark: float = 0.0
    waiting: bool = False  # its outbox is not empty: something was committed that may not have been produced
    next_due: float = 0.0  # the earliest timer; 0 for none
    arrival_rates: dict[str, ArrivalRate] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """All that one commit writes."""

    version: int  # that was loaded
    applied: int | None = None  # new applied offset; None leaves it (timers have no offset)
    watermark: float = 0.0
    profiles: list[Profile] = field(
        default_factory=list
    )  # whole documents; their scheduled_at and score feed the indexes
    removed: list[str] = field(default_factory=list)  # ids of documents that go altogether
    tombstones: int = 0  # how many more of them are tombstones than before
    origins: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    arrival_rates: dict[str, ArrivalRate] = field(default_factory=dict)
    entered: list[tuple[str, str, float]] = field(default_factory=list)  # (segment, profile id, since)
    left: list[tuple[str, str]] = field(default_factory=list)  # (segment, profile id)
    # (UTC day since the epoch, segment, whether they entered) → how many more did than before this commit
    moved: Mapping[tuple[int, str, bool], int] = field(default_factory=dict)
    alerts: list[tuple[str, Alert]] = field(default_factory=list)  # (profile id, alert)
    alerts_gone: list[str] = field(default_factory=list)  # ids of alerts that no document here holds any more
    found: list[str] = field(default_factory=list)  # members that the search index gets (`profiles.search.terms`)
    unfound: list[str] = field(default_factory=list)  # those that it loses, first
    # (local day since 1970 or -1 for now, place of a counter) → how much more than before (`profiles.daily`)
    counted: Mapping[tuple[int, int], int] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    produced: int = 0  # outbox entries up to this version have been produced and may go
    told: Mapping[str, int] = field(default_factory=dict)  # topic → up to where it is known here; {} leaves that
    nonce: str | None = None  # that was loaded; None asks for the version alone
    own_nonce: str = field(default_factory=new_nonce)  # of this commit; the same whenever it is tried again
    _documents: dict[str, bytes] | None = None

    @property
    def documents(self) -> dict[str, bytes]:
        """The profiles' documents by id, encoded once for the store and the changes topic."""
        if self._documents is None:
            self._documents = {profile.id: encode_profile(profile) for profile in self.profiles}
        return self._documents


class Store(Protocol):
    """A partition's writer."""

    async def load(
        self, partition: int, ids: Sequence[str], *, due_by: float | None = None, limit: int = 1000
    ) -> Loaded:
        """Read what a batch needs.

        Args:
            partition: of the store.
            ids: profiles to read; those that do not exist are left out of the answer.
            due_by: also answer (and read) the profiles with a timer due at or before this time.
            limit: most due profiles to answer.
        """
        ...

    async def load_many(
        self, wanted: Sequence[tuple[int, Sequence[str], float | None]], *, limit: int = 1000
    ) -> list[Loaded]:
        """`load` of several partitions, each (partition, ids, due_by), in one round trip; the answers in this order."""
        ...

    async def fetch(self, partition: int, ids: Sequence[str]) -> dict[str, Profile]:
        """Read more profiles of a partition whose version is already known."""
        ...

    async def commit(self, partition: int, changes: Changes) -> int:
        """Write everything or nothing; answer the partition's new version.

        What was written already, since the answer was lost, is answered again and not written twice.

        Raises:
            Fenced: the partition is not as it was loaded (`version` and `nonce`); nothing was written.
        """
        ...

    async def commit_many(self, batch: Sequence[tuple[int, Changes]]) -> list[int | Exception]:
        """`commit` of several partitions in one round trip, each everything or nothing by itself.

        Answers, in this order, the new version of each, or what went wrong with it: `Fenced`, or what the store says of
        this one alone.

        Raises:
            Exception: what the driver raises when the store does not answer. Some may have been written then; the
                same batch again writes the others, and answers for all.
        """
        ...

    async def applied(self, partitions: Iterable[int]) -> dict[int, int]:
        """Offset of the last record applied, by partition; -1 for none."""
        ...

    async def told(self, partition: int) -> dict[str, int] | None:
        """The last `Changes.told`, as a whole; None if there was none yet."""
        ...

    async def standing(self, partitions: Iterable[int]) -> dict[int, Standing]:
        """Where partitions stand, each at one moment, in one round trip."""
        ...

    async def with_open_alerts(self, partition: int) -> list[str]:
        """The ids of the profiles that have an alert in state `open`, ascending."""
        ...

    async def outbox(self, partition: int) -> list[tuple[int, list[Output]]]:
        """What was committed but perhaps not produced: (version, outputs), oldest first."""
        ...

    async def clear_outbox(self, partition: int, up_to: int) -> None:
        """Forget outbox entries up to a version, all of which were produced."""
        ...


class Reader(Protocol):
    """What the console reads. Lists come in pages: a cursor of None is the first, an answered None the end."""

    async def resolve(self, identity: Identity) -> str:
        """The id of the profile that an identity belongs to, whether or not anything is known of it."""
        ...

    async def profile(self, id: str) -> Profile | None:
        """A profile; redirects are followed."""
        ...

    async def profiles(self, ids: Sequence[str]) -> dict[str, Profile]:
        """Several profiles by the ids asked for, redirects followed; those that do not exist are left out."""
        ...

    async def by_risk(
        self, *, segment: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Profile], str | None]:
        """Scored profiles, the highest risk first."""
        ...

    async def recent(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        """The profiles something happened to last, newest first; at most the last hundred of each partition."""
        ...

    async def companies(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        """The companies, those of the latest events first. No other list of profiles holds one."""
        ...

    async def scan(self, *, limit: int = 1000, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        """All profiles, in no order, in pages of about `limit`; tombstones are left out.

        Who is there from the first page to the last comes at least once, some perhaps twice while others are added.
        """
        ...

    async def segment_sizes(self) -> dict[str, int]:
        """How many profiles are in each segment."""
        ...

    async def segment_moves(self, days: Sequence[int]) -> dict[str, list[Moves]]:
        """How many entered and left each segment on each of some UTC days, at most the latest 32 with any; by segment.

        Counted by the commit that moves them. Who is merged away or erased has left.
        """
        ...

    async def counters(self, days: Sequence[int]) -> list[dict[str, int]]:
        """The counters (`profiles.daily.counters.FIELDS`) of some local days since 1970, -1 for those of now; {} of one
        that nothing is known of, also as it is more than a week before another. Those that are 0 may be missing."""
        ...

    async def members(
        self, segment: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, float]], str | None]:
        """(profile id, since) of a segment's members, the latest to enter first."""
        ...

    async def alerts(
        self, *, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[tuple[str, Alert]], str | None]:
        """(profile id, alert), the newest first; `state` is open, acknowledged, resolved or cleared."""
        ...

    async def alert(self, alert: str) -> tuple[str, Alert] | None:
        """(profile id, alert) by the alert's id."""
        ...

    async def find(self, prefixes: Sequence[str], *, limit: int = 50) -> list[list[Found]]:
        """For each prefix the entries of the search index whose text begins so; of each partition the first `limit`."""
        ...

    async def cases(self) -> list[CaseRow]:
        """The cases that stand, in no order, in one round trip."""
        ...

    async def cases_done(self, *, limit: int = 50, cursor: str | None = None) -> tuple[list[Profile], str | None]:
        """The customers whose case is over, the latest to end first."""
        ...

    async def cases_ended(self, since: float) -> list[tuple[str, float]]:
        """(profile id, when they are listed as over) of the customers whose case is over since then, in no order."""
        ...

    async def count_cases_done(self) -> int:
        """How many those are."""
        ...

    async def count(self) -> int:
        """How many profiles there are, tombstones left out."""
        ...

    async def workers(self) -> dict[str, float]:
        """The workers that are alive: seconds since the last sign of each."""
        ...

    async def ping(self) -> None:
        """Answer if the store does; raises what the driver raises if not."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
