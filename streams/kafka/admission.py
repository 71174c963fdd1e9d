"""Does Kafka let us in? One connection and one question, to tell in a sentence what is wrong.

The client libraries do not tell: both take a wrong password for a broker that is away, and try again for ever.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from profiles.errors import Misconfigured
from streams.kafka.security import async_security
from streams.settings import Settings

__all__ = ["Refused", "Unreachable", "admit"]

_PATIENCE = 3.5  # seconds for all brokers together

_GOODBYE = 1.0  # seconds for the end of the connection

Problem = type[Misconfigured]


class Refused(Misconfigured):
    """Kafka answers, but does not let us in: trying again does not help."""


class Unreachable(Misconfigured):
    """No broker answers. One that is starting will."""


async def admit(settings: Settings) -> None:
    """Connect to one of the brokers as the settings say, and disconnect.

    Raises:
        Refused: user, password, certificate or protocol are not what Kafka wants.
        Unreachable: Kafka does not answer.
        Misconfigured: a file of a certificate or key cannot be used, or there is no token.
    """
    options = async_security(settings)
    calls = [
        asyncio.create_task(_call(host, port, options))
        for host, port, _ in collect_hosts(settings.kafka, randomize=False)
    ]
    errors: list[Exception] = []
    try:
        for done in asyncio.as_completed(calls):
            try:
                await done
            except (KafkaError, OSError, EOFError, ssl.CertificateError) as error:  # a time-out is an OSError
                errors.append(error)
            else:
                return
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    kind, message = max((_tell(error, settings) for error in errors), key=lambda told: told[0] is Refused)
    raise kind(message) from errors[0]


async def _call(host: str, port: int, options: dict[str, Any]) -> None:
    connection = None
    try:
        async with asyncio.timeout(_PATIENCE):
            connection = await create_conn(host, port, client_id="rapport", **options)
            # One that wants SASL answers nothing but greetings before it.
            answer = await connection.send(MetadataRequest([]))
        if "sasl_oauth_token_provider" in options and not getattr(answer, "cluster_id", None):
            raise SaslAuthenticationFailed  # the driver does not look whether the token was taken: this was the end
    finally:
        if connection is not None:
            await asyncio.wait([connection.close()], timeout=_GOODBYE)


def _tell(error: Exception, settings: Settings) -> tuple[Problem, str]:
    """What is wrong, and what to do about it."""
    for cause in _causes(error):
        if (said := _refusal(cause, settings)) is not None:
            return Refused, f"Kafka at {settings.kafka} {said}"
    reason = "no answer" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    message = f"Kafka does not answer at {settings.kafka} ({reason}); start it, or set RAPPORT_KAFKA"
    if isinstance(error, KafkaConnectionError | ConnectionResetError | TimeoutError):  # somebody is there
        message += f". Or is RAPPORT_KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol} not what it speaks?"
    return Unreachable, message


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refusal(error: BaseException, settings: Settings) -> str | None:
    mechanism = settings.kafka_sasl_mechanism
    if isinstance(error, SaslAuthenticationFailed):
        if settings.kafka_token_command is not None:
            return "does not accept the token that RAPPORT_KAFKA_TOKEN_COMMAND prints"
        return (
            f"does not let user {settings.kafka_username} in by {mechanism}: check RAPPORT_KAFKA_USERNAME and "
            "RAPPORT_KAFKA_PASSWORD"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"has no {mechanism} there: set RAPPORT_KAFKA_SASL_MECHANISM to what its listener has"
    if isinstance(error, IllegalSaslStateError):
        return "wants no SASL there: set RAPPORT_KAFKA_SECURITY_PROTOCOL to what its listener speaks"
    if isinstance(error, ssl.SSLError):
        return _tls_refusal(error)
    return None


def _tls_refusal(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        if "mismatch" in why:
            return (
                f"has a certificate of another host ({why}): call it by the name in its certificate, or set "
                "RAPPORT_KAFKA_CHECK_HOSTNAME=false"
            )
        return f"has a certificate of no authority that we trust ({why}): set RAPPORT_KAFKA_CA to the file of its own"
    if "ALERT" in (error.reason or ""):
        return (
            f"does not accept our certificate ({error.reason}): set RAPPORT_KAFKA_CERTIFICATE and RAPPORT_KAFKA_KEY "
            "to one that it trusts"
        )
    return (
        f"speaks no TLS there ({error.reason}): set RAPPORT_KAFKA_SECURITY_PROTOCOL to what its listener speaks, or "
        "call another port"
    )
