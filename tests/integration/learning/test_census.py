"""The census on a real Redis: rounds, workers killed half-way, two that believe to be in charge; end to end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from console.local.resp import ask_redis
from models.population.census import EVERYBODY, Subject, Summary
from models.population.findings import Findings
from profiles.errors import Fenced
from profiles.store import Changes, Output, Reader
from profiles.stores.census import RedisCensusStore
from profiles.stores.keys import CENSUS, Keys
from profiles.stores.redis import RedisStore, connect
from profiles.types import Profile, Purchases, Stay, partition_of
from profiles.units import CensusState, CensusStore, Count
from streams.metrics import WorkerMetrics
from streams.rebuild.rebuild import rebuild
from streams.worker.census import CensusMerger, CensusTaker, Review
from streams.worker.population import population_of
from tests.conftest import MakeSettings
from tests.integration.rapport import Rapport, order, recently, running

PARTITIONS = 4
NOW = 1_767_225_600.0
EVERY = 3600.0
DAY = 86400.0


async def _nobody(partition: int, ids: list[str]) -> None:
    """Review nobody."""


UNREVIEWED = Review(lambda profile, now: set(profile.segments), _nobody, lambda: False)


class World:
    """An installation without Kafka: the store, one worker that counts, one that merges."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.profiles = RedisStore(client)
        self.store = RedisCensusStore(client)
        self.metrics = WorkerMetrics(CollectorRegistry())
        self.mine = list(range(PARTITIONS))
        self.now = NOW
        self.published: list[Output] = []
        self.taker = self.worker()
        self.merger = CensusMerger(self.store, PARTITIONS, EVERY, ["vip"], "EUR", self.publish)
        self.loader = population_of(self.store, self.metrics)

    def worker(self, after_page: Callable[[], object] = lambda: None) -> CensusTaker:
        """One that counts; something may happen after each page."""

        def busy() -> bool:
            after_page()
            return False

        return CensusTaker(
            self.store, Subject("EUR"), lambda: self.mine, lambda: self.now, busy, self.metrics, UNREVIEWED
        )

    async def publish(self, store: CensusStore) -> None:
        """Produce the outbox."""
        for version, outputs in await store.outbox():
            self.published += outputs
            await store.clear_outbox(version)

    async def keep(self, profiles: Iterable[Profile], tombstones: int = 0) -> None:
        """Commit profiles, as a profile runner does."""
        for partition in range(PARTITIONS):
            here = [profile for profile in profiles if partition_of(profile.id, PARTITIONS) == partition]
            loaded = await self.profiles.load(partition, [])
            await self.profiles.commit(partition, Changes(loaded.version, profiles=here, tombstones=tombstones))

    async def census(self, at: float) -> Findings:
        """A whole round."""
        assert await self.step(at)
        await self.taker.run()
        assert await self.step(at)
        return await self.findings()

    async def step(self, at: float, merger: CensusMerger | None = None) -> bool:
        """Some seconds after the start of time."""
        return await (merger or self.merger).step(NOW + at)

    async def findings(self) -> Findings:
        raw = await self.store.findings()
        assert raw is not None
        return Findings.from_json(raw)


class Killed(Exception):
    """What a SIGKILL is to the code that it hits."""


Test = Callable[[World], Awaitable[None]]


