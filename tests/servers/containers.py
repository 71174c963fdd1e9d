"""Kafka and Redis in Docker, through testcontainers."""

from __future__ import annotations

import os
import time
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from console.local.embedded import HOST
from console.local.process import free_port
from console.local.resp import ask_redis
from profiles.errors import Misconfigured
from tests.servers.given import describe_kafka

__all__ = ["ContainerKafka", "ContainerRedis", "why_no_docker"]

KAFKA_IMAGE = "apache/kafka:4.1.0"
REDIS_IMAGE = "redis:8.2.2"


class _Container(ABC):
    def __init__(self, image: str) -> None:
        self.port = free_port()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library about itself
            from testcontainers.core.container import DockerContainer  # noqa: PLC0415  (only where Docker is)

            self._container = DockerContainer(image)
        self._begun = False

    def start(self) -> None:
        """Start it, or start it again with its data and on its port."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self._begun:
                self._wrapped.start()
            else:
                self._container.start()
        self._begun = True

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves requests."""

    def ready(self, timeout: float) -> None:
        """Wait until it answers; Misconfigured, with its log, when it does not."""
        deadline = time.monotonic() + timeout
        while not self.answers():
            if time.monotonic() > deadline:
                out, error = self._container.get_logs()
                raise Misconfigured(f"the container does not answer:\n{(out + error).decode()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop and remove it."""
        if self._begun:
            self._container.stop()

    def kill(self) -> None:
        """SIGKILL; `start` brings it back."""
        self._wrapped.kill()

    def pause(self) -> None:
        """Freeze it."""
        self._wrapped.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._wrapped.unpause()

    @property
    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()


class ContainerKafka(_Container):
    """Apache Kafka's image, one KRaft node."""

    def __init__(self) -> None:
        super().__init__(KAFKA_IMAGE)
        self.bootstrap = f"{HOST}:{self.port}"
        # The port inside is the port outside, because it is the one that Kafka advertises.
        self._container.with_bind_ports(self.port, self.port)
        for name, value in {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": f"PLAINTEXT://:{self.port},CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap}",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        }.items():
            self._container.with_env(name, value)

    def answers(self) -> bool:
        """Whether it serves requests."""
        return bool((describe_kafka(self.bootstrap) or {}).get("brokers"))


class ContainerRedis(_Container):
    """Redis 8 with an append-only file."""

    def __init__(self) -> None:
        super().__init__(REDIS_IMAGE)
        self.url = f"redis://{HOST}:{self.port}/0"
        self._container.with_bind_ports(6379, self.port)
        self._container.with_command("redis-server --appendonly yes --maxmemory-policy noeviction")

    def answers(self) -> bool:
        """Whether it answers PING."""
        try:
            return ask_redis(self.url, ["PING"], timeout=1) == ["PONG"]
        except (OSError, RuntimeError):
            return False


def why_no_docker() -> str | None:
    """Why Docker cannot be used here, None if a daemon answers."""
    sockets = [Path("/var/run/docker.sock"), Path.home() / ".docker/run/docker.sock"]
    if "DOCKER_HOST" not in os.environ and not any(path.exists() for path in sockets):
        return "no Docker daemon"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import docker  # noqa: PLC0415  (only where Docker may be)

        try:
            client = docker.from_env(timeout=5)
            try:
                client.ping()
            finally:
                client.close()
        except Exception as error:  # whatever it is: the next in the chain is tried, and this is printed
            return f"Docker does not answer ({type(error).__name__})"
    return None
