"""Many readers at once: who finds no free connection waits, on one node and on a cluster."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from console.api import create_api
from profiles.errors import Busy
from profiles.store import Changes
from profiles.stores import AWAY
from profiles.stores.connection import MOST_CONNECTIONS, connect
from profiles.stores.reading.queries import RedisReader
from profiles.stores.redis import RedisStore
from profiles.stores.setup import forget_member, show_sign
from profiles.types import Alert, Profile, Score, Stay, partition_of, profile_id
from tests.console.support_api import TOKEN, api_deps

NAMESPACE = uuid.UUID("6b1c0e5e-8d6b-4f3a-9a52-0d7d2b8f4c11")
PARTITIONS = 16
READERS, ROWS = 50, 200


@pytest.fixture(params=["redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """Of a fresh Redis."""
    if request.param == "cluster":
        return str(request.getfixturevalue("redis_cluster").url)
    return str(request.getfixturevalue("redis_url"))


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/alerts?state=open", "/v1/segments/vip/members", "/v1/profiles"])
def test_fifty_readers_of_two_hundred_rows_are_all_answered(url: str, path: str) -> None:
    """None is told that Redis does not answer; each gets its rows, over connections that are few."""

    async def test() -> None:
        client = connect(url)
        await _fill(RedisStore(client))
        await client.sadd("rapport:segments", "vip")
        transport = httpx.ASGITransport(create_api(api_deps(RedisReader(client, NAMESPACE, PARTITIONS))))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=60) as http:
            answers = await asyncio.gather(*(http.get(path, params=_query(path)) for _ in range(READERS)))
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        assert {len(answer.json()["data"]) for answer in answers} == {ROWS}
        assert await _connections(client) <= MOST_CONNECTIONS + 1
        await client.aclose()

    asyncio.run(test())


def test_members_of_a_group_see_the_signs_of_one_another(url: str) -> None:
    async def test() -> None:
        client = connect(url)
        assert await show_sign(client, "one", "") == {}
        await show_sign(client, "one", "a")
        await show_sign(client, "two", "c")
        assert await show_sign(client, "one", "b") == {"a": 1, "b": 1}
        assert await show_sign(client, "one", "a") == {"a": 2, "b": 1}
        await forget_member(client, "one", "a")
        assert await show_sign(client, "one", "") == {"b": 1}
        await client.aclose()

    asyncio.run(test())


def test_who_waits_too_long_is_told_that_it_is_busy(url: str) -> None:
    """Which no reader takes for a Redis that is away; and who came in time has had its connection."""

    async def test() -> None:
        client = connect(url, patience=0.3)
        await client.ping()
        waiting = [asyncio.create_task(client.blpop(["{p000}:never"], 2)) for _ in range(MOST_CONNECTIONS)]
        await asyncio.sleep(0.1)
        with pytest.raises(Busy) as told:
            await client.get("{p000}:any")
        assert not isinstance(told.value, AWAY)
        assert await asyncio.gather(*waiting) == [None] * MOST_CONNECTIONS
        assert await client.get("{p000}:any") is None
        await client.aclose()

    asyncio.run(test())


def test_who_uses_a_connection_that_another_caller_closes_is_told_so(request: pytest.FixtureRequest) -> None:
    """Which is tried again. A client of a cluster closes all of a node's, whoever uses them, when one of them fails."""
    url = str(request.getfixturevalue("redis_cluster").url)

    async def test() -> None:
        client = connect(url)
        await client.ping()
        node = client.get_primaries()[0]
        connection = node.acquire_connection()
        for steps in range(8):  # that the other is ahead
            await connection.connect()
            closing = asyncio.create_task(connection.disconnect())
            for _ in range(steps):
                await asyncio.sleep(0)
            (told,) = await asyncio.gather(connection.send_command("PING"), return_exceptions=True)
            assert told is None or isinstance(told, AWAY), repr(told)
            await closing
            await connection.disconnect()
        node.release(connection)
        await client.aclose()

    asyncio.run(test())


async def _fill(store: RedisStore) -> None:
    people: dict[int, list[Profile]] = {}
    for number in range(300):
        id_ = profile_id(NAMESPACE, ("user_id", str(number)))
        profile = Profile(id_, updated=float(number), score=Score(0.5, "medium", 1.0, "m"), segments={"vip": Stay(1.0)})
        profile.alerts["rule"] = Alert(f"{number:032x}", "rule", "open", 1.0 + number % 7, 1.0, 0.5)
        people.setdefault(partition_of(id_, PARTITIONS), []).append(profile)
    for partition, mine in people.items():
        entered = [("vip", profile.id, 1.0) for profile in mine]
        alerts = [(profile.id, alert) for profile in mine for alert in profile.alerts.values()]
        await store.commit(partition, Changes(0, profiles=mine, entered=entered, alerts=alerts))


def _query(path: str) -> dict[str, str]:
    return {**httpx.URL(path).params, "limit": str(ROWS)}


async def _connections(client: Any) -> int:
    """Of all clients to one node: the one with the most."""
    info = await client.info("clients") if not hasattr(client, "get_primaries") else None
    if info is not None:
        return int(info["connected_clients"])
    nodes = [await client.info("clients", target_nodes=node) for node in client.get_primaries()]
    return max(int(node["connected_clients"]) for node in nodes)