@pytest.fixture(params=["redis", "cluster"])
def run(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    """Runs a coroutine function in an empty world, on one Redis and on a Redis Cluster."""
    url = (
        request.getfixturevalue("redis_url")
        if request.param == "redis"
        else request.getfixturevalue("redis_cluster").url
    )

    def execute(test: Test) -> None:
        async def with_client() -> None:
            client = connect(url)
            try:
                await test(World(client))
            finally:
                await client.aclose()

        asyncio.run(with_client())

    return execute


def customer(number: int, revenue: int = 0, silent: float = 10.0, segments: Iterable[str] = ()) -> Profile:
    profile = Profile(id=f"{number:022d}", created=1.0, updated=NOW)
    last = NOW - silent * DAY
    profile.purchases = Purchases(1, last, last, 1, {"EUR": revenue or 100 * number})
    profile.segments = {name: Stay(NOW) for name in segments}
    return profile


def test_a_round_counts_everybody_once(run: Callable[[Test], None]) -> None:
    """Tombstones left out; every worker then ranks by the same edges."""

    async def test(world: World) -> None:
        await world.keep([customer(number, segments=["vip"] * (number > 900)) for number in range(1, 1001)])
        await world.keep([Profile(id="gone", redirect=f"{1:022d}")], 0)
        findings = await world.census(10.0)

        assert (findings.customers, findings.population.version) == (1000, 1)
        assert findings.population.edges["revenue"][89] == pytest.approx(900, abs=10)
        assert findings.personas[EVERYBODY].size == 1000
        assert findings.personas["vip"].size == 100
        assert (findings.stale, findings.missing) == ([], [])
        assert [Findings.from_json(output.value) for output in world.published] == [findings]
        assert await world.loader.refresh()
        assert world.loader() == findings.population
        assert not await world.loader.refresh()

    run(test)


def test_old_states_are_gone_with_the_next_round(run: Callable[[Test], None]) -> None:
    """Customers who spent more, fell silent, left the segment or were erased: nothing of before is left."""

    async def test(world: World) -> None:
        everybody = [customer(number, 1000, segments=["vip"]) for number in range(200)]
        await world.keep(everybody)
        before = await world.census(10.0)
        world.now += 30 * DAY
        changed = [customer(number, 5000) for number in range(199)]
        gone = Profile(id=everybody[199].id, redirect="!")
        await world.keep([*changed, gone])
        after = await world.census(10.0 + EVERY)

        assert set(before.population.edges["revenue"]) == {10.0}
        assert set(after.population.edges["revenue"]) == {50.0}
        assert after.population.edges["recency"][50] == pytest.approx(40.0)
        assert after.customers == 199
        assert after.personas["vip"].size == 0
        assert [point.size for point in after.personas["vip"].trend] == [200, 0]

    run(test)


def test_a_worker_killed_half_way_leaves_no_half_census(run: Callable[[Test], None]) -> None:
    """It had counted one partition and part of another. Its successor counts the others, and everybody once."""

    async def test(world: World) -> None:
        await world.keep([customer(number, segments=["vip"]) for number in range(1, 2001)])
        await world.step(10.0)
        pages = iter(range(12))  # of eight in a partition

        def die() -> None:
            if next(pages, None) is None:
                raise Killed

        with pytest.raises(Killed):
            await world.worker(die).run()
        counted = await world.store.rounds(range(PARTITIONS))
        assert sorted(counted.values()) == [0, 0, 0, 1], counted

        assert not await world.step(11.0)
        assert await world.store.findings() is None
        await world.worker().run()
        assert await world.step(12.0)
        assert (await world.findings()).personas["vip"].size == 2000

    run(test)


def test_a_partition_that_is_taken_away_is_left_to_its_new_owner(run: Callable[[Test], None]) -> None:
    """Counting stops, and writes nothing."""

    async def test(world: World) -> None:
        await world.keep([customer(number) for number in range(1, 3001)])
        await world.step(10.0)
        world.mine = [0]
        await world.worker(world.mine.clear).run()
        assert set((await world.store.rounds(range(PARTITIONS))).values()) == {0}

    run(test)


def test_two_that_merge_at_once_write_once(run: Callable[[Test], None]) -> None:
    """The fence lets one through."""

    async def test(world: World) -> None:
        await world.keep([customer(number) for number in range(1, 101)])
        others = [CensusMerger(world.store, PARTITIONS, EVERY, ["vip"], "EUR", world.publish) for _ in range(3)]
        assert sorted(await asyncio.gather(*(world.step(10.0, other) for other in others))) == [False, False, True]
        await world.taker.run()
        assert sorted(await asyncio.gather(*(world.step(11.0, other) for other in others))) == [False, False, True]
        assert (await world.findings()).population.version == 1
        with pytest.raises(Fenced):
            await world.store.commit(CensusState(0), [])

    run(test)


def test_a_census_that_does_not_end_goes_without_the_late_ones_and_says_so(run: Callable[[Test], None]) -> None:
    """A period later: of a partition nobody counts, the last count is used; of one never counted, none."""

    async def test(world: World) -> None:
        await world.keep([customer(number) for number in range(1, 401)])
        await world.census(10.0)
        assert await world.step(10.0 + EVERY)
        world.mine = [0, 1]
        await world.taker.run()
        assert not await world.step(11.0 + EVERY)
        assert await world.step(10.0 + 2 * EVERY)
        assert (await world.findings()).stale == [2, 3]
        assert (await world.findings()).customers == 400

        await world.client.delete(Keys.of(2).census)
        await world.step(10.0 + 3 * EVERY)
        await world.step(10.0 + 4 * EVERY)
        assert (await world.findings()).missing == [2]
        assert (await world.findings()).customers < 400

    run(test)


def test_rounds_follow_the_customers(run: Callable[[Test], None]) -> None:
    """None while nobody is there; one with the first; again when they have doubled; else after the period."""

    async def test(world: World) -> None:
        assert not await world.step(10.0)
        await world.keep([customer(number) for number in range(1, 11)])
        await world.census(20.0)
        assert not await world.step(30.0)
        assert not await world.step(60.0)
        await world.keep([customer(number) for number in range(11, 21)])
        assert not await world.step(30.0)
        await world.census(61.0)
        assert not await world.step(60.0 + EVERY)
        assert (await world.census(61.0 + EVERY)).population.version == 3

    run(test)


def test_findings_of_another_version_are_begun_anew(run: Callable[[Test], None]) -> None:
    """And a damaged population changes nothing for those who rank."""

    async def test(world: World) -> None:
        await world.keep([customer(number) for number in range(1, 101)])
        await world.census(10.0)
        await world.loader.refresh()
        held = world.loader()
        await world.client.hset(CENSUS.meta, mapping={"findings": b"{", "merged": 9, "round": 9})
        assert not await world.loader.refresh()
        assert world.loader() == held
        assert (await world.census(10.0 + EVERY)).population.version == 1

    run(test)


def test_summaries_are_what_the_store_holds(run: Callable[[Test], None]) -> None:
    """One hash a partition, under its own tag."""

    async def test(world: World) -> None:
        await world.keep([customer(number) for number in range(1, 101)])
        await world.census(10.0)
        counts = await world.store.counts(range(PARTITIONS))
        sizes = [msgspec.msgpack.decode(count.summary, type=Summary).customers for count in counts.values() if count]
        assert sum(sizes) == 100
        await world.store.count(0, Count(7, b"x"))
        assert (await world.store.rounds([0])) == {0: 7}

    run(test)


def test_findings_survive_the_loss_of_redis(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A rebuild brings population, learned segments and trends back; the next census goes on from there."""
    settings = make_settings(census_every=2.0)
    with running(settings, tmp_path) as rapport:
        shopping(rapport, range(1, 101))
        until(rapport, lambda: findings_of(rapport).customers == 100, "a census")
        rapport.stop_workers()
        before = findings_of(rapport)
        ask_redis(settings.redis.get_secret_value(), ["FLUSHDB"])
        asyncio.run(rebuild(settings, rapport.plan, wait=True))
        assert findings_of(rapport) == before

        rapport.workers.clear()
        rapport.start()
        until(rapport, lambda: findings_of(rapport).population.version > before.population.version, "the next")
        after = findings_of(rapport)
        assert after.customers == 100
        assert after.personas[EVERYBODY].trend[0] == before.personas[EVERYBODY].trend[0]
        assert after.learned.generations == before.learned.generations


def shopping(rapport: Rapport, users: Sequence[int], first: int = 0) -> None:
    """One order of each: as many euros as their number."""
    rapport.send("purchase", [order(f"u{number}", first, recently(), float(number)) for number in users])


def members_of(rapport: Rapport, segment: str) -> set[str]:
    """Whom the index holds."""

    async def ask(reader: Reader) -> set[str]:
        rows, following = await reader.members(segment, limit=200)
        assert following is None
        profiles = [await reader.profile(id_) for id_, _ in rows]
        return {next(iter(profile.identities["user_id"])) for profile in profiles if profile}

    return rapport.read(ask)


@pytest.mark.parametrize("workers", [1, 2])
def test_who_is_in_the_top_tenth_follows_from_all(make_settings: MakeSettings, tmp_path: Path, workers: int) -> None:
    """Orders, a census, and the tenth that spent most is in; nothing more has to happen to them.

    Then others spend more: they enter, and the former leave with no event of theirs.
    """
    with running(make_settings(census_every=2.0), tmp_path, workers) as rapport:
        shopping(rapport, range(1, 101))
        best = {f"u{number}" for number in range(91, 101)}
        until(rapport, lambda: len(members_of(rapport, "top_value") & best) >= 8, "a top tenth")
        assert len(members_of(rapport, "top_value") - best) <= 2

        shopping(rapport, range(1001, 1101))
        richer = {f"u{number}" for number in range(1085, 1101)}
        until(rapport, lambda: not members_of(rapport, "top_value") & best, "the former to leave")
        until(rapport, lambda: len(members_of(rapport, "top_value") & richer) >= 14, "the richer to enter")

        until(rapport, lambda: findings_of(rapport).personas["top_value"].size == len(members_of(rapport, "top_value")),
              "the census to agree with the index")  # fmt: skip
        assert findings_of(rapport).customers == 200
        changes = [json.loads(record.value) for record in rapport.topic("segment.changes")]
        told = [change for change in changes if change["segment"] == "top_value" and change["profile"]]
        assert len({change["id"] for change in told}) == len(told)
        assert all(change["population"] >= 1 for change in told)


def test_the_census_goes_on_when_a_worker_is_killed(make_settings: MakeSettings, tmp_path: Path) -> None:
    """SIGKILL to one of two, whatever it was doing: the other counts everybody, and once."""
    with running(make_settings(census_every=2.0), tmp_path, 2) as rapport:
        shopping(rapport, range(1, 301))
        until(rapport, lambda: findings_of(rapport).customers == 300, "a census of all")
        rapport.kill(0)
        version = findings_of(rapport).population.version
        until(rapport, lambda: findings_of(rapport).population.version >= version + 2, "two more", 120)
        found = findings_of(rapport)
        assert (found.customers, found.stale, found.missing) == (300, [], [])
        assert found.personas[EVERYBODY].revenue == sum(range(1, 301))


def findings_of(rapport: Rapport) -> Findings:
    """What the last census came to."""

    async def read() -> Findings:
        store = RedisCensusStore(connect(rapport.settings.redis.get_secret_value()))
        raw = await store.findings()
        await store.close()
        return Findings() if raw is None else Findings.from_json(raw)

    return asyncio.run(read())


def until(rapport: Rapport, question: Callable[[], bool], what: str, timeout: float = 180.0) -> None:
    """Wait; fails with the workers' logs."""
    deadline = time.monotonic() + timeout
    while not question():
        assert time.monotonic() < deadline, f"still waiting for {what}\n{rapport.logs()}"
        time.sleep(0.25)
