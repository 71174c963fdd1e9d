"""The connection to Redis, of one node or a cluster: the URL decides."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException
from redis.exceptions import TimeoutError as RedisTimeoutError

from profiles.errors import Misconfigured

__all__ = ["Client", "connect", "on_each_master"]

Client = Any
"""A redis-py client, of one node or a cluster. Its own types cannot say that responses are always bytes."""

_CLUSTER = {"redis+cluster": "redis", "rediss+cluster": "rediss"}


def connect(url: str, *, retrying: bool = True) -> Client:
    """A client; one that retries waits out a short restart of the server rather than fail at once.

    Args:
        url: `redis://HOST:PORT/DB` (`rediss://` for TLS) of one node, or
            `redis+cluster://HOST:PORT,HOST:PORT,…` (`rediss+cluster://`), some nodes of a cluster.
        retrying: whether to try again.

    Raises:
        Misconfigured: this is no URL of a Redis.
    """
    options: dict[str, Any] = {
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=6 if retrying else 0),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
        "socket_timeout": 30.0,
        "socket_connect_timeout": 5.0,
    }
    try:
        if urlsplit(url).scheme in _CLUSTER:
            return _Cluster(startup_nodes=_nodes(url), **options, **_options_of(url))
        return Redis.from_url(url, **options)
    except (ValueError, TypeError, RedisClusterException):  # with parts of the URL, so perhaps of the password
        raise Misconfigured(
            "RAPPORT_REDIS cannot be used: it looks like redis://HOST:6379/0, or redis+cluster://HOST:6379,HOST:6379 "
            "for a cluster, which has no numbered databases; rediss… for TLS"
        ) from None


async def on_each_master(client: Client, command: str, *arguments: Any) -> dict[str, Any]:
    """The answers of all nodes that hold data, by their address; "Redis" where there is one node."""
    if not isinstance(client, RedisCluster):
        return {"Redis": await client.execute_command(command, *arguments)}
    await client.initialize()
    return {
        node.name: await client.execute_command(command, *arguments, target_nodes=node)
        for node in client.get_primaries()
    }


class _Cluster(RedisCluster):
    """Says in the same way as a single node that nobody answers, so that whoever waits waits for this, too."""

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:  # no node answers, or not every slot has one at the moment
            raise RedisConnectionError(str(error)) from error


def _nodes(url: str) -> list[ClusterNode]:
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    places = [urlsplit(f"//{host}") for host in hosts]
    return [ClusterNode(place.hostname or "localhost", place.port or 6379) for place in places]


def _options_of(url: str) -> dict[str, Any]:
    """User, password, TLS and what stands after the question mark, as redis-py reads them for a single node."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    first = user + at + hosts.split(",")[0]
    found = dict(parse_url(urlunsplit(parts._replace(scheme=_CLUSTER[parts.scheme], netloc=first))))
    for name in ("host", "port", "connection_class"):
        found.pop(name, None)
    if parts.scheme == "rediss+cluster":
        found["ssl"] = True
    return found
