"""The connection to Redis, of one node or a cluster: the URL decides."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode, ClusterPipeline
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException
from redis.exceptions import TimeoutError as RedisTimeoutError

from profiles.errors import Busy, Misconfigured

__all__ = ["MOST_CONNECTIONS", "Client", "connect", "on_each_master", "reached"]

Client = Any
"""A redis-py client, of one node or a cluster. Its own types cannot say that responses are always bytes."""

MOST_CONNECTIONS = 32
"""Of one client to one node. Who needs one more waits for its turn."""

_CLUSTER = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
_NODES = re.compile(r"([^/?#]*@)?([^/?#]*)")  # of a URL behind its scheme: user and password, and the list of nodes


def connect(url: str, *, retrying: bool = True, patience: float = 20.0) -> Client:
    """A client; one that retries waits out a short restart of the server rather than fail at once.

    Args:
        url: `redis://HOST:PORT/DB` (`rediss://` for TLS) of one node, or
            `redis+cluster://HOST:PORT,HOST:PORT,…` (`rediss+cluster://`), some nodes of a cluster.
        retrying: whether to try again.
        patience: seconds to wait for one of `MOST_CONNECTIONS` to be free; then it is `Busy`.

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
        if _scheme(url) in _CLUSTER:
            return _Cluster(
                startup_nodes=_nodes(url),
                patience=patience,
                # Those of whoever has a turn, and those that look where the slots are.
                max_connections=2 * MOST_CONNECTIONS,
                **options,
                **_options_of(url),
            )
        return Redis.from_pool(_Pool.from_url(url, max_connections=MOST_CONNECTIONS, patience=patience, **options))
    except (ValueError, TypeError, RedisClusterException):  # with parts of the URL, so perhaps of the password
        raise Misconfigured(
            "RAPPORT_REDIS cannot be used: it looks like redis://HOST:6379/0, or redis+cluster://HOST:6379,HOST:6379 "
            "for a cluster, which has no numbered databases; rediss… for TLS"
        ) from None


def reached(url: str) -> str:
    """How a URL reaches Redis, in words without the password: `TLS with a certificate of ours, as user rapport`."""
    options = _options_of(url) if _scheme(url) in _CLUSTER else parse_url(url)
    words = "TLS" if _scheme(url).startswith("rediss") else "no TLS"
    if options.get("ssl_certfile"):
        words += " with a certificate of ours"
    return f"{words}, as user {options.get('username') or 'default'}"


async def on_each_master(client: Client, command: str, *arguments: Any) -> dict[str, Any]:
    """The answers of all nodes that hold data, by their address; "Redis" where there is one node."""
    if not isinstance(client, RedisCluster):
        return {"Redis": await client.execute_command(command, *arguments)}
    await client.initialize()
    return {
        node.name: await client.execute_command(command, *arguments, target_nodes=node)
        for node in client.get_primaries()
    }


class _Turns:
    """Lets `MOST_CONNECTIONS` in at a time, the others in the order in which they came."""

    def __init__(self, patience: float) -> None:
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)
        self._patience = patience

    async def take(self) -> None:
        """Wait for a turn.

        Raises:
            Busy: none came.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise Busy(
                f"no connection to Redis became free within {self._patience:g} s: "
                "too much is asked at once, or Redis is slow"
            ) from None

    def end(self) -> None:
        """Let the next one in."""
        self._free.release()


class _Pool(ConnectionPool):
    """Whoever finds no free connection waits; redis-py would call that an error of the connection."""

    def __init__(self, *args: Any, patience: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turns = _Turns(patience)

    async def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        await self._turns.take()
        try:
            return await super().get_connection(*args, **kwargs)  # type: ignore[no-untyped-call]
        except BaseException:
            self._turns.end()
            raise

    async def release(self, connection: AbstractConnection) -> None:
        try:
            await super().release(connection)
        finally:
            self._turns.end()


class _Closable(AbstractConnection):
    """Says that it was closed, which is tried again, where it is closed between two steps of a caller.

    Whoever finds a node of a cluster away closes all its connections, those of others too, and redis-py writes on.
    """

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        if self._writer is None:
            raise RedisConnectionError("another caller has closed this connection")
        await super()._send_packed_command(command)


class _Link(_Closable, Connection):
    """To a node of a cluster."""


class _TLSLink(_Closable, SSLConnection):
    """To a node of a cluster, by TLS."""


_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)
"""Whether this is part of what waited already: a pipeline of a cluster repeats commands one by one."""


class _Cluster(RedisCluster):
    """Lets callers wait for a connection, and says in the same way as a single node that nobody answers."""

    def __init__(self, *, patience: float, **options: Any) -> None:
        super().__init__(**options)
        self._turns = _Turns(patience)
        kind = _TLSLink if options.get("ssl") else _Link
        self.connection_kwargs["connection_class"] = kind  # of the nodes that are found later
        for node in self.startup_nodes:
            node.connection_class = kind

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn in which each node is asked for at most one connection at a time."""
        if _has_turn.get():
            yield
            return
        await self._turns.take()
        before = _has_turn.set(True)
        try:
            if self._initialize:
                # Before anything is sent: of several first commands at once, redis-py disconnects some under others.
                with contextlib.suppress(RedisConnectionError, RedisTimeoutError):  # the command tries again
                    await self.initialize()
            yield
        finally:
            _has_turn.reset(before)
            self._turns.end()

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        async with self.turn():
            return await super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        return _ClusterPipeline(self, transaction)  # type: ignore[abstract]

    async def initialize(self, *args: Any, **kwargs: Any) -> RedisCluster:
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:  # no node answers, or not every slot has one at the moment
            raise RedisConnectionError(str(error)) from error


class _ClusterPipeline(ClusterPipeline):
    """Waits for its turn as a whole."""

    def __init__(self, cluster: _Cluster, transaction: Any) -> None:
        super().__init__(cluster, transaction)
        self._cluster = cluster

    async def execute(self, *args: Any, **kwargs: Any) -> list[Any]:
        async with self._cluster.turn():
            return await super().execute(*args, **kwargs)


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _by_node(url: str) -> list[str]:
    """The URL of a cluster as one of a single node, for each of its nodes.

    The list of them is no host by itself: later Pythons refuse one with an IPv6 address that is not the first.
    """
    scheme, _, rest = url.partition("://")
    nodes = _NODES.match(rest)
    assert nodes is not None  # of anything
    user, hosts = nodes.groups(default="")
    return [f"{_CLUSTER[scheme.lower()]}://{user}{host}{rest[nodes.end() :]}" for host in hosts.split(",")]


def _nodes(url: str) -> list[ClusterNode]:
    places = [urlsplit(node) for node in _by_node(url)]
    return [ClusterNode(place.hostname or "localhost", place.port or 6379) for place in places]


def _options_of(url: str) -> dict[str, Any]:
    """User, password, TLS and what stands after the question mark, as redis-py reads them for a single node."""
    found = dict(parse_url(_by_node(url)[0]))
    for name in ("host", "port", "connection_class"):
        found.pop(name, None)
    if _scheme(url) == "rediss+cluster":
        found["ssl"] = True
    return found
