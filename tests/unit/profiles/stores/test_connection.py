"""What the URL of Redis decides."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis, RedisCluster

from profiles.errors import Misconfigured
from profiles.stores.connection import connect


def test_a_url_of_one_node() -> None:
    """As redis-py reads it."""
    assert type(connect("redis://:secret@host:6390/3")) is Redis


def test_a_url_of_a_cluster() -> None:
    """Several nodes, one of them without a port; user, password and TLS are every node's."""
    client = connect("rediss+cluster://somebody:p%40ss@one:7000,two,[::1]:7002?ssl_cert_reqs=none")

    assert isinstance(client, RedisCluster)
    assert [(node.host, node.port) for node in client.startup_nodes] == [("one", 7000), ("two", 6379), ("::1", 7002)]
    options = client.connection_kwargs
    assert (options["username"], options["password"]) == ("somebody", "p@ss")
    assert options["ssl_cert_reqs"] == "none"
    assert options["connection_class"].__name__ == "SSLConnection"


@pytest.mark.parametrize(
    "url", ["http://:secret@host", "redis+cluster://:secret@host:7000/3", "redis+cluster://:secret@host:port", "secret"]
)
def test_what_is_no_url_is_refused_without_saying_the_password(url: str) -> None:
    """With an example of what it should be."""
    with pytest.raises(Misconfigured, match="it looks like redis://HOST:6379/0") as refused:
        connect(url)
    assert "secret" not in str(refused.value)
