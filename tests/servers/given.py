"""What every test server can do, and the servers that somebody else runs."""

from __future__ import annotations

import time
from typing import Any, Protocol

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from console.local.resp import ask_redis
from profiles.errors import Misconfigured

__all__ = ["GivenKafka", "GivenRedis", "KafkaServer", "RedisServer", "Unsupported", "describe_kafka"]


class Unsupported(Exception):
    """A server that is not ours cannot be killed."""


class KafkaServer(Protocol):
    """A Kafka for tests."""

    bootstrap: str

    def start(self) -> None: ...
    def ready(self, timeout: float) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class RedisServer(Protocol):
    """A Redis for tests."""

    url: str

    def start(self) -> None: ...
    def ready(self, timeout: float) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class _Given:
    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """It goes on."""

    def kill(self) -> None:
        raise Unsupported

    def pause(self) -> None:
        raise Unsupported

    def resume(self) -> None:
        raise Unsupported


class GivenKafka(_Given):
    """RAPPORT_TEST_KAFKA."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def ready(self, timeout: float) -> None:
        """Wait until it answers; Misconfigured when it does not."""
        deadline = time.monotonic() + timeout
        while describe_kafka(self.bootstrap) is None:
            if time.monotonic() > deadline:
                raise Misconfigured(f"RAPPORT_TEST_KAFKA: nothing answers on {self.bootstrap}")
            time.sleep(0.2)


class GivenRedis(_Given):
    """RAPPORT_TEST_REDIS."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self, timeout: float) -> None:
        """Misconfigured when it does not answer."""
        try:
            ask_redis(self.url, ["PING"], timeout=timeout)
        except (OSError, RuntimeError, ValueError) as error:
            raise Misconfigured(f"RAPPORT_TEST_REDIS: {error}") from error


def describe_kafka(bootstrap: str, timeout: float = 2.0) -> dict[str, Any] | None:
    """The cluster's description (`cluster_id`, `controller_id`, `brokers`), None while it does not answer."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","),
            request_timeout_ms=int(1000 * timeout),
            bootstrap_timeout_ms=int(1000 * timeout),
        )
    except (KafkaError, OSError):
        return None
    try:
        return dict(admin.describe_cluster())
    except (KafkaError, OSError):
        return None
    finally:
        admin.close()
