"""The ports of the stores beside the profiles': what linker, learner, census and circuit breaker keep.

A *unit* has one writer at a time. It commits everything or nothing, on top of the version it has read (`Fenced` if
there is a later one, or another commit made that one; see `profiles.store`), and its outputs go into an outbox in the
same commit. Everybody may read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from profiles.identity.links import Claim, Erasure, Lifted, Link, Linked, PendingSplit, Refusal
from profiles.store import Output, new_nonce
from profiles.types import Identity

__all__ = [
    "LAG_IS_OLD",
    "MINUTES_KEPT",
    "REFUSALS_KEPT",
    "Aside",
    "CensusState",
    "CensusStore",
    "Count",
    "Lag",
    "LearnerPosition",
    "LearnerState",
    "LearnerStore",
    "LinkChanges",
    "LinkState",
    "LinkStore",
    "Pause",
    "PlanRules",
    "PlanSign",
    "PlansInUse",
    "SourceStore",
    "Unit",
]  # fmt: skip

REFUSALS_KEPT = 1000
"""Refusals that are kept, in as many slots."""

MINUTES_KEPT = 61
"""Minutes of which is kept what came in: the last hour, and the minute under way."""

LAG_IS_OLD = 30.0
"""Seconds after which what a worker has told of its lag is no news: it has stopped, or others read its partitions."""


class Unit(Protocol):
    """What has an outbox."""

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        """What was committed but perhaps not produced: (version, outputs), oldest first."""
        ...

    async def clear_outbox(self, up_to: int) -> None:
        """Forget outbox entries up to a version, all of which were produced."""
        ...


@dataclass(frozen=True, slots=True)
class LinkState:
    """Where the linker is."""

    version: int
    applied: int  # offset of the last request decided; -1 for none
    refusals: int  # there ever were
    nonce: str | None = field(default=None, compare=False)  # of the version's commit


@dataclass(slots=True)
class LinkChanges:
    """All that one commit of the linker writes; None removes."""

    version: int
    applied: int
    refusals: int = 0  # there ever were, with this commit
    mapping: dict[Identity, str | None] = field(default_factory=dict)  # identity → profile id
    graph: dict[str, list[Identity] | None] = field(default_factory=dict)  # profile id → identities, ascending
    links: dict[Identity, list[Link] | None] = field(default_factory=dict)  # of all identities in `graph`
    apart: dict[Identity, list[Identity] | None] = field(default_factory=dict)
    claims: dict[Identity, list[Claim] | None] = field(default_factory=dict)
    suppressed: dict[str, float | None] = field(default_factory=dict)  # keyed hash → when
    lifted: dict[str, Lifted] = field(default_factory=dict)  # by id
    refused: dict[str, Refusal] = field(default_factory=dict)  # by slot
    refused_gone: list[str] = field(default_factory=list)  # slots
    splitting: dict[str, PendingSplit | None] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)  # id → what became of it
    deferred: dict[str, Erasure | None] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    produced: int = 0
    nonce: str | None = None  # that was read; None asks for the version alone
    own_nonce: str = field(default_factory=new_nonce)  # of this commit


class LinkStore(Unit, Protocol):
    """Which profile an identity belongs to, how that came about, and who was erased.

    One writer, the linker; ingest and the console read.
    """

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        """The profile of each identity that has been linked; unlinked ones are left out. One round trip."""
        ...

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        """As `profiles_of`; and which of those that somebody has stated several claim. One round trip."""
        ...

    async def linked_to(self, profiles: Sequence[str]) -> dict[str, Linked]:
        """What is linked to each profile; one to which nothing was linked is left out."""
        ...

    async def apart(self) -> dict[Identity, list[Identity]]:
        """All identities that must not be together with others."""
        ...

    async def claims(self, identities: Sequence[Identity]) -> dict[Identity, list[Claim]]:
        """Who claims each identity that several have claimed; others are left out."""
        ...

    async def claims_about(self, gone: Callable[[Identity], bool]) -> dict[Identity, list[Claim]]:
        """Who claims each identity that is gone, or that one that is gone claims. Looks at all of them."""
        ...

    async def suppressed(self, hashes: Sequence[str]) -> dict[str, float]:
        """Which of these keyed hashes are of erased homes, with the time of the erasure."""
        ...

    async def count_suppressed(self) -> tuple[int, int]:
        """How many erased homes there are, and how many erasures ever were lifted."""
        ...

    async def all_suppressed(self) -> dict[str, float]:
        """The keyed hashes of all erased homes, with the time of the erasure."""
        ...

    async def lifted(self) -> dict[str, Lifted]:
        """Every erasure that was lifted, by id."""
        ...

    async def refusals(self) -> dict[str, Refusal]:
        """The latest links that were not made, by slot; the newest first."""
        ...

    async def splitting(self) -> dict[str, PendingSplit]:
        """The splits whose profiles are not whole again yet, by id."""
        ...

    async def split_state(self, id_: str) -> str | None:
        """What became of a split: `splitting`, `done`, or why it was refused; None before the linker has decided."""
        ...

    async def deferred(self) -> list[Erasure]:
        """The erasures that wait for a split to end."""
        ...

    async def keep_receipt(self, id_: str, receipt: bytes) -> None:
        """Keep the receipt of an erasure (JSON, without personal data)."""
        ...

    async def receipt(self, id_: str) -> bytes | None:
        """The receipt of an erasure."""
        ...

    async def state(self) -> LinkState:
        """Where the linker is."""
        ...

    async def commit(self, changes: LinkChanges) -> int:
        """Write everything or nothing; answer the new version.

        Raises:
            Fenced: another linker has committed since `changes.version`.
        """
        ...


class LearnerPosition(NamedTuple):
    """How far the learner has come."""

    version: int
    applied: int  # offset of the last training record taken; -1 for none
    nonce: str  # of the version's commit; "" before the first


@dataclass(frozen=True, slots=True)
class LearnerState:
    """Where the learner is."""

    version: int
    applied: int  # offset of the last training record taken; -1 for none
    panel: bytes | None  # JSON of the models that score; None before the first commit
    parts: Mapping[str, bytes] = field(default_factory=dict)  # JSON of what was learned; see models.learning.checkpoint
    nonce: str = field(default="", compare=False)  # of the version's commit


class LearnerStore(Unit, Protocol):
    """What the learner has learned, the panel that scorers load, and the offset learned up to.

    One writer, the learner; every worker reads the panel, and the console all of it.
    """

    async def position(self) -> LearnerPosition:
        """How far it has come."""
        ...

    async def load(self) -> LearnerState:
        """All of it. Its writer reads this once, when it starts; then it knows."""
        ...

    async def panel(self) -> bytes | None:
        """The models that score, as JSON; None before the learner's first commit."""
        ...

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Some parts of what was learned; those that are missing are left out."""
        ...

    async def part_names(self) -> list[str]:
        """The names of all parts, ascending."""
        ...

    async def commit(
        self,
        version: int,
        applied: int,
        panel: bytes,
        changed: Mapping[str, bytes],
        gone: Sequence[str],
        outputs: list[Output],
        produced: int,
        *,
        nonce: str | None = None,
        own_nonce: str = "",
    ) -> int:
        """Write offset, panel and the parts that have changed together; answer the new version.

        Args:
            version: that the writer stands on.
            applied: offset of the last training record taken.
            panel: the models that score, as JSON.
            changed: parts that are new or other than in the store.
            gone: names of parts that are no more.
            outputs: for the outbox.
            produced: outbox entries up to this version have been produced and may go.
            nonce: of the version's commit, that the writer knows; None asks for the version alone.
            own_nonce: of this commit; "" for one that nobody needs to know.

        Raises:
            Fenced: another learner has committed since `version`, or that was another one.
        """
        ...


@dataclass(frozen=True, slots=True)
class CensusState:
    """Where the census is."""

    version: int = 0  # of the unit; grows with every commit
    round: int = 0  # of the census under way, or the last one; 0 before the first
    opened: float = 0.0  # when that began, on the wall clock
    merged: int = 0  # the last round that has findings
    customers: int = 0  # that those are about
    findings: bytes | None = None  # JSON; see models.population.findings
    border: float = 0.0  # the end of the step of the clock that the round counts as of; 0: it was live
    nonce: str | None = field(default=None, compare=False)  # of the version's commit


@dataclass(frozen=True, slots=True)
class Count:
    """What a partition has counted last."""

    round: int
    summary: bytes  # msgpack; see models.population.census


class CensusStore(Unit, Protocol):
    """Each partition's summary, and what all of them come to. Profiles are read here in pages.

    A summary is written whole or not at all, with the number of the census (the *round*) it belongs to, so that nobody
    ever reads half a census. Findings have one writer at a time.
    """

    async def page(self, partition: int, cursor: int, least: int) -> tuple[int, list[tuple[str, bytes]]]:
        """The profiles (id, document) of a partition from a cursor on, and the next cursor; 0 begins and ends.

        Everybody who is there from beginning to end comes at least once, some perhaps twice (as Redis scans).
        """
        ...

    async def size(self, partitions: Iterable[int]) -> int:
        """How many profiles there are, tombstones left out."""
        ...

    async def watermarks(self, partitions: Iterable[int]) -> dict[int, float]:
        """The latest event time that each partition has applied; 0 for none."""
        ...

    async def rounds(self, partitions: Iterable[int]) -> dict[int, int]:
        """The round of each partition's summary; 0 for none."""
        ...

    async def counts(self, partitions: Iterable[int]) -> dict[int, Count | None]:
        """The summary of each partition; None for one that was never counted."""
        ...

    async def count(self, partition: int, count: Count) -> None:
        """Write a partition's summary in the place of the one before."""
        ...

    async def head(self) -> tuple[int, int, float]:
        """(the round under way, the last one that has findings, the border): all that is asked every second."""
        ...

    async def findings(self) -> bytes | None:
        """JSON of what the last census came to; None before the first."""
        ...

    async def state(self) -> CensusState:
        """All of it."""
        ...

    async def commit(self, state: CensusState, outputs: list[Output]) -> int:
        """Write the state in the place of the one of `state.version`; answer the new version.

        Raises:
            Fenced: another worker has written since.
        """
        ...


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one source. JSON, so that people can read it in Redis."""

    paused: bool
    since: float = 0.0  # seconds; when it was held or resumed
    why: str = ""
    reasons: dict[str, int] = {}  # reason → events of the batch that opened the breaker
    example: str = ""  # the message of one of them, without personal data
    plan: str = ""  # fingerprint of the plan that would reject; another plan may let the source go
    version: int = 0  # of that plan
    by: str = ""  # worker or person
    passed: float = 0.0  # what Kafka had by then counts no more: it was let through, seconds
    kind: str = ""  # of the events that went wrong; "" if all did
    retry: float = 0.0  # when its newest events are tried, seconds
    tries: int = 0  # since all was well


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A sender of so many rejected events that only the first were kept with their bytes. JSON."""

    source: str
    sender: str  # keyed hash of its address, or of who it is
    since: float  # seconds; of its first rejected event
    until: float  # when it is a sender as others again, seconds
    rejected: int  # its rejected events since then
    kept: int  # of them, with their bytes
    reason: str  # of the latest


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """How many records wait for a worker. JSON."""

    at: float  # seconds
    waiting: dict[str, int]  # by topic


class PlanRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan decides, so that others can be compared with it. JSON, kept by the plan's fingerprint."""

    version: int  # of the plan
    first: float = 0.0  # when it was first in use, seconds
    segments: dict[str, str]  # name → hash of all that decides it
    alerts: dict[str, str]


class PlanSign(msgspec.Struct, frozen=True, kw_only=True):
    """A process's sign of life, with the plan that it has. JSON."""

    plan: str  # fingerprint
    version: int
    began: float  # when this process first showed one, seconds
    seen: float
    decides: bool = True  # whether it moves customers into segments; ingest by itself does not


class PlansInUse(NamedTuple):
    """The plans of living processes."""

    now: float  # when they were read, by the clock of all `seen`
    signs: dict[str, PlanSign]  # by process
    rules: dict[str, PlanRules]  # by fingerprint; one may not be told yet


class SourceStore(Protocol):
    """Which sources are paused: all workers agree, and a restart keeps it."""

    async def states(self) -> dict[str, Pause]:
        """The state of every source that ever was paused.

        Raises:
            Misconfigured: a state is damaged.
        """
        ...

    async def paused(self) -> dict[str, str]:
        """The sources that are paused, and why."""
        ...

    async def write(self, source: str, pause: Pause) -> None:
        """Replace the state of a source."""
        ...

    async def resume(self, source: str, now: float, by: str) -> Pause | None:
        """Take a source again that is paused; answers its state as it was, None if it is not paused."""
        ...

    async def put_aside(self, worker: str, senders: Sequence[Aside], now: float) -> None:
        """Replace what a worker tells of senders that it has put aside; forget who is that no more."""
        ...

    async def asides(self, now: float) -> list[Aside]:
        """The senders that are put aside at a time, by all workers; those with the most rejected events first."""
        ...

    async def count(self, minute: int, counts: Mapping[str, int]) -> None:
        """Add to what has come in of a minute, by what is counted; a minute is forgotten after `MINUTES_KEPT`."""
        ...

    async def counts(self, minutes: Sequence[int]) -> list[dict[str, int]]:
        """What has come in of each of these minutes, by all workers."""
        ...

    async def tell_lag(self, worker: str, lag: Mapping[str, int], now: float) -> None:
        """Replace what a worker tells of how many records wait for it, by topic."""
        ...

    async def lags(self, now: float) -> dict[str, int]:
        """How many records wait at a time, by topic, for all workers that have told it within the last `LAG_IS_OLD`."""
        ...
