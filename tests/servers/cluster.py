"""A Redis Cluster on free ports of 127.0.0.1: three masters and no replicas, unless a test wants others."""

from __future__ import annotations

import contextlib
import random
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

from console.local.embedded import HOST, find_redis
from console.local.process import Process, Reaper
from console.local.resp import ask_redis
from profiles.errors import Misconfigured

__all__ = ["RedisCluster"]

SLOTS = 16_384
BUS = 10_000  # Redis 6.2 talks to its like on this port above its own


class RedisCluster:
    """Redis servers that share the slots. `nodes` are their processes, `urls` their own addresses, masters first.

    With `replica` the last is no master, but a copy of the first.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        reaper: Reaper | None = None,
        masters: int = 3,
        replica: bool = False,
        binary: Path | None = None,
    ) -> None:
        self._password = secrets.token_urlsafe(16)
        self._masters = masters
        self._dirs = [data_dir / f"node-{number}" for number in range(masters + replica)]
        self._ports = _free_pairs(masters + replica)
        self.urls = [f"redis://:{self._password}@{HOST}:{port}/0" for port in self._ports]
        hosts = ",".join(f"{HOST}:{port}" for port in self._ports)
        self.url = f"redis+cluster://:{self._password}@{hosts}"
        self.nodes = [
            Process(
                f"Redis {port}",
                [str(binary or find_redis()), str(place / "redis.conf")],
                place / "redis.log",
                reaper=reaper,
            )
            for place, port in zip(self._dirs, self._ports, strict=True)
        ]

    def start(self) -> None:
        """Start the servers and give each its share of the slots."""
        for place, port, node in zip(self._dirs, self._ports, self.nodes, strict=True):
            place.mkdir(parents=True)
            (place / "redis.conf").write_text(
                f"bind {HOST}\ndir {place}\n{self._listening(port)}\n"
                "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout 3000\n"
                'appendonly yes\nsave ""\n'
            )
            node.start()
        _until(lambda: all(self._answers(url) for url in self.urls), "the nodes to answer")
        share = -(-SLOTS // self._masters)
        for number, url in enumerate(self.urls):
            ask_redis(url, ["CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)])
            if mine := range(number * share, min((number + 1) * share, SLOTS)):
                ask_redis(url, ["CLUSTER", "ADDSLOTS", *map(str, mine)])
            ask_redis(url, ["CLUSTER", "MEET", HOST, str(self._ports[0])])
        self.ready()
        if len(self.urls) > self._masters:
            first = str(ask_redis(self.urls[0], ["CLUSTER", "MYID"])[0])
            _until(lambda: self._copies(first), "the replica to have copied its master")

    def ready(self) -> None:
        """Wait until every node knows all the others and the cluster serves."""
        _until(lambda: all(self._whole(url) for url in self.urls), "the cluster to be whole")

    def empty(self) -> None:
        """Delete everything."""
        for url in self.urls:
            ask_redis(url, ["FLUSHALL"], timeout=30)

    def stop(self) -> None:
        """Stop all of it."""
        for node in self.nodes:
            node.ask()
        for node in self.nodes:
            node.stop(3)

    def _listening(self, port: int) -> str:
        """The lines of the configuration that say where, and to whom."""
        return f"port {port}\nrequirepass {self._password}\nmasterauth {self._password}"

    def cut_replica_off(self) -> None:
        """Let the replica hear nothing more of its master."""
        ask_redis(self.urls[-1], ["CONFIG", "SET", "masterauth", "another"])
        ask_redis(self.urls[0], ["CLIENT", "KILL", "TYPE", "replica"])

    def promote(self) -> None:
        """The master dies, and its replica takes its place with what it has."""
        self.nodes[0].kill()
        ask_redis(self.urls[-1], ["CLUSTER", "FAILOVER", "TAKEOVER"])
        _until(lambda: "role:master" in _replication(self.urls[-1]), "the replica to be promoted")

    def _copies(self, master: str) -> bool:
        """Whether the last node is in step with this master; told to be, if it is not yet its replica."""
        if "role:master" in _replication(self.urls[-1]):
            with contextlib.suppress(RuntimeError):  # it has not heard of the master yet
                ask_redis(self.urls[-1], ["CLUSTER", "REPLICATE", master])
        return "master_link_status:up" in _replication(self.urls[-1])

    def _answers(self, url: str) -> bool:
        try:
            return ask_redis(url, ["PING"], timeout=1) == ["PONG"]
        except (OSError, RuntimeError):
            return False

    def _whole(self, url: str) -> bool:
        info = str(ask_redis(url, ["CLUSTER", "INFO"])[0])
        return "cluster_state:ok" in info and f"cluster_known_nodes:{len(self.urls)}" in info


def _replication(url: str) -> str:
    return str(ask_redis(url, ["INFO", "replication"])[0])


def _until(there: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not there():
        if time.monotonic() > deadline:
            raise Misconfigured(f"still waiting for {what}")
        time.sleep(0.05)


def _free_pairs(count: int) -> list[int]:
    """Ports that are free together with the one of the bus above each."""
    found: list[int] = []
    candidates = iter(random.sample(range(20_000, 32_000), 1000))  # below what the kernel gives to clients
    while len(found) < count:
        port = next(candidates)
        with socket.socket() as own, socket.socket() as bus, contextlib.suppress(OSError):
            own.bind((HOST, port))
            bus.bind((HOST, port + BUS))
            found.append(port)
    return found
