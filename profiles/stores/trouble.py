"""What is wrong between us and Redis, in one sentence that says what to do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from profiles.errors import Misconfigured

__all__ = ["answering", "explain"]

_PERMISSIONS = "docs/operations.md lists what the user of Rapport must be allowed"

_SAID: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile("Authentication required|NOAUTH|HELLO must be called"),
        "Redis asks for a user and a password: put them into RAPPORT_REDIS, as in rediss://USER:PASSWORD@HOST:6379/0",
    ),
    (
        re.compile("WRONGPASS|username-password|invalid password"),
        "Redis does not take the user or the password in RAPPORT_REDIS",
    ),
    (
        re.compile("CERTIFICATE_REQUIRED|certificate required", re.IGNORECASE),
        "Redis asks for a certificate of ours: set RAPPORT_REDIS_CERTIFICATE and RAPPORT_REDIS_KEY",
    ),
    (
        re.compile("Connection reset by peer|Connection closed by server|closed by server"),
        "Redis does not answer: it closes the connection. If it speaks TLS, RAPPORT_REDIS begins with rediss://; if it "
        "asks for a certificate of ours, set RAPPORT_REDIS_CERTIFICATE and RAPPORT_REDIS_KEY; else it is just ending",
    ),
    (
        re.compile("Hostname mismatch|IP address mismatch"),
        "the certificate of Redis names another host than RAPPORT_REDIS: use its name, or set "
        "RAPPORT_REDIS_CHECK_HOSTNAME=false",
    ),
    (
        re.compile("CERTIFICATE_VERIFY_FAILED"),
        "the certificate of Redis is of nobody we trust: set RAPPORT_REDIS_CA to the file of the authority that signed "
        "it",
    ),
    (
        re.compile("WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH", re.IGNORECASE),
        "Redis does not speak TLS on this port: RAPPORT_REDIS begins with redis:// then, not rediss://",
    ),
)
"""(what the driver's message says, what it means); the first that fits"""


def explain(error: BaseException) -> str:
    """The sentence, without anything of the URL: it may hold the password."""
    said = str(error)
    if isinstance(error, NoPermissionError) or "NOPERM" in said or "The user executing the script can't" in said:
        return f"Redis refuses what Rapport needs ({_without_place(said)}): {_PERMISSIONS}"
    for pattern, meaning in _SAID:
        if pattern.search(said):
            return meaning
    if isinstance(error, AuthenticationError):
        return f"Redis does not let us in ({said}): see to user and password in RAPPORT_REDIS"
    return f"Redis does not answer ({type(error).__name__}: {said}); start it, or set RAPPORT_REDIS"


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Raise what goes wrong with Redis as `Misconfigured`, with what to do."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Misconfigured(explain(error)) from error


def _without_place(said: str) -> str:
    """The server's words, without where in a pipeline the command stood."""
    return said.rpartition("caused error: ")[2].strip("(),'\"").removeprefix("NOPERM ")
