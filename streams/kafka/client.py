"""The clients of Kafka: every consumer, producer and admin client of Rapport is made here, so all connect the same way.

Where the brokers are and as whom we connect is said once, here; what a client is for is said where it is used.
The roles use aiokafka, the command line kafka-python, which is imported late, since that takes half a second.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer import fetcher, group_coordinator
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
)

from profiles.errors import RapportError
from streams.kafka.admission import admit
from streams.kafka.security import async_security, blocking_security
from streams.settings import Settings

if TYPE_CHECKING:
    from kafka import KafkaConsumer
    from kafka.admin import KafkaAdminClient

__all__ = [
    "CLIENT_ID", "EMBEDDED", "Reset", "Unavailable", "async_admin", "async_consumer", "async_producer",
    "blocking_admin", "blocking_consumer", "cluster_id", "faust_broker",
]  # fmt: skip

CLIENT_ID = "rapport"
"""As which Kafka knows us, in its logs, quotas and groups."""

EMBEDDED = "tansu_cluster"
"""The cluster id that every embedded broker has."""

_BOOTSTRAP_MS = 4000  # for a Kafka that has just answered

Reset = Literal["none", "earliest", "latest"]
"""Where a consumer goes on when the offset it wants is gone. With "none" that is an error, so no reader of a history
passes over a hole without knowing."""


_ELECTIONS = (GroupCoordinatorNotAvailableError, LeaderNotAvailableError, NotLeaderForPartitionError)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Whether somebody could act: a Kafka or topic that is new elects its leaders first, and is asked again."""
    return not isinstance(record.args, tuple) or not any(isinstance(arg, _ELECTIONS) for arg in record.args)


for _module in (fetcher, group_coordinator):  # they log that as an error
    logging.getLogger(_module.__name__).addFilter(_is_worth_saying)


class Unavailable(RapportError):
    """Kafka does not answer. What was to be produced may have arrived all the same: produce all of it again."""


def async_consumer(settings: Settings, *topics: str, reset: Reset = "none", **options: Any) -> AIOKafkaConsumer:
    """A consumer for asyncio, of no group and committing nothing."""
    return AIOKafkaConsumer(
        *topics, **_for_asyncio(settings), enable_auto_commit=False, auto_offset_reset=reset, **options
    )


def async_producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """A producer for asyncio that is told when all replicas have a record."""
    return AIOKafkaProducer(**_for_asyncio(settings), acks="all", **options)


def async_admin(settings: Settings) -> AIOKafkaAdminClient:
    """An admin client for asyncio."""
    return AIOKafkaAdminClient(**_for_asyncio(settings))


async def cluster_id(settings: Settings) -> str:
    """The id of the cluster."""
    admin = async_admin(settings)
    try:
        await admin.start()
        return str((await admin.describe_cluster()).get("cluster_id") or "")
    finally:
        await admin.close()


def blocking_consumer(
    settings: Settings, *, group: str | None = None, reset: Reset = "none", **options: Any
) -> KafkaConsumer:
    """A consumer that commits nothing; a `group` is only asked for its offsets.

    Raises:
        Refused: Kafka does not let us in.
        Unreachable: it does not answer.
    """
    from kafka import KafkaConsumer  # noqa: PLC0415

    return KafkaConsumer(
        **_blocking(settings), group_id=group, enable_auto_commit=False, auto_offset_reset=reset, **options
    )


def blocking_admin(settings: Settings) -> KafkaAdminClient:
    """An admin client, connected.

    Raises:
        Refused: Kafka does not let us in.
        Unreachable: it does not answer.
    """
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415

    return KafkaAdminClient(**_blocking(settings))


def faust_broker(settings: Settings) -> dict[str, Any]:
    """The options of a Faust app that say where the brokers are and as whom to connect.

    Raises:
        Misconfigured: a file of a certificate or key cannot be used.
    """
    from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials  # noqa: PLC0415  (takes a second)

    options = async_security(settings)
    context = options.get("ssl_context")
    credentials = SSLCredentials(context) if context is not None else None
    if "sasl_oauth_token_provider" in options:
        credentials = OAuthCredentials(oauth_cb=options["sasl_oauth_token_provider"], ssl_context=context)
    elif "sasl_mechanism" in options:
        credentials = SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    brokers = [f"kafka://{server}" for server in _servers(settings)]
    return {"broker": brokers, "broker_client_id": CLIENT_ID, "broker_credentials": credentials}


def _for_asyncio(settings: Settings) -> dict[str, Any]:
    return {"bootstrap_servers": _servers(settings), "client_id": CLIENT_ID, **async_security(settings)}


def _blocking(settings: Settings) -> dict[str, Any]:
    """The common options, when Kafka has let us in; kafka-python itself would try a wrong password for ever."""
    asyncio.run(admit(settings))
    return {
        "bootstrap_servers": _servers(settings),
        "client_id": CLIENT_ID,
        "bootstrap_timeout_ms": _BOOTSTRAP_MS,
        **blocking_security(settings),
    }


def _servers(settings: Settings) -> list[str]:
    return settings.kafka.split(",")
