"""What tests are made of: events, the profiles that come of them, and records as Kafka hands them out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from aiokafka.structs import ConsumerRecord

from models.config import ChurnConfig
from models.durations import DAY
from models.features.kinds import KINDS, part_of
from models.features.matrix import matrix
from models.features.reading import raws
from plan import Plan
from profiles.clock import ClockState, Phase
from profiles.identity.links import Lifted
from profiles.identity.secrets import suppression
from profiles.state import Limits, apply
from profiles.stores.memory import MemoryClockStore, MemoryLinkStore
from profiles.types import Event, Identity, Profile
from profiles.units import LinkChanges
from streams.clock import Clock, SteppedClock
from streams.identity.suppressed import Suppressed
from streams.worker.clock.follower import ClockFollower

T0 = 1_700_000_000.0
CONFIG = ChurnConfig()
LIMITS = Limits()
KINDS_COUNT = Limits(
    narrowed={
        role: lambda event: [part_of(event.role, kind) for kind in event.properties.get("of", ())] for role in KINDS
    },
    parts=frozenset(part_of(role, kind) for role, kinds in KINDS.items() for kind in kinds),
)
"""Where an event's property `of` names the kinds of its role that it is of."""


def event(role: str, day: float, *, profile: str = "p", id: str | None = None, **facts: Any) -> Event:
    """What happened `day` days after T0; `facts` as `Event` has them, an order of one piece in euros unless said."""
    time = T0 + day * DAY
    facts = {"currency": "EUR", "quantity": 1.0} | facts
    return Event(profile, f"{role}-{day}" if id is None else id, "web", "track", role, role, time, time, **facts)


def customer(*events: Event, id: str = "ab" * 16, limits: Limits = LIMITS) -> Profile:
    """The profile of these events."""
    profile = Profile(id)
    for happened in events:
        apply(profile, happened, "EUR", limits)
    return profile


def buyer(*days: float, amount: int = 2500, id: str = "ab" * 16) -> Profile:
    """A customer with orders on these days."""
    return customer(*(event("purchase", day, amount=amount) for day in days), id=id)


def row(profile: Profile, day: float) -> np.ndarray:
    """The features of a profile `day` days after T0."""
    return matrix(raws([profile], "EUR"), np.array([T0 + day * DAY]))[0]


def record(
    offset: int = 0,
    value: bytes = b"{}",
    *,
    at: float = T0,
    topic: str = "events.web",
    partition: int = 0,
    key: bytes | None = None,
    headers: Iterable[tuple[str, bytes]] = (),
) -> ConsumerRecord:
    """A record as Kafka's client hands it out; Kafka has had it since `at`."""
    return ConsumerRecord(topic, partition, offset, int(at * 1000), 0, key, value, None, 0, 0, tuple(headers))


def live(clock: Clock) -> ClockFollower:
    """The clock of an installation that is live, by this wall clock."""
    state = ClockState(version=1, phase="live")
    return ClockFollower(MemoryClockStore(state), clock, state)


def in_steps(gate: float, phase: Phase = "firing") -> ClockFollower:
    """The clock of an installation whose history is being loaded up to a gate."""
    state = ClockState(version=1, phase=phase, watermark=gate - 3600.0, gate=gate)
    return ClockFollower(MemoryClockStore(state), SteppedClock(gate + 1e9), state)


def erased(plan: Plan, *identities: Identity, at: float = 0.0, lifted: Mapping[Identity, float] = {}) -> Suppressed:
    """As ingest knows that these were erased at a time, and since when others may come back."""

    def subject(identity: Identity) -> str:
        return suppression(plan.pii_key, plan.home(identity))

    async def known() -> Suppressed:
        links = MemoryLinkStore()
        back = {str(since): Lifted(str(since), subject(one), since, since, "", "") for one, since in lifted.items()}
        changes = LinkChanges(0, 0, suppressed=dict.fromkeys(map(subject, identities), at), lifted=back)
        await links.commit(changes)
        suppressed = Suppressed(links, plan.pii_key)
        await suppressed.refresh()
        return suppressed

    return asyncio.run(known())
