"""What the support API needs of the rest of Rapport."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import SecretStr

from console.services.models import ModelDesk
from console.views.profile import Advice, Described
from profiles.store import Reader
from profiles.types import AlertCommand, Profile
from streams.identity.desk import Desk

__all__ = ["Adviser", "ApiDeps", "Check", "Commands", "Feed", "Held", "LiveEvent", "Rejected"]

Check = Callable[[], Awaitable[object]]
"""Returns when a dependency answers, and raises when it does not."""


Held = Callable[[], Awaitable[Mapping[str, str]]]
"""Answers the sources that are paused, and why."""


Adviser = Callable[[Profile], Awaitable[Advice | None]]
"""Answers what would lower the risk of a customer who has a score."""


class LiveEvent(Protocol):
    """Something that has just been committed."""

    @property
    def kind(self) -> str:
        """`profile` or `alert`."""
        ...

    @property
    def id(self) -> str:
        """The same however often it is delivered."""
        ...

    @property
    def data(self) -> dict[str, Any]:
        """What changed, as JSON can hold it."""
        ...


class Commands(Protocol):
    """The way to a profile's one writer."""

    async def send(self, command: AlertCommand) -> None:
        """Hand over a person's decision; returns when it is safe, not when it is carried out."""
        ...


class Feed(Protocol):
    """What is committed, as it is committed."""

    def subscribe(self) -> AsyncIterator[LiveEvent]:
        """Everything from now on, until the iterator is closed. A reader that is too slow misses the oldest."""
        ...


class Rejected(Protocol):
    """The events that were not accepted."""

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The latest, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """The dependencies of `create_api`.

    `event_time` says that the workers' timers run on event time, as in the demo; `wait` is how many seconds a decision
    on an alert is waited for.
    """

    reader: Reader
    token: SecretStr
    commands: Commands
    feed: Feed
    rejected: Rejected
    checks: Mapping[str, Check] = field(default_factory=dict)  # by the name of the dependency
    plan: Described | None = None
    clock: Callable[[], float] = time.time
    event_time: bool = False
    wait: float = 5.0
    desk: Desk | None = None  # identities and privacy; without it their routes are not there
    namespace: uuid.UUID | None = None  # of the plan
    held: Held | None = None
    adviser: Adviser | None = None  # without it nobody is told what would lower a risk
    models: ModelDesk | None = None  # without it the routes on models are not there
    findings: Callable[[], Awaitable[bytes | None]] | None = (
        None  # JSON of the last census; see models.population.findings
    )

    async def now(self) -> float:
        """Seconds since the epoch on the clock that timers run on: the wall's, or the time of the latest event."""
        if self.event_time:
            latest, _ = await self.reader.recent(limit=1)
            if latest:
                return latest[0].updated
        return self.clock()
