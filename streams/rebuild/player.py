"""History played again: events in the order of their times, through the runners and the coordinator of live work.

As in a load, events up to a gate change profiles; then everybody who was touched or is due is looked at as of the gate,
the learner learns, a census may follow, and the next gate opens. Nobody else is there, so nothing is waited for. What
comes of it is told to nobody but the learner. The player stops where workers would arrive in the present, and leaves
that to them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import inf

import msgspec
from aiokafka.structs import ConsumerRecord
from faust.types import TP
from prometheus_client import CollectorRegistry

from models.conditions.rules import of_grain
from models.labels import treatment
from models.labels.examples import GrownModel, ModelCommand, Of
from models.segments.membership import compile_segments
from plan import Plan
from profiles.clock import ClockState, Head
from profiles.store import Store
from profiles.stores.memory import MemoryClockStore, MemoryLearnerStore, MemoryLinkStore
from profiles.types import AlertCommand
from profiles.units import CensusStore, LearnerState
from streams.clock import SteppedClock
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.kafka.topics import PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline, backlog_pipeline, profile_pipeline, review_pipeline
from streams.rebuild.spool import Timed
from streams.settings import Settings
from streams.steps.work import Work
from streams.worker.census import CensusMerger, CensusTaker, Review, members_of, subject_of
from streams.worker.champion import champion_of
from streams.worker.clock.coordinator import Coordinator, Places
from streams.worker.clock.follower import ClockFollower
from streams.worker.learner import LearnerRunner
from streams.worker.population import population_of
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import nothing_told

__all__ = ["Player"]

_ROUND = 2000  # events
_TRIES = 4  # steps of the coordinator in which it must have moved the clock

_HISTORY = TP("history", 0)
_LINKS = TP("links", 0)

_encode = msgspec.msgpack.Encoder().encode


class Player:
    """Plays history into empty stores.

    Args:
        profiles: filled with the profiles.
        census: of the same.
        settings, plan: as of the workers.
        now: the wall clock, which stands still while it plays; no event is later.
        tell: hears how many events more have been applied.
    """

    def __init__(
        self,
        profiles: Store,
        census: CensusStore,
        settings: Settings,
        plan: Plan,
        now: float,
        tell: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._profiles = profiles
        self._now = now
        self._tell = tell
        self._numbers = range(settings.partitions)
        self._topic = topic_name(settings, PROFILE_EVENTS)
        self._output = _Output(topic_name(settings, TRAINING_EXAMPLES), self._topic)
        self._has_companies = bool(plan.group)
        self._offsets = [0] * settings.partitions
        self._done = 0
        self._clocks, self._learned = MemoryClockStore(), MemoryLearnerStore()
        self._clock = ClockFollower(self._clocks, SteppedClock(now))
        metrics = WorkerMetrics(CollectorRegistry())
        outbox = Outbox(self._output, settings)
        self._champion = champion_of(self._learned, plan.churn)
        self._population = population_of(census, metrics)
        steps = Steps(
            profile_pipeline(plan, settings, self._champion, self._population),
            Pipeline(*backlog_pipeline(plan, settings).steps, _treat),
            review_pipeline(plan, self._population),
        )
        self._runner = ProfileRunner(steps, profiles, settings.partitions, outbox, metrics, self._clock, nothing_told)
        self._runner.assigned(self._numbers)
        self._learner = LearnerRunner(self._learned, outbox, plan.churn, metrics, self._clock.now)
        segments = compile_segments(of_grain(plan.segments, "customer"), plan.currency, plan.consent, self._population)
        review = Review(members_of(segments), self._runner.review, lambda: False)
        self._counting = CensusTaker(
            census, subject_of(plan), lambda: self._runner.partitions, self._clock.now, lambda: False, metrics, review
        )
        names = [rule.name for rule in plan.segments]
        merger = CensusMerger(census, settings.partitions, inf, names, plan.currency, outbox.recover)
        places = Places([_HISTORY], _LINKS, [TP(self._topic, number) for number in self._numbers], self._output.tp)
        self._coordinator = Coordinator(
            self._clocks, profiles, MemoryLinkStore(), self._learned, places, self._ends, outbox.deliver, merger,
            self._clock, lambda now: True, "rapport rebuild", plan.churn.outage,
        )  # fmt: skip

    async def play(
        self, records: Iterator[Timed], decisions: Iterable[ModelCommand | GrownModel | Of] = ()
    ) -> ClockState:
        """Play all of history; answers the clock as workers are to go on with it, "new" if there was no event.

        Args:
            records: events and commands in the order of their times.
            decisions: of people about the models, and models that were grown, each at its time.
        """
        self._waiting, self._next = records, next(records, None)
        self._decisions = sorted(decisions, key=lambda command: command.time)
        if self._next is None:
            return ClockState()
        await self._report()
        while await self._one_gate():
            pass
        await self._learn(inf)  # what waited for the border of the last step, and all that people decided since
        await self._let_in(inf)
        await self._rest()
        return self._clock.state

    async def learned(self) -> LearnerState:
        """What the learner has learned."""
        return await self._learned.load()

    async def _one_gate(self) -> bool:
        """Go on to the next phase of the clock; False where workers would arrive in the present."""
        state = self._clock.state
        for _ in range(_TRIES):
            if state.phase == "filling":
                has_opened = state.gate > state.watermark
                if has_opened and state.gate + state.step > self._now:
                    return False
                await self._let_in(state.gate)
            elif state.phase == "firing":
                await self._fire(state.gate)
            await self._learn(state.gate if state.phase == "firing" else state.watermark)
            if await self._coordinator.step():
                return True
        raise RuntimeError(f"the clock stands at {state}")

    async def _let_in(self, gate: float) -> None:
        """Apply what is of a time up to a gate."""
        while some := list(itertools.islice(self._up_to(gate), _ROUND)):
            batches: dict[int, list[ConsumerRecord]] = {}
            for record in some:
                batches.setdefault(record.partition, []).append(self._place(record))
            await self._apply(batches)
            if self._has_companies:
                await self._rest()
                while shares := self._sent_on():  # a company may pass them on
                    await self._apply(shares)
                    await self._rest()
            self._tell(len(some))
        await self._rest()
        await self._report()

    async def _apply(self, batches: Mapping[int, list[ConsumerRecord]]) -> None:
        behind = await self._runner.apply(
            [Batch(TP(self._topic, number), part, int(part[0].offset)) for number, part in batches.items()]
        )
        assert not behind

    def _sent_on(self) -> dict[int, list[ConsumerRecord]]:
        """What customers' events have become for their companies."""
        batches: dict[int, list[ConsumerRecord]] = {}
        for number, value in self._output.taken_shares():
            batches.setdefault(number, []).append(self._place(Timed(0.0, number, value)))
        return batches

    def _up_to(self, gate: float) -> Iterator[Timed]:
        while self._next is not None and self._next.time <= gate:
            record, self._next = self._next, next(self._waiting, None)
            self._done += 1
            yield record

    def _place(self, record: Timed) -> ConsumerRecord:
        number = record.partition
        self._offsets[number] += 1
        at, size = self._offsets[number] - 1, len(record.value)
        return ConsumerRecord(self._topic, number, at, 0, 0, b"", record.value, None, 0, size, ())

    async def _fire(self, gate: float) -> None:
        await self._champion.refresh()
        await self._population.refresh()
        while await self._runner.fire(gate):
            pass
        await self._rest()
        await self._counting.run()

    async def _rest(self) -> None:
        """Leave nothing in an outbox."""
        await self._runner.close()
        await self._runner.clear()

    async def _learn(self, until: float) -> None:
        """Hand the learner what has come since, behind what people had decided by then."""
        while self._decisions and self._decisions[0].time <= until:
            self._output.add(b"", _encode(self._decisions.pop(0)))
        if records := self._output.taken():
            await self._learner.handle(records, int(records[0].offset))

    async def _report(self) -> None:
        waiting = Head(self._done, self._next.time, received=-inf) if self._next is not None else Head(self._done)
        await self._clocks.report({f"{_HISTORY.topic}/{_HISTORY.partition}": waiting})

    async def _ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """Where what the coordinator asks for ends: nothing is on its way."""
        ends = {_HISTORY: self._done + (self._next is not None), self._output.tp: self._output.end}
        return {tp: self._offsets[tp.partition] if tp.topic == self._topic else ends.get(tp, 0) for tp in partitions}


