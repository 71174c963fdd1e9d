"""A few commands to a Redis, without a client: for the supervisor, which starts before anything else is up."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["RedisRefused", "ask_redis"]

Answer = str | int | None


class RedisRefused(RuntimeError):
    """Redis answered with an error, e.g. a wrong password."""


def ask_redis(url: str, *commands: Sequence[str], timeout: float = 3.0) -> list[Answer]:
    """Send commands that answer with one value each (PING, DBSIZE, FLUSHDB) and return the answers.

    Args:
        url: `redis://` or `rediss://`, with user, password, database and certificates as redis-py reads them.
        commands: each a list of words.
        timeout: seconds for connecting and for each answer.

    Raises:
        OSError: it cannot be reached.
        RedisRefused: it answered with an error.
        ValueError: not a URL of these kinds.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("a Redis URL looks like redis://HOST:6379/0 (or rediss:// for TLS)")
    setup: list[Sequence[str]] = []
    if parts.password:
        user = [unquote(parts.username)] if parts.username else []
        setup.append(["AUTH", *user, unquote(parts.password)])
    if (database := parts.path.strip("/") or "0") != "0":
        setup.append(["SELECT", database])
    connection = socket.create_connection((parts.hostname, parts.port or 6379), timeout=timeout)
    if parts.scheme == "rediss":
        connection = _tls(parts.query).wrap_socket(connection, server_hostname=parts.hostname)
    with connection, connection.makefile("rb") as answers:
        for command in (*setup, *commands):
            connection.sendall(_encode(command))
        return [_answer(answers) for _ in (*setup, *commands)][len(setup) :]


def _tls(query: str) -> ssl.SSLContext:
    """What the certificates of a URL ask for, by redis-py's names."""
    given = dict(parse_qsl(query))
    context = ssl.create_default_context(cafile=given.get("ssl_ca_certs"))
    context.check_hostname = given.get("ssl_check_hostname", "true").lower() != "false"
    if certificate := given.get("ssl_certfile"):
        context.load_cert_chain(certificate, given.get("ssl_keyfile"))
    return context


def _encode(command: Sequence[str]) -> bytes:
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _answer(answers: BinaryIO) -> Answer:
    line = answers.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("Redis closed the connection")
    kind, rest = line[:1], line[1:-2].decode(errors="replace")
    if kind == b"-":
        raise RedisRefused(rest)
    if kind == b":":
        return int(rest)
    if kind == b"$":
        size = int(rest)
        return None if size < 0 else answers.read(size + 2)[:-2].decode(errors="replace")
    return rest
