"""What the support API needs of the rest of Rapport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import SecretStr

from console.access.auditing import Audit
from console.access.limiting import Limiter
from console.access.ways import Ways
from console.embeds.setup import Embeds
from console.services.advice import Adviser
from console.services.case_ends import Outcomes
from console.services.finder import Finder
from console.services.models import ModelDesk
from console.services.open_cases import CaseReads
from console.views.analysing.analysis_desk import AnalysisDesk
from plan import Plan
from profiles.clock import ClockStore
from profiles.store import Reader
from profiles.stores.access import AccessStore
from profiles.types import AlertCommand, Join
from profiles.units import SourceStore
from streams.dead_letters.grouping import Group
from streams.dead_letters.newest import ReplayRun
from streams.dead_letters.replays import ReplayDesk
from streams.identity.desk import Desk
from streams.live import LiveEvent
from streams.sinks.desk import DeliveryDesk
from streams.watching.raw_feed import RawFeed
from streams.watching.sdks import SdkWatch

__all__ = ["ApiDeps", "Check", "Commands", "Feed", "Paused", "Plans", "Rejected"]

Check = Callable[[], Awaitable[object]]
"""Returns when a dependency answers, and raises when it does not."""

Paused = Callable[[], Awaitable[Mapping[str, str]]]
"""Answers the sources that are paused, and why."""

Plans = Callable[[], Awaitable[str]]
"""Answers which processes have different plans, and what is held; "" while all have the same."""


class Commands(Protocol):
    """The way to a profile's one writer."""

    async def send(self, command: AlertCommand | Join) -> None:
        """Hand over a person's decision; returns when it is safe, not when it is carried out."""
        ...


class Feed(Protocol):
    """What is committed, as it is committed."""

    def subscribe(self) -> AsyncIterator[LiveEvent]:
        """Everything from now on, until the iterator is closed. A reader that is too slow misses the oldest."""
        ...

    def watch(self, kinds: Sequence[str], about: str = "") -> AbstractContextManager[asyncio.Event]:
        """Set whenever something of these kinds, or about this profile or company, has been committed."""
        ...


class Rejected(Protocol):
    """The events that were not accepted."""

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The latest, newest first."""
        ...

    async def groups(self, source: str | None = None) -> list[Group]:
        """The same by what is wrong with them."""
        ...

    async def replays(self) -> list[ReplayRun]:
        """The replays that were noted there lately."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiDeps:
    """The dependencies of `create_api`.

    `checks` are by the name of the dependency; `findings` answers what the last census came to, as JSON
    (`models.population.findings`), None before the first. `clocks` says what time it is for customers; `wait` is how
    many seconds a decision is waited for; `part` is how many profiles one answer of a preview is about, which takes
    some tenth of a second, in which others are served as well; `patience` is how many seconds a request may take.
    `rebuilding` says whether a rebuild is not complete, `archive` how the archive stands, if there is one;
    `analyses` runs analyses of it.
    `open_operations` and `open_docs` say whether metrics and the details of readiness, and the API's description, are
    for those without a token, too; `transparency` whether the public page of the plan is there;
    `collects` whether events are taken at the same address.
    """

    reader: Reader
    plan: Plan
    token: SecretStr
    commands: Commands
    feed: Feed
    rejected: Rejected
    desk: Desk
    adviser: Adviser
    models: ModelDesk
    findings: Callable[[], Awaitable[bytes | None]]
    checks: Mapping[str, Check]
    paused: Paused
    plans: Plans
    clocks: ClockStore
    sources: SourceStore
    raw: RawFeed
    sdks: SdkWatch
    replays: ReplayDesk
    deliveries: DeliveryDesk
    rebuilding: Callable[[], Awaitable[bool]]
    archive: Callable[[], Awaitable[dict[str, Any] | None]]
    analyses: AnalysisDesk
    access: AccessStore
    audit: Audit
    ways: Ways = field(default_factory=Ways)
    embeds: Embeds = field(default_factory=Embeds)
    limiter: Limiter = field(default_factory=Limiter)
    clock: Callable[[], float] = time.time
    wait: float = 5.0
    part: int = 1000
    patience: float = 30.0
    open_operations: bool = False
    open_docs: bool = False
    transparency: bool = False
    collects: bool = False
    finder: Finder = field(default_factory=Finder)
    cases: CaseReads = field(default_factory=CaseReads)
    outcomes: Outcomes = field(default_factory=Outcomes)

    async def now(self) -> float:
        """Seconds since the epoch, as of which customers are looked at: the watermark, or the wall clock if live."""
        state = await self.clocks.state()
        return self.clock() if state.phase in ("new", "live") else state.watermark