class _Output:
    """Takes what runners and coordinator produce: training records for the learner, shares for companies, no more."""

    def __init__(self, topic: str, events: str) -> None:
        self.tp = TP(topic, 0)
        self._events = events
        self._shares: list[tuple[int, bytes]] = []
        self.end = 0
        self._records: list[ConsumerRecord] = []

    async def produce(self, rows: Iterable[Row]) -> dict[tuple[str, int], int]:
        for row in rows:
            if row.topic == self.tp.topic:
                self.add(row.key, row.value or b"")
            elif row.topic == self._events and row.partition is not None and row.value:
                self._shares.append((row.partition, row.value))
        return {}

    def taken_shares(self) -> list[tuple[int, bytes]]:
        """(partition, record) of the shares that were not taken yet: customers who are played send nothing else."""
        shares, self._shares = self._shares, []
        return shares

    def add(self, key: bytes | None, value: bytes) -> None:
        """Append a record."""
        topic, number = self.tp
        self._records.append(ConsumerRecord(topic, number, self.end, 0, 0, key, value, None, 0, len(value), ()))
        self.end += 1

    def taken(self) -> list[ConsumerRecord]:
        """Those that were not taken yet."""
        records, self._records = self._records, []
        return records


def _treat(work: Work) -> None:
    """Note when people dealt with customers' alerts: the alerts that they dealt with were others than are played."""
    for record in work.records:
        if type(record) is AlertCommand:
            profile = work.profiles[record.profile]
            if profile.created is not None and not profile.redirect:
                treatment.note(profile, record.time)
                work.touch(profile)
