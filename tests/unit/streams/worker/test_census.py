"""The census by steps of the clock: as of the border, whoever counts and whenever, in however many partitions."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from models.population.census import Subject
from models.population.findings import Findings
from profiles.daily.counters import NOW, OPEN_TICKETS
from profiles.store import Changes, Output
from profiles.stores.memory.census import MemoryCensusStore
from profiles.stores.memory.profiles import MemoryStore
from profiles.types import Profile, Purchases, Stay, partition_of
from profiles.units import CensusState, CensusStore
from streams.metrics import WorkerMetrics
from streams.worker.census import CensusMerger, CensusTaker, Review, due_at_border

BORDER = 1_700_006_400.0
DAY = 86400.0
WALL = BORDER + 300 * DAY
EVERY = 3600.0


def customer(number: int, chance: random.Random) -> Profile:
    last = BORDER - chance.uniform(0, 200) * DAY
    profile = Profile(id=f"{number:022d}", created=1.0, updated=last)
    profile.purchases = Purchases(chance.randrange(1, 5), last, last, 1, {"EUR": chance.randrange(100, 90_000)})
    return profile


class World:
    """An installation in memory; whatever is asked of a wall clock while the clock stands at a border is an error."""

    def __init__(self, partitions: int, *, live: bool = False) -> None:
        self._partitions = partitions
        self.live = live
        self.profiles = MemoryStore(uuid.UUID(int=1), partitions)
        self.store = MemoryCensusStore(self.profiles)
        self.moved: list[str] = []
        self.published: list[Output] = []

    def taker(self, mine: Iterable[int] | None = None, review: Review | None = None) -> CensusTaker:
        """A worker that counts, all partitions or some."""
        partitions = list(range(self._partitions) if mine is None else mine)
        review = review or Review(self._members, self._move, lambda: True)
        metrics = WorkerMetrics(CollectorRegistry())
        return CensusTaker(self.store, Subject("EUR"), lambda: partitions, self._now, self._busy, metrics, review)

    def merger(self) -> CensusMerger:
        """A process that opens and closes."""
        return CensusMerger(self.store, self._partitions, EVERY, ["vip"], "EUR", self._publish)

    async def keep(self, profiles: Iterable[Profile]) -> None:
        held = list(profiles)
        for partition in range(self._partitions):
            here = [profile for profile in held if partition_of(profile.id, self._partitions) == partition]
            loaded = await self.profiles.load(partition, [])
            await self.profiles.commit(partition, Changes(loaded.version, profiles=here))

    async def findings(self) -> Findings:
        raw = await self.store.findings()
        assert raw is not None
        return Findings.from_json(raw)

    def _members(self, profile: Profile, now: float) -> set[str]:
        return {"vip"}

    async def _move(self, partition: int, ids: list[str]) -> None:
        self.moved += ids

    def _now(self) -> float:
        assert self.live, "a round at a border is as of the border"
        return WALL

    def _busy(self) -> bool:
        assert self.live, "while the clock stands nothing is in the way of counting"
        return False

    async def _publish(self, store: CensusStore) -> None:
        for version, outputs in await store.outbox():
            self.published += outputs
            await store.clear_outbox(version)


def people(count: int) -> list[Profile]:
    chance = random.Random(7)
    return [customer(number, chance) for number in range(count)]


@pytest.mark.parametrize(
    ("state", "after", "customers", "due"),
    [
        (CensusState(), 0.0, 0, False),  # nobody is there
        (CensusState(), 0.0, 1, True),  # the first
        (CensusState(border=BORDER, customers=10), 20 * DAY, 19, False),
        (CensusState(border=BORDER, customers=10), 20 * DAY, 20, True),  # twice as many
        (CensusState(border=BORDER, customers=10), 0.5 * DAY, 500, False),  # but not twice a day
        (CensusState(border=BORDER, customers=10), 28 * DAY, 10, True),  # in any case after four weeks
        (CensusState(opened=BORDER, customers=10), 27 * DAY, 10, False),  # the last one was live
        (CensusState(opened=BORDER + 300 * DAY, customers=10), 0.0, 5, True),  # a history is loaded after it went live
        (CensusState(opened=BORDER + 300 * DAY, border=BORDER, customers=10), 28 * DAY, 10, True),  # wall clock or not
    ],
)
def test_when_a_round_is_due_says_event_time(state: CensusState, after: float, customers: int, due: bool) -> None:
    assert due_at_border(state, BORDER + after, customers) is due


def test_a_round_at_a_border_is_as_of_that_and_moves_nobody() -> None:
    async def test() -> None:
        world = World(4)
        await world.keep(people(600))
        assert await world.merger().open_at(BORDER, WALL)
        assert not await world.merger().close_if_counted(WALL)
        await world.taker().run()
        assert await world.merger().close_if_counted(WALL)
        findings = await world.findings()
        assert (findings.customers, findings.population.at) == (600, BORDER)
        assert max(findings.population.edges["recency"]) <= 200
        assert world.moved == []
        assert len(world.published) == 1
        assert not await world.merger().open_at(BORDER, WALL)  # the same border once more: it is done

    asyncio.run(test())


def test_live_whoever_the_counters_have_otherwise_than_they_add_is_looked_at_again() -> None:
    """As after an upgrade, when the documents of before say nothing; each once."""

    async def test() -> None:
        world = World(1, live=True)
        everybody = people(40)
        for number, profile in enumerate(everybody):
            profile.segments = {"vip": Stay(1.0)}
            profile.counted = {NOW: {OPEN_TICKETS: 1}} if number % 4 else None
        await world.keep(everybody)
        added = {profile.id: {NOW: {OPEN_TICKETS: 1}} for profile in everybody}
        review = Review(world._members, world._move, lambda: True, lambda profile: added[profile.id])
        assert await world.merger().step(WALL)
        await world.taker(review=review).run()
        assert sorted(world.moved) == sorted(profile.id for profile in everybody[::4])

    asyncio.run(test())


def test_a_round_whose_worker_died_is_finished_by_whoever_comes() -> None:
    """However long that takes: no earlier count of a partition is ever used."""

    async def test() -> None:
        world = World(4)
        await world.keep(people(100))
        assert await world.merger().open_at(BORDER, WALL)
        await world.taker([0, 1]).run()
        assert await world.merger().open_at(BORDER, WALL + 60)  # the next coordinator
        assert not await world.merger().close_if_counted(WALL + 100 * DAY)
        assert not await world.merger().step(WALL + 100 * DAY)
        await world.taker([2, 3]).run()
        assert await world.merger().close_if_counted(WALL + 100 * DAY)
        findings = await world.findings()
        assert (findings.customers, findings.stale, findings.missing) == (100, [], [])
        assert (await world.store.state()).round == 1

    asyncio.run(test())


def test_a_live_round_that_was_not_closed_before_an_outage_is_given_up() -> None:
    async def test() -> None:
        world = World(2, live=True)
        await world.keep(people(50))
        assert await world.merger().step(BORDER)
        await world.taker([0]).run()
        world.live = False
        assert await world.merger().open_at(BORDER + 2 * DAY, WALL)
        await world.taker().run()
        assert await world.merger().close_if_counted(WALL)
        assert (await world.findings()).population.at == BORDER + 2 * DAY

    asyncio.run(test())


def test_live_the_next_round_comes_a_period_after_the_last_at_a_border_and_moves_people_again() -> None:
    async def test() -> None:
        world = World(2)
        await world.keep(people(50))
        assert await world.merger().open_at(BORDER, WALL)
        await world.taker().run()
        assert await world.merger().close_if_counted(WALL)
        world.live = True
        assert not await world.merger().step(WALL + EVERY - 1)
        assert await world.merger().step(WALL + EVERY)
        await world.taker().run()
        assert await world.merger().step(WALL + EVERY + 1)
        assert (await world.findings()).population.at == WALL
        assert len(world.moved) == 50

    asyncio.run(test())


def test_one_partition_and_sixteen_come_to_the_same() -> None:
    """Edges, clusters and their names, to the last digit: segments by rank hang on them."""

    async def found(partitions: int) -> Findings:
        world = World(partitions)
        everybody = people(2500)
        random.Random(partitions).shuffle(everybody)
        await world.keep(everybody)
        assert await world.merger().open_at(BORDER, WALL + partitions)
        await world.taker().run()
        assert await world.merger().close_if_counted(WALL + partitions)
        return await world.findings()

    one, sixteen = asyncio.run(found(1)), asyncio.run(found(16))
    assert one.population == sixteen.population
    assert len(one.population.edges["revenue"]) == 99
    assert one.learned == sixteen.learned
    assert one.personas.keys() == sixteen.personas.keys()
