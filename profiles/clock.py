"""The port of the clock: how far time has come for all customers together, and the loads of history that hold it back.

Silence is judged at a *watermark*: a time up to which every event has been applied, wherever it came in. *Live*, the
watermark is the wall clock. While there is a backlog or a load it goes in steps: events up to a *gate* are let in; once
all of them are applied everywhere (and what they caused), all timers up to the gate fire, the learner learns, the gate
becomes the watermark, and the next gate opens. One writer moves it (the worker that owns `identity.links`); all workers
follow it.

Times are float seconds since the epoch, of events unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Literal, Protocol

import msgspec

from profiles.store import ArrivalRate

__all__ = ["LOADS_KEPT", "TURNS_BACK", "ClockState", "ClockStore", "Head", "Late", "Load", "Phase", "turns_back"]

LOADS_KEPT = 50
"""Loads that ended and are still listed, the latest."""

TURNS_BACK = 7 * 86400.0
"""Seconds for which a new installation may still be turned back to load its history."""

Phase = Literal["new", "filling", "firing", "arriving", "live"]
"""new: no event was ever seen · filling: events up to the gate are being applied · firing: all of them are, and timers
up to the gate fire · arriving: the same, and what holds now is told, because the next phase is · live.
"""


class ClockState(msgspec.Struct, frozen=True, kw_only=True):
    """Where the clock stands. JSON, so that people can read it in Redis."""

    version: int = 0  # of the last commit
    nonce: str = ""  # of the same; see `profiles.store`
    phase: Phase = "new"
    watermark: float = 0.0  # live: as of the last look of the one who moves it (the wall clock is the truth)
    gate: float = 0.0  # events up to here are let in; without meaning when live
    step: float = 3600.0  # seconds from gate to gate
    moved: float = 0.0  # wall clock: when it was last moved; live, a sign of life
    live_since: float = 0.0  # wall clock: when it first went live; 0 for never
    by: str = ""  # the worker that moved it
    whole: bool = False  # the steps began where history begins; not where a live installation had an outage
    arrivals: dict[str, ArrivalRate] = {}  # then: of all partitions, up to the gate, once it is filled
    waits_for: str = ""  # what has kept it from being moved for a while, in words


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A load of history, as its loader tells. JSON."""

    id: str
    name: str  # of what is loaded, for people
    since: float  # time of its first event
    until: float  # of its last
    sent: float  # all of its events up to here are in Kafka; inf once all are
    step: float = 0.0  # seconds from gate to gate while it runs; 0: by how far they are in the past
    events: int = 0  # that it will send
    done: int = 0  # that it has sent
    begun: float = 0.0  # wall clock
    seen: float = 0.0  # wall clock: its last sign of life
    ended: float = 0.0  # wall clock: when it was done or given up; 0 while it runs


def turns_back(state: ClockState, loads: Iterable[Load], now: float) -> bool:
    """Whether a load that begins now finds its customers at its own time: the installation is new, or went live only
    lately and without any history. Otherwise what a load brings is late.
    """
    if not state.live_since:
        return True
    return now - state.live_since < TURNS_BACK and not any(load.sent == inf for load in loads)


class Head(msgspec.Struct, array_like=True, frozen=True):
    """How far ingest has come in one partition of a source's topic. A fact of the log: also true from a worker that has
    lost the partition.
    """

    done: int  # all that came of the records before this offset is in Kafka
    time: float = 0.0  # of the event at `done`, which waits for the gate; 0 if none was read that waits
    received: float = 0.0  # wall clock: when Kafka had that one
    paused: bool = False  # the circuit breaker of the source is open: nobody waits for it


class Late(msgspec.Struct, array_like=True, frozen=True):
    """Events of one source that came behind the watermark, by more than the plan's lateness."""

    count: int = 0
    oldest: float = 0.0  # time of the oldest
    last: float = 0.0  # wall clock: when the last came


class ClockStore(Protocol):
    """The clock, the heads of the source partitions, the loads and the count of what came late."""

    async def state(self) -> ClockState:
        """Where the clock stands; that of a new installation if it was never moved.

        Raises:
            Misconfigured: it is damaged.
        """
        ...

    async def commit(self, state: ClockState) -> ClockState:
        """Write a state in the place of the one of `state.version`; answer it with its own version.

        Raises:
            Fenced: another worker has moved the clock since.
        """
        ...

    async def heads(self) -> dict[str, Head]:
        """The latest report of each source partition, by "topic/partition"."""
        ...

    async def report(self, heads: Mapping[str, Head]) -> None:
        """Replace the reports of some source partitions; one that is behind what is held already (`done`) changes
        nothing.
        """
        ...

    async def loads(self) -> dict[str, Load]:
        """Every load, by id: those that run, and the latest of those that ended."""
        ...

    async def write_load(self, load: Load) -> None:
        """Replace what is known of a load."""
        ...

    async def late(self) -> dict[str, Late]:
        """What came late, by source."""
        ...

    async def note_late(self, source: str, times: Iterable[float], now: float) -> None:
        """Count events of a source that came late."""
        ...
