"""What a load of history would do, asked of the plan before anything is sent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.errors import Unacceptable
from streams.collector.body import Limits
from streams.collector.wire import Envelope, stamp
from streams.dead_letters.rejections import name_of
from streams.history.distinct import Distinct
from streams.judge import Judge
from streams.scrub import scrub

__all__ = ["Preview", "Previewer", "Told"]

_ENVELOPE = Envelope([])
_LIMITS = Limits()


class Told(NamedTuple):
    """An event, and where it stands."""

    place: str  # for people: file and line
    time: float  # seconds
    event: bytes  # as JSON


@dataclass(slots=True)
class Preview:
    """What the plan says of all events together."""

    events: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, name)
    flagged: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, name)
    claimed: Counter[tuple[str, str]] = field(default_factory=Counter)  # (source, name); of public sources, not counted
    rejected: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # (source, name, reason)
    examples: dict[tuple[str, str, str], str] = field(default_factory=dict)  # place and message of the first
    since: float = math.inf  # time of the first event, seconds
    until: float = -math.inf  # of the last
    late: int = 0  # events before the time that the clock has reached
    future: int = 0  # events that say they happened later than now
    customers: Distinct = field(default_factory=Distinct)

    @property
    def count(self) -> int:
        """All events."""
        return sum(self.events.values())


class Previewer:
    """Takes events through the collector's stamping and the steps of ingest, without effect on anybody.

    Args:
        plan: what is accepted.
        now: no event can be later; seconds.
        late: events before this time are counted as late; seconds.
    """

    def __init__(self, plan: Plan, now: float, late: float = -math.inf) -> None:
        self._plan = plan
        self._now = now
        self._late = late
        self._judge = Judge(plan, now)
        self.preview = Preview()

    async def look(self, source: str, events: Sequence[Told]) -> None:
        """Ask about some events of one source."""
        preview = self.preview
        records: list[ConsumerRecord] = []
        for at, told in enumerate(events):
            preview.since = min(preview.since, told.time)
            preview.until = max(preview.until, told.time)
            preview.late += told.time < self._late
            preview.future += told.time > self._now
            try:
                _, value = stamp(
                    told.event, _ENVELOPE, received=self._now, identities=self._plan.extract, limits=_LIMITS
                )
            except Unacceptable as error:
                name = name_of(told.event)
                preview.events[source, name] += 1
                self._reject((source, name, error.reason), told.place, error.message)
            else:
                records.append(ConsumerRecord("", 0, at, int(self._now * 1000), 0, None, value, None, 0, 0, ()))
        intake = await self._judge.intake(source, records)
        for rejection in intake.rejected:
            assert rejection.offset is not None
            told = events[rejection.offset]
            name = name_of(told.event)
            preview.events[source, name] += 1
            self._reject((source, name, rejection.reason), told.place, rejection.message)
        for item in intake.items:
            assert item.event is not None
            name = item.name or item.event.type
            preview.events[source, name] += 1
            if item.violations:
                preview.flagged[source, name] += 1
            if item.event.claim is not None and (item.event.claim.role or item.event.claim.traits):
                preview.claimed[source, name] += 1
            preview.customers.add(item.home)

    def _reject(self, what: tuple[str, str, str], place: str, message: str) -> None:
        self.preview.rejected[what] += 1
        self.preview.examples.setdefault(what, f"{place}: {scrub(message)}")
