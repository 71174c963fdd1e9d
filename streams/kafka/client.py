"""The clients of Kafka: every consumer, producer and admin client of Rapport is made here, so all connect the same way.

Where the brokers are and as whom we connect is said once (`_common`); what a client is for is said where it is used.
The roles use aiokafka, the command line kafka-python, which is imported late, since that takes half a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from streams.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.admin import KafkaAdminClient

__all__ = [
    "CLIENT_ID", "Reset", "async_admin", "async_consumer", "async_producer",
    "blocking_admin", "blocking_consumer", "blocking_producer", "faust_broker",
]  # fmt: skip

CLIENT_ID = "rapport"
"""As which Kafka knows us, in its logs, quotas and groups."""

Reset = Literal["none", "earliest", "latest"]
"""Where a consumer goes on when the offset it wants is gone. With "none" that is an error, so no reader of a history
passes over a hole without knowing."""


def async_consumer(settings: Settings, *topics: str, reset: Reset = "none", **options: Any) -> AIOKafkaConsumer:
    """A consumer for asyncio, of no group and committing nothing."""
    return AIOKafkaConsumer(*topics, **_common(settings), enable_auto_commit=False, auto_offset_reset=reset, **options)


def async_producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """A producer for asyncio that is told when all replicas have a record."""
    return AIOKafkaProducer(**_common(settings), acks="all", **options)


def async_admin(settings: Settings) -> AIOKafkaAdminClient:
    """An admin client for asyncio."""
    return AIOKafkaAdminClient(**_common(settings))


def blocking_consumer(
    settings: Settings, *, group: str | None = None, reset: Reset = "none", **options: Any
) -> KafkaConsumer:
    """A consumer that commits nothing; a `group` is only asked for its offsets."""
    from kafka import KafkaConsumer  # noqa: PLC0415

    return KafkaConsumer(
        **_common(settings), group_id=group, enable_auto_commit=False, auto_offset_reset=reset, **options
    )


def blocking_producer(settings: Settings, **options: Any) -> KafkaProducer:
    """A producer that is told when all replicas have a record. It never sends a record twice by itself.

    A repeat could be told by an idempotent producer, which not every broker knows.
    """
    from kafka import KafkaProducer  # noqa: PLC0415

    return KafkaProducer(**_common(settings), acks="all", retries=0, enable_idempotence=False, **options)


def blocking_admin(settings: Settings) -> KafkaAdminClient:
    """An admin client; connects at once."""
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415

    return KafkaAdminClient(**_common(settings))


def faust_broker(settings: Settings) -> dict[str, Any]:
    """The options of a Faust app that say where the brokers are and as whom to connect."""
    return {"broker": [f"kafka://{server}" for server in _servers(settings)], "broker_client_id": CLIENT_ID}


def _common(settings: Settings) -> dict[str, Any]:
    return {"bootstrap_servers": _servers(settings), "client_id": CLIENT_ID}


def _servers(settings: Settings) -> list[str]:
    return settings.kafka.split(",")
