"""What a store promises of several partitions at once: one round trip, and each as if it were alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from profiles.errors import Fenced
from profiles.store import ArrivalRate, Changes, Loaded, Output, Standing
from profiles.stores import Stores
from profiles.stores.connection import connect
from profiles.stores.keys import Keys
from profiles.stores.redis import RedisStore
from profiles.types import Alert, Profile
from tests.contracts.fresh import PARTITIONS, Test, try_on

OUTPUT = Output("alerts", b"key", b"value", "id-1", 0)
ALL = range(PARTITIONS)


def someone(number: int, **fields: Any) -> Profile:
    return Profile(f"{number:032x}", created=1.0, updated=float(number), **fields)


def first_commits(**more: Any) -> list[tuple[int, Changes]]:
    """One of each partition, with a profile and a timer."""
    return [
        (partition, Changes(0, 10 + partition, 5.5, profiles=[someone(partition, scheduled_at=20.0)], **more))
        for partition in ALL
    ]


@pytest.fixture(params=["redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """Of a fresh Redis."""
    if request.param == "cluster":
        return str(request.getfixturevalue("redis_cluster").url)
    return str(request.getfixturevalue("redis_url"))


def test_several_partitions_are_loaded_each_as_by_itself(run: Callable[[Test], None]) -> None:
    """In the order asked for, with who is due, also of one in which nothing is; none of none."""

    async def test(stores: Stores) -> None:
        store = stores.profiles
        for partition, changes in first_commits(origins={"web/0": 7})[1:]:
            await store.commit(partition, changes)
        wanted: list[tuple[int, list[str], float | None]] = [
            (3, [someone(3).id, someone(1).id], None),
            (0, [someone(0).id], 1e9),
            (2, [], 20.0),
            (1, [], 19.0),
        ]
        found = await store.load_many(wanted)

        assert found == [await store.load(number, ids, due_by=due_by) for number, ids, due_by in wanted]
        assert [list(loaded.profiles) for loaded in found] == [[someone(3).id], [], [someone(2).id], []]
        assert found[1] == Loaded()
        assert (await store.load_many(wanted, limit=0))[2].due == []
        assert await store.load_many([]) == []

    run(test)


def test_of_several_commits_each_is_fenced_by_itself(run: Callable[[Test], None]) -> None:
    """The one that comes too late writes nothing and is answered in its place; the others stand."""

    async def test(stores: Stores) -> None:
        store = stores.profiles
        await store.commit(2, Changes(0, 99))
        first, second, refused, fourth = await store.commit_many(first_commits(outputs=[OUTPUT]))

        assert isinstance(refused, Fenced)
        found = await store.load_many([(number, [someone(number).id], None) for number in ALL])
        assert [loaded.version for loaded in found] == [first, second, 1, fourth]
        assert [loaded.applied for loaded in found] == [10, 11, 99, 13]
        assert [list(loaded.profiles) for loaded in found] == [[someone(0).id], [someone(1).id], [], [someone(3).id]]
        assert [await store.outbox(number) for number in ALL] == [[(1, [OUTPUT])], [(1, [OUTPUT])], [], [(1, [OUTPUT])]]
        assert await store.commit_many([]) == []

        again = await store.commit_many(first_commits(outputs=[OUTPUT]))
        assert [type(answer) for answer in again] == [Fenced] * PARTITIONS
        assert await store.outbox(0) == [(1, [OUTPUT])]

    run(test)


def test_a_batch_whose_answers_were_lost_is_tried_again(run: Callable[[Test], None]) -> None:
    """What had been written is answered and not written twice; what had not is written."""

    async def test(stores: Stores) -> None:
        store, batch = stores.profiles, first_commits(outputs=[OUTPUT], tombstones=1)
        await store.commit_many(batch[:2])
        await store.clear_outbox(0, 1)

        assert await store.commit_many(batch) == [1, 1, 1, 1]
        assert [await store.outbox(number) for number in ALL] == [[], *[[(1, [OUTPUT])]] * 3]
        assert await store.commit(0, batch[0][1]) == 1
        await store.commit(0, Changes(1))
        with pytest.raises(Fenced):
            await store.commit(0, batch[0][1])

    run(test)


def test_where_partitions_stand(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        store = stores.profiles
        assert await store.standing(ALL) == {number: Standing() for number in ALL}
        await store.commit(1, Changes(0, 41, 7.5, profiles=[someone(1, scheduled_at=30.5), someone(2)]))
        await store.commit(1, Changes(1, 42, 8.5, profiles=[someone(3, scheduled_at=31.5)], outputs=[OUTPUT]))
        assert await store.standing([1, 3]) == {1: Standing(2, 42, 8.5, True, 30.5), 3: Standing()}
        rates = {"events": ArrivalRate(1.0, 2.0, 3.0, 4.0, [(5.0, 6.0)], {7: (25200.5, 25201.5)})}
        await store.commit(3, Changes(0, 1, arrival_rates=rates))
        assert (await store.standing([3]))[3].arrival_rates == rates
        await store.clear_outbox(1, 2)
        assert await store.standing([1]) == {1: Standing(2, 42, 8.5, False, 30.5)}
        assert await store.applied([1, 0]) == {1: 42, 0: -1}

    run(test)


def test_who_has_an_open_alert(run: Callable[[Test], None]) -> None:
    """Each once, ascending, of this partition alone; an alert that is not open any more counts no more."""

    async def test(stores: Stores) -> None:
        def alert(name: str, state: Any) -> Alert:
            return Alert(name, "rule", state, 1.0, 1.0, 0.5)

        nobody = await stores.profiles.with_open_alerts(1)
        assert nobody == []
        ids = [someone(number).id for number in range(4)]
        alerts = [(ids[2], alert("a", "open")), (ids[0], alert("b", "open")), (ids[2], alert("c", "open"))]
        alerts += [(ids[1], alert("d", "acknowledged")), (ids[3], alert("e", "open"))]
        await stores.profiles.commit(1, Changes(0, alerts=alerts))
        await stores.profiles.commit(2, Changes(0, alerts=[(ids[1], alert("f", "open"))]))
        await stores.profiles.commit(1, Changes(1, alerts=[(ids[3], alert("e", "cleared"))]))

        assert await stores.profiles.with_open_alerts(1) == [ids[0], ids[2]]

    run(test)


def test_scripts_that_a_node_has_lost_are_sent_again(url: str) -> None:
    """To where they are missing; what was written already is not written twice."""

    async def test(stores: Stores) -> None:
        await stores.profiles.commit(1, Changes(0))
        await stores.client.script_flush()
        first, refused, third, fourth = await stores.profiles.commit_many(first_commits())
        assert (first, third, fourth) == (1, 1, 1)
        assert isinstance(refused, Fenced)
        await stores.client.script_flush()
        assert [loaded.version for loaded in await stores.profiles.load_many([(n, [], None) for n in ALL])] == [1] * 4

    try_on(url, test)


def test_what_one_partition_cannot_write_is_answered_in_its_place(url: str) -> None:
    """Here a key of it is of another kind; the others stand."""

    async def test(stores: Stores) -> None:
        await stores.client.set(Keys.of(1).profiles, "no hash")
        first, wrong, third, fourth = await stores.profiles.commit_many(first_commits())
        assert (first, third, fourth) == (1, 1, 1)
        assert isinstance(wrong, RedisError)
        assert not isinstance(wrong, Fenced)
        with pytest.raises(RedisError):
            await stores.profiles.load_many([(0, [], None), (1, [someone(1).id], None)])

    try_on(url, test)


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
def test_a_store_that_is_away_is_no_answer(scheme: str) -> None:
    """It is raised, as of one partition, so that the caller waits and tries again."""

    async def test() -> None:
        client = connect(f"{scheme}://127.0.0.1:1", retrying=False)
        store = RedisStore(client)
        with pytest.raises(RedisConnectionError):
            await store.commit_many(first_commits())
        with pytest.raises(RedisConnectionError):
            await store.load_many([(0, [], None)])
        await client.aclose()

    asyncio.run(test())
