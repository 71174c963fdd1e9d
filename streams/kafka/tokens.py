"""Tokens for OAUTHBEARER: what a command prints, used until shortly before it expires."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import shlex
import subprocess
import threading
from typing import TYPE_CHECKING

import aiokafka.abc

from profiles.errors import Misconfigured
from streams.clock import WALL, Clock

if TYPE_CHECKING:
    from kafka.net.sasl.oauth import AbstractTokenProvider

__all__ = ["AsyncTokens", "Tokens", "blocking_tokens", "tokens_of"]

_PATIENCE = 10.0  # seconds for the command
_OPAQUE = 60.0  # seconds for which a token that does not tell when it expires is used
_EARLY = 0.8  # of a token's life, after which there is a new one


class Tokens:
    """The tokens of one command. Safe to call from many threads.

    Args:
        command: as typed into a shell, but run without one.
        clock: what tells whether a token has expired.
    """

    def __init__(self, command: str, clock: Clock = WALL) -> None:
        self._command = command
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def token(self) -> str:
        """A token that has not expired.

        Raises:
            Misconfigured: the command fails, takes too long, or prints nothing.
        """
        with self._lock:
            now = self._clock.now()
            if now >= self._until:
                self._token = self._ask()
                self._until = now + _EARLY * (_life(self._token, now) or _OPAQUE / _EARLY)
            return self._token

    def _ask(self) -> str:
        try:
            done = subprocess.run(
                shlex.split(self._command), capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise Misconfigured(f"RAPPORT_KAFKA_TOKEN_COMMAND: it cannot be run ({type(error).__name__})") from error
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["and says nothing"])[-1]
            raise Misconfigured(f"RAPPORT_KAFKA_TOKEN_COMMAND: it fails with status {done.returncode}: {said}")
        if not (token := done.stdout.strip()):
            raise Misconfigured("RAPPORT_KAFKA_TOKEN_COMMAND: it prints no token")
        return token


class AsyncTokens(aiokafka.abc.AbstractTokenProvider):  # type: ignore[misc]
    """The tokens, for aiokafka."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def token(self) -> str:
        """A token; the command runs in a thread."""
        return await asyncio.to_thread(self._tokens.token)


def blocking_tokens(tokens: Tokens) -> AbstractTokenProvider:
    """The tokens, for kafka-python."""
    from kafka.net.sasl.oauth import AbstractTokenProvider  # noqa: PLC0415  (takes half a second to import)

    class Blocking(AbstractTokenProvider):  # type: ignore[misc]
        def token(self) -> str:
            return tokens.token()

    return Blocking()


@functools.cache
def tokens_of(command: str) -> Tokens:
    """The tokens of a command, the same for all clients of this process."""
    return Tokens(command)


def _life(token: str, now: float) -> float | None:
    """Seconds until a JSON Web Token expires; None for another kind of token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return max(float(claims["exp"]) - now, 0.0)
    except (IndexError, KeyError, TypeError, ValueError):
        return None
