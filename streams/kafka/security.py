"""As whom and how securely we connect to Kafka: TLS and SASL, in the words that all client libraries share."""

from __future__ import annotations

import ssl
from typing import Any

from profiles.errors import Misconfigured
from streams.kafka.tokens import AsyncTokens, blocking_tokens, tokens_of
from streams.settings import Settings

__all__ = ["async_security", "blocking_security", "describe_security"]


def async_security(settings: Settings) -> dict[str, Any]:
    """The options of a client of aiokafka.

    Certificates are read from their files at each call, so that a new client uses renewed ones.

    Raises:
        Misconfigured: a file of a certificate or key cannot be used.
    """
    options = _security(settings)
    if settings.kafka_token_command is not None:
        options["sasl_oauth_token_provider"] = AsyncTokens(tokens_of(settings.kafka_token_command))
    return options


def blocking_security(settings: Settings) -> dict[str, Any]:
    """The same for a client of kafka-python."""
    options = _security(settings)
    if settings.kafka_token_command is not None:
        options["sasl_oauth_token_provider"] = blocking_tokens(tokens_of(settings.kafka_token_command))
    return options


def _security(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = _context(settings)
    if settings.kafka_sasl_mechanism is not None:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
    if settings.kafka_password is not None:
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    return options


def describe_security(settings: Settings) -> str:
    """Protocol, mechanism and user in words, without secrets."""
    parts: list[str] = [settings.kafka_security_protocol]
    if settings.kafka_sasl_mechanism is not None:
        parts.append(settings.kafka_sasl_mechanism)
    if settings.kafka_username is not None:
        parts.append(f"as {settings.kafka_username}")
    if settings.kafka_certificate is not None:
        parts.append(f"with the certificate {settings.kafka_certificate}")
    return ", ".join(parts)


def _context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
    except OSError as error:  # of which SSLError is one
        raise Misconfigured(f"RAPPORT_KAFKA_CA: {settings.kafka_ca} holds no certificate to read ({error})") from error
    context.check_hostname = settings.kafka_check_hostname
    if settings.kafka_certificate is not None:
        secret = settings.kafka_key_password
        password = secret.get_secret_value() if secret is not None else ""  # without one, OpenSSL would ask a terminal
        try:
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_key, password)
        except OSError as error:
            raise Misconfigured(
                f"RAPPORT_KAFKA_CERTIFICATE, RAPPORT_KAFKA_KEY or RAPPORT_KAFKA_KEY_PASSWORD: {_files(settings)} "
                f"cannot be used ({error.strerror or error})"
            ) from error
    return context


def _files(settings: Settings) -> str:
    return " with ".join(str(path) for path in (settings.kafka_certificate, settings.kafka_key) if path is not None)
