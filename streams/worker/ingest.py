"""The ingest runner: raw records in, neutral events out by profile, links to the linker, the rest to `events.rejected`.

A round takes what is at hand of all source partitions, as far as the clock lets it in, through the steps, and produces
all that comes of it at once. A batch is done only after Kafka has that. A crash before repeats the batch; the profiles'
partitions know by the origin of each event what they have had already.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
from faust.types import TP

from profiles.clock import ClockStore, Head
from profiles.types import Event, Identity, partition_of
from streams.kafka.output import Produces, Row
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, REJECTED, topic_name
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.records.links import LinkRequest
from streams.retry import retrying
from streams.settings import Settings
from streams.steps.intake import Intake, Item
from streams.worker.breaker.aside import PutAside
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from streams.worker.clock.follower import ClockFollower
from streams.worker.flow import Flow
from streams.worker.waiting import FULL, WaitingRoom

__all__ = ["Ingest", "Passed"]

_ASKED = 100_000  # requests remembered, so that a refused link is not asked for with every event…
_ASK_AGAIN = 600.0  # …but only now and then: what stood in its way may be gone
_TELL_AGAIN = 5.0  # seconds until heads that are no news are told again: Redis may have come back older
_encode = msgspec.msgpack.Encoder().encode

_Asked = tuple[str, bool, bool, bool, tuple[Identity, ...], tuple[Identity, ...]]
"""What was asked of the linker: all of a request that decides but its time.

