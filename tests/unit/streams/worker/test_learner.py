"""The learner by steps: the same models, to the byte, however partitions, batches and deaths cut the log up."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from models.labels.examples import Border, Example, ModelCommand, OrderSummary, TrainingRecord
from models.labels.held import Held
from models.learning.learner import Learner
from profiles.stores.memory.learner import MemoryLearnerStore
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.metrics import WorkerMetrics
from streams.settings import Settings
from streams.worker.learner import LearnerRunner
from streams.worker.profiles import Behind
from tests.build import T0
from tests.models.training import CONFIG, world

STEP = 0.5 * 86400.0


class Record(NamedTuple):
    """What a consumer hands over."""

    offset: int
    value: bytes


class Killed(BaseException):
    """What a SIGKILL is to the code that it hits."""


class Store(MemoryLearnerStore):
    """Dies at some commits, before or after it has written."""

    def __init__(self, deaths: Mapping[int, str]) -> None:
        super().__init__()
        self.commits = 0
        self._deaths = deaths

    async def commit(self, *args: Any, **more: Any) -> int:
        self.commits += 1
        death = self._deaths.get(self.commits)
        if death == "before":
            raise Killed
        following = await super().commit(*args, **more)
        if death == "after":
            raise Killed
        return following


class Nowhere:
    """Takes what would go to Kafka."""

    async def produce(self, rows: Sequence[Row]) -> None:
        """Keep none."""


def runner_on(store: MemoryLearnerStore) -> LearnerRunner:
    """A new process."""
    outbox = Outbox(Nowhere(), Settings(topic_prefix=""))  # type: ignore[arg-type]
    return LearnerRunner(store, outbox, CONFIG, WorkerMetrics(CollectorRegistry()), lambda: T0)


def encoded(records: Sequence[TrainingRecord]) -> list[Any]:
    return [Record(offset, msgspec.msgpack.encode(record)) for offset, record in enumerate(records)]


async def read(store: MemoryLearnerStore, log: Sequence[Any], cuts: Sequence[int]) -> None:
    """Hand a log over in batches; after a death a new process reads from where the store is."""
    runner = runner_on(store)
    ends = sorted({*(cut % len(log) for cut in cuts), len(log)})
    at = 0
    while at < len(log):
        end = next(end for end in ends if end > at)
        try:
            await runner.handle(log[at:end], at)
            at = end
        except Behind as behind:
            at = behind.offset
        except Killed:
            runner = runner_on(store)
            at = await runner.continues()


@cache
def steps() -> list[list[TrainingRecord]]:
    """A history of some days, by step of the clock; each record names its border."""
    found: dict[float, list[TrainingRecord]] = {}
    for record in world(0, 80):
        assert isinstance(record, Example | OrderSummary)
        known = record.due if isinstance(record, Example) else record.at
        border = T0 + ((known - T0) // STEP + 1) * STEP
        found.setdefault(border, []).append(msgspec.structs.replace(record, border=border))
    return [found[border] for border in sorted(found)]


def border_of(step: list[TrainingRecord]) -> Border:
    return Border(step[0].border)  # type: ignore[union-attr]


@cache
def straight() -> tuple[bytes, dict[str, bytes]]:
    """What a learner knows that was told one step after the other, in order."""
    learner, held = Learner(CONFIG), Held()
    for step in steps():
        for record in [*step, border_of(step)]:
            learner.take(held.add(record, learner.border))
    return learner.panel().to_json(), learner.parts()


deaths = st.dictionaries(st.integers(1, 12), st.sampled_from(["before", "after"]), max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30), st.lists(st.integers(0, 1000), max_size=12), deaths)
def test_whatever_partitions_batches_and_deaths_do_the_models_are_the_same(
    seed: int, cuts: list[int], deaths: dict[int, str]
) -> None:
    """Partitions in any order, records twice, borders twice and late, killed at any commit."""
    chance = random.Random(seed)
    log: list[TrainingRecord] = []
    earlier = Border(0.0)
    for step in steps():
        came = [*step, *chance.sample(step, 2), *([earlier] * chance.randrange(2))]
        chance.shuffle(came)
        earlier = border_of(step)
        log += [*came, *([earlier] * chance.randrange(1, 3))]
    store = Store(deaths)
    asyncio.run(read(store, encoded(log), cuts))
    state = asyncio.run(store.load())
    panel, parts = straight()
    assert state.panel == panel
    assert dict(state.parts) == parts
    assert state.applied == len(log) - 1


def test_a_clock_that_is_turned_back_goes_in_steps_again() -> None:
    """It had been live for a while; then a history is loaded, and is learned as it would have been without that."""

    async def test() -> None:
        chance = random.Random(1)
        log: list[TrainingRecord] = [Border(T0 + 1000 * STEP), Border(T0 - 100 * STEP, begins=True)]
        for step in steps():
            log += [*chance.sample(step, len(step)), border_of(step)]
        store = Store({2: "after"})
        await read(store, encoded(log), [1, 40, 90])
        assert (await store.load()).panel == straight()[0]

    asyncio.run(test())


def test_nothing_is_committed_past_what_waits_and_reading_goes_on_all_the_same() -> None:
    """What is in memory is not read again by who has it, and is by everybody else."""

    async def test() -> None:
        first, second = steps()[:2]
        log = encoded([*first, border_of(first), *second])
        store = MemoryLearnerStore()
        runner = runner_on(store)
        await runner.handle(log[:5], 0)
        assert (await store.position())[1] == -1
        assert await runner.continues() == 5
        await runner.handle(log[5:], 5)
        assert (await store.position())[1] == len(first)
        assert await runner.continues() == len(log)
        await runner.handle(log[3:], 3)  # seeks after a rebalance: nothing of it is new
        other = runner_on(store)
        assert await other.continues() == len(first) + 1
        with pytest.raises(Behind) as behind:
            await other.handle(log[-1:], len(log) - 1)
        assert behind.value.offset == len(first) + 1

    asyncio.run(test())


def test_another_learners_commit_makes_what_was_held_worthless() -> None:
    """It was read on top of a state that is no more: it is read again."""

    async def test() -> None:
        first = steps()[0]
        log = encoded([*first, border_of(first), ModelCommand("c", "release", "", T0)])
        store = MemoryLearnerStore()
        paused, successor = runner_on(store), runner_on(store)
        await paused.handle(log[:7], 0)
        await successor.handle(log[:-1], 0)
        assert await paused.continues() == len(log) - 1
        await paused.handle(log[7:], 7)
        assert (await store.position())[1] == len(log) - 1
        report = Learner.from_parts((await store.load()).parts, CONFIG)
        assert report.counts.records == len(first) + 1

    asyncio.run(test())


def test_a_version_that_another_learner_made_again_is_not_taken_for_ones_own() -> None:
    """The store was set back while a learner slept, and its successor came to the same number with more."""

    async def test() -> None:
        batches: list[list[Any]] = []
        log = encoded([record for step in steps()[:4] for record in [*step, border_of(step)]])
        for size in [len(step) + 1 for step in steps()[:4]]:
            start = sum(map(len, batches))
            batches.append(log[start : start + size])
        one, two, three, four = batches
        store = MemoryLearnerStore()
        paused, successor = runner_on(store), runner_on(store)
        await paused.handle(one, 0)
        backup = copy.deepcopy(vars(store))
        await paused.handle(two, len(one))
        version = (await store.position()).version
        vars(store).update(backup)

        await successor.handle(two + three, len(one))
        assert (await store.position()).version == version
        await paused.handle(four, len(log) - len(four))
        learner = Learner.from_parts((await store.load()).parts, CONFIG)
        assert learner.counts.records == sum(len(step) for step in steps()[:4])

    asyncio.run(test())


def test_what_comes_without_a_border_while_others_wait_is_learned_with_them() -> None:
    """A coordinator that died in between: the next one writes a border."""

    async def test() -> None:
        first = steps()[0]
        live = msgspec.structs.replace(steps()[1][0], border=0.0)
        log = encoded([*first, live, border_of(first), live])
        store = MemoryLearnerStore()
        runner = runner_on(store)
        await runner.handle(log[: len(first) + 1], 0)
        assert (await store.position())[1] == -1
        await runner.handle(log[len(first) + 1 :], len(first) + 1)
        learner = Learner.from_parts((await store.load()).parts, CONFIG)
        assert (learner.counts.records, learner.counts.skipped) == (len(first) + 2, 1)
        assert learner.border == border_of(first).time

    asyncio.run(test())
