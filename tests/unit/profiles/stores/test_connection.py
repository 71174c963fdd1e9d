"""What the URL of Redis decides."""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import SplitResult, urlsplit

import pytest
from redis.asyncio import Redis, RedisCluster, SSLConnection

from profiles.errors import Misconfigured
from profiles.stores import connection, open_stores
from profiles.stores.connection import connect, reached
from profiles.units import LinkChanges


def test_a_url_of_one_node() -> None:
    """As redis-py reads it."""
    assert type(connect("redis://:secret@host:6390/3")) is Redis


def test_a_url_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several nodes, one of them without a port; user, password and TLS are every node's."""

    def strictly(url: str) -> SplitResult:
        """As later Pythons do: some of 3.11, too."""
        parts = urlsplit(url)
        if "[" in parts.netloc.rpartition("@")[2][1:]:
            raise ValueError("Invalid IPv6 URL")
        return parts

    monkeypatch.setattr(connection, "urlsplit", strictly)
    client = connect("rediss+cluster://somebody:p%40ss@one:7000,two,[::1]:7002?ssl_cert_reqs=none")

    assert isinstance(client, RedisCluster)
    assert [(node.host, node.port) for node in client.startup_nodes] == [("one", 7000), ("two", 6379), ("::1", 7002)]
    options = client.connection_kwargs
    assert (options["username"], options["password"]) == ("somebody", "p@ss")
    assert options["ssl_cert_reqs"] == "none"
    assert issubclass(options["connection_class"], SSLConnection)


@pytest.mark.parametrize(
    "url", ["http://:secret@host", "redis+cluster://:secret@host:7000/3", "redis+cluster://:secret@host:port", "secret"]
)
def test_what_is_no_url_is_refused_without_saying_the_password(url: str) -> None:
    """With an example of what it should be."""
    with pytest.raises(Misconfigured, match="it looks like redis://HOST:6379/0") as refused:
        connect(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://host", "no TLS, as user default"),
        ("rediss://me:secret@host/0?ssl_certfile=c.pem", "TLS with a certificate of ours, as user me"),
        ("rediss+cluster://me:secret@host:1,other:2", "TLS, as user me"),
        ("redis+cluster://me:secret@host:1,[::1]:2", "no TLS, as user me"),
    ],
)
def test_how_a_url_reaches_redis_in_words(url: str, words: str) -> None:
    """Without the password."""
    assert reached(url) == words


def test_the_stores_in_memory_know_each_other() -> None:
    """Who is linked by one is found by another; another URL of memory is another memory."""

    async def test() -> None:
        stores = open_stores("memory://", uuid.uuid4(), 4)
        await stores.links.commit(LinkChanges(0, 0, mapping={("email", "a@example.com"): "somebody"}))
        assert await stores.reader.resolve(("email", "a@example.com")) == "somebody"
        assert await stores.profiles.applied([0]) == {0: -1}
        assert await stores.sources.paused() == {}
        await stores.close()
        other = open_stores("memory://", uuid.uuid4(), 4)
        assert await other.reader.resolve(("email", "a@example.com")) != "somebody"

    asyncio.run(test())
