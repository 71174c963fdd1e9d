"""Waiting out a Redis that is away or restarting: nobody is told that all is well until it answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    TimeoutError,
    TryAgainError,
)
from tenacity import before_sleep_log, retry, retry_if_exception_type, wait_exponential

from profiles.errors import Fenced

__all__ = ["patient", "until_committed"]

log = logging.getLogger(__name__)


Coroutine = TypeVar("Coroutine", bound=Callable[..., Awaitable[Any]])


def _again_after(*errors: type[Exception]) -> Callable[[Coroutine], Coroutine]:
    again = retry(
        retry=retry_if_exception_type(errors),
        wait=wait_exponential(multiplier=0.1, max=5),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )
    return cast("Callable[[Coroutine], Coroutine]", again)


_AWAY = (
    ConnectionError, TimeoutError, ReadOnlyError, OutOfMemoryError, ClusterDownError, MasterDownError, TryAgainError,
)  # fmt: skip

patient = _again_after(*_AWAY)
"""Decorates a coroutine function that only reads, or that may be repeated as it is."""

until_committed = _again_after(*_AWAY, Fenced)
"""Decorates a coroutine function that reads its state anew each time, so that a refused commit can be tried again."""