The source and whether it was signed, since not all are believed; whether it is said of the customer, whether by an
alias, and what is only remembered, since more comes of some than of others; and who met.
"""


_NEVER = (-math.inf, math.inf, -math.inf)


class Passed(NamedTuple):
    """What a round came to."""

    done: list[Batch]  # all that comes of them is in Kafka
    held: list[Batch]  # of paused sources: nothing came of them, and they must not be acknowledged
    crowded: bool  # more would be let in if less were on its way


class Ingest:
    """Takes rounds of the source topics through the ingest pipeline.

    Args:
        sources: real topic → source.
        arriving: the step that tells the times of records.
        judging: the steps from there to neutral events.
        producer: to Kafka.
        clocks: where heads and what came late are kept.
        clock: lets events in.
        lateness: seconds that an event may be behind the watermark without being told of.
        flow: says how many events may go on. Those of a flood wait, and let pass what does not belong to it.
        aside: keeps the limit of rejected events of each sender.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        arriving: Pipeline[Intake],
        judging: Pipeline[Intake],
        producer: Produces,
        clocks: ClockStore,
        settings: Settings,
        metrics: WorkerMetrics,
        clock: ClockFollower,
        breaker: CircuitBreaker,
        lateness: float,
        flow: Flow,
        aside: PutAside,
    ) -> None:
        self._sources = sources
        self._arriving = arriving
        self._judging = judging
        self._producer = producer
        self._clocks = clocks
        self._partitions = settings.partitions
        self._metrics = metrics
        self._clock = clock
        self._breaker = breaker
        self._lateness = lateness
        self._flow = flow
        self._aside = aside
        self._profile_events = topic_name(settings, PROFILE_EVENTS)
        self._identity_links = topic_name(settings, IDENTITY_LINKS)
        self._rejected = topic_name(settings, REJECTED)
        self._asked: dict[_Asked, tuple[float, float, float]] = {}  # → when, and the times of the events, from and to
        self._waiting = WaitingRoom()
        self._letting_in = asyncio.Lock()
        self._reported: dict[str, Head] = {}
        self._told_all = -math.inf  # monotonic: when all were reported

    async def take(self, batches: Sequence[Batch], is_current: Callable[[Batch], bool]) -> None:
        """Read batches; nothing comes of them before `let_in`."""
        self._waiting.keep(is_current)
        now = self._clock.wall()
        for batch in batches:
            if is_current(batch):
                intake = Intake(self._sources[batch.tp.topic], batch.records, now)
                await self._arriving.run(intake)
                self._waiting.put(batch, intake)

    async def let_in(self) -> Passed:
        """Take what the clock lets in all the way; returns when Kafka has everything that came of it."""
        async with self._letting_in:
            await self._clock.fresh()
            return await self._let_in()

    async def _let_in(self) -> Passed:
        gate, now = self._clock.gate, self._clock.wall()
        intakes: dict[str, Intake] = {}
        done: defaultdict[str, list[Batch]] = defaultdict(list)
        held: list[Batch] = []
        waiting = self._waiting.partitions()
        room = await self._flow.room() if waiting else None
        for number, tp in enumerate(waiting):
            source = self._sources[tp.topic]
            if self._breaker.shut(source):
                held += self._waiting.drop([tp])
                continue
            intake = intakes.setdefault(source, Intake(source, [], now))
            if room is None:
                done[source] += self._waiting.let_in(tp, gate, intake)
            else:  # an equal share for each; what those of few events leave is for the others
                before = len(intake.items)
                done[source] += self._waiting.let_in(tp, gate, intake, room // (len(waiting) - number))
                room -= len(intake.items) - before
        judged = [intake for intake in intakes.values() if intake.records]
        admitted = []
        for intake, is_admitted in zip(judged, await asyncio.gather(*map(self._judge, judged)), strict=True):
            if is_admitted:
                admitted.append(intake)
            else:
                held += done.pop(intake.source, [])
                held += self._waiting.drop(
                    tp for tp in self._waiting.partitions() if self._sources[tp.topic] == intake.source
                )
        if admitted:
            await self._pass_on(admitted)
        crowded = room is not None and any(self._waiting.head(tp) for tp in self._waiting.partitions())
        return Passed(list(chain(*done.values())), held, crowded)

    async def _judge(self, intake: Intake) -> bool:
        """Take what was let in of one source through the steps; False if the source is paused because of it."""
        await self._judging.run(intake)
        return await self._breaker.admit(intake, intake.records)

    async def _pass_on(self, intakes: Sequence[Intake]) -> None:
        requests = self._new_requests(chain.from_iterable(intake.links for intake in intakes))
        rows = [self._row(item) for intake in intakes for item in chain(intake.items, intake.withdrawn)]
        rows += [Row(self._identity_links, 0, request.event.encode(), _encode(request)) for _, request in requests]
        rows += [
            Row(self._rejected, rejection.partition or 0, rejection.source.encode(), rejection.encode())
            for intake in intakes
            for rejection in self._aside.sift(intake.rejected, intake.records, self._clock.wall())
        ]
        await self._producer.produce(rows)
        self._flow.add(sum(len(intake.items) + len(intake.withdrawn) for intake in intakes))
        self._remember(requests)
        for intake in intakes:
            passed = [item.event for item in intake.items if item.event is not None]
            flagged = sum(1 for event in passed if event.violations)
            self._metrics.ingested(
                intake.source, accepted=len(passed) - flagged, flagged=flagged, rejected=intake.rejected
            )
            await self._note_late(intake.source, passed)

    async def _note_late(self, source: str, events: Sequence[Event]) -> None:
        """Count the events that came behind the watermark: their customers were looked at without them."""
        least = self._clock.watermark - self._lateness
        if late := [event.time for event in events if event.time < least]:
            self._metrics.late(source, self._clock.watermark, late)
            await retrying(self._clocks.note_late)(source, late, self._clock.wall())

    def is_paused(self, tp: TP) -> bool:
        """Whether the source of a partition is paused."""
        return self._breaker.is_paused(self._sources[tp.topic])

    def is_full(self, tp: TP) -> bool:
        """Whether so much of a partition waits that it need not be read further for now."""
        return self._waiting.size(tp) >= FULL

    @retrying
    async def report(self, mine: Iterable[TP], reached: Callable[[TP], int | None]) -> None:
        """Tell the clock how far each source partition has come, where that is news, and now and then all.

        Between two rounds, never within one: what a round has let in is not in Kafka yet, so a head behind it would say
        too much.

        Args:
            mine: all source partitions of this worker.
            reached: the offset up to which all of a partition is done; None if that is unknown.
        """
        async with self._letting_in:
            tps = list(mine)
            paused = {tp for tp in tps if self.is_paused(tp)}
            done = {tp: offset for tp in tps if (offset := reached(tp)) is not None}
            heads = self._waiting.heads(done, paused)
        if time.monotonic() - self._told_all > _TELL_AGAIN:
            self._reported, self._told_all = {}, time.monotonic()
        if news := {name: head for name, head in heads.items() if self._reported.get(name) != head}:
            await self._clocks.report(news)
            self._reported |= news

    def _row(self, item: Item) -> Row:
        return Row(self._profile_events, partition_of(item.home, self._partitions), item.home.encode(), item.packed)

    def _new_requests(self, links: Iterable[LinkRequest]) -> list[tuple[_Asked, LinkRequest]]:
        """Those that may change a decision: of the ones that look alike the earliest, since who came first decides.

        Of those that say whose an identity is also the latest: who claims it last may decide, too.
        """
        alike: defaultdict[_Asked, list[LinkRequest]] = defaultdict(list)
        for request in links:
            alike[_asked_by(request)].append(request)
        found = []
        for key, requests in alike.items():
            at, first, last = self._asked.get(key, _NEVER)
            again = time.monotonic() - at > _ASK_AGAIN
            earliest, latest = min(requests, key=_time), max(requests, key=_time)
            if again or earliest.time < first or (earliest.stated and earliest.time > last):
                found.append((key, earliest))
            if latest.stated and latest.time > max(last, earliest.time):
                found.append((key, latest))
        return found

    def _remember(self, requests: Iterable[tuple[_Asked, LinkRequest]]) -> None:
        now = time.monotonic()
        for key, request in requests:
            _, first, last = self._asked.pop(key, _NEVER)
            self._asked[key] = now, min(first, request.time), max(last, request.time)
        while len(self._asked) > _ASKED:
            del self._asked[next(iter(self._asked))]


def _asked_by(request: LinkRequest) -> _Asked:
    return (
        request.source,
        request.signed,
        request.stated,
        request.alias,
        tuple(request.remembered),
        tuple(request.identities),
    )


def _time(request: LinkRequest) -> float:
    return request.time
