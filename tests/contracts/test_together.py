"""Reads that are asked at the same moment cost one round trip on one node; on a cluster one to each of its nodes."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from console.access.api_tokens import Tokens
from console.api import create_api
from console.services.advice import Adviser
from profiles.store import Changes
from profiles.stores import Stores, open_stores
from profiles.stores.connection import connect
from profiles.stores.reading.together import Together
from profiles.types import Profile, partition_of
from tests.console.people import customer
from tests.console.support_api import PLAN, api_deps

PARTITIONS = 16


@pytest.fixture(params=["redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """Of a fresh Redis."""
    if request.param == "cluster":
        return str(request.getfixturevalue("redis_cluster").url)
    return str(request.getfixturevalue("redis_url"))


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When something was sent to Redis."""
    sent: list[float] = []
    real = AbstractConnection.send_packed_command

    async def counted(self, *args, **given):  # type: ignore[no-untyped-def]
        sent.append(time.monotonic())
        return await real(self, *args, **given)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    return sent


def test_everybody_gets_their_own_answer_and_a_mistake_is_of_who_made_it(url: str) -> None:
    async def test() -> None:
        client = connect(url)
        together = Together(client)
        await asyncio.gather(*(client.set(f"{{p{n:03}}}:one", n) for n in range(20)))
        asked = [together.ask("GET", f"{{p{n % 20:03}}}:one") for n in range(200)]
        wrong = together.ask("HGET", "{p003}:one", "x")
        assert [await one for one in asked] == [b"%d" % (n % 20) for n in range(200)]
        with pytest.raises(ResponseError):
            await wrong
        gone = asyncio.ensure_future(together.ask("GET", "{p000}:one"))
        stays = together.ask("GET", "{p000}:one")
        gone.cancel()
        assert await stays == b"0"
        await client.aclose()

    asyncio.run(test())


def test_whoever_asks_while_redis_is_away_is_told() -> None:
    async def test() -> None:
        client = connect("redis://127.0.0.1:9/0", retrying=False)
        together = Together(client)
        for answer in await asyncio.gather(*(together.ask("GET", "x") for _ in range(3)), return_exceptions=True):
            assert isinstance(answer, RedisConnectionError)
        await client.aclose()

    asyncio.run(test())


def test_one_object_serves_one_loop_after_the_other(redis_url: str) -> None:
    client = connect(redis_url)
    together = Together(client)

    async def ask() -> object:
        try:
            return await together.ask("GET", "none")
        finally:
            await client.connection_pool.disconnect()

    async def leave() -> None:
        together.ask("GET", "none")  # nobody is left who sends it

    asyncio.run(ask())
    asyncio.run(leave())
    assert asyncio.run(ask()) is None


def test_a_read_of_a_customer_costs_one_round_trip_and_ten_at_once_hardly_more(
    redis_url: str, trips: list[float]
) -> None:
    async def test() -> None:
        stores = open_stores(redis_url, PLAN.namespace, PARTITIONS)
        try:
            await reads(stores)
        finally:
            await stores.close()

    async def reads(stores: Stores) -> None:
        people = [customer(("user_id", str(number))) for number in range(10)]
        await _fill(stores, people)
        token = (await Tokens(stores.access).add("crm", ["profiles:read"])).text
        deps = api_deps(
            stores.reader, access=stores.access, clocks=stores.clock,
            adviser=Adviser(stores.learner, PLAN.churn, PLAN.currency),
        )  # fmt: skip
        transport, bearer = httpx.ASGITransport(create_api(deps)), {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=bearer) as http:

            async def read(one: Profile) -> None:
                answer = await http.get(f"/v1/profiles/profile_id:{one.id}")
                assert (answer.status_code, answer.json()["id"]) == (200, one.id)

            await read(people[0])  # who shows this token was not known before
            trips.clear()
            await read(people[1])
            assert len(trips) == 1
            trips.clear()
            await asyncio.gather(*map(read, people))
            assert len(trips) <= 3

    asyncio.run(test())


async def _fill(stores: Stores, people: list[Profile]) -> None:
    versions: dict[int, int] = {}
    for one in people:
        partition = partition_of(one.id, PARTITIONS)
        changes = Changes(versions.get(partition, 0), profiles=[one])
        versions[partition] = await stores.profiles.commit(partition, changes)
