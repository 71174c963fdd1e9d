"""Waiting out a Redis that is away, full, restarting or moving slots: nobody is told that all is well meanwhile."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar, cast

from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    SlotNotCoveredError,
    TimeoutError,
    TryAgainError,
)
from tenacity import RetryCallState, retry, retry_if_exception, wait_exponential

from profiles.errors import Busy, Fenced

__all__ = ["again_if", "redis_is_away", "retrying", "until_committed"]

log = logging.getLogger(__name__)


Coroutine = TypeVar("Coroutine", bound=Callable[..., Awaitable[Any]])


def redis_is_away(error: BaseException) -> bool:
    """Whether Redis cannot do its work at the moment, and will once it is back, has memory, or has room on its disk."""
    return isinstance(error, _AWAY) or (isinstance(error, ResponseError) and bool(_SAID_BY_A_SCRIPT.search(str(error))))


_AWAY = (
    ConnectionError, TimeoutError, ReadOnlyError, OutOfMemoryError, ClusterDownError, MasterDownError, TryAgainError,
    SlotNotCoveredError, Busy,
)  # fmt: skip

_SAID_BY_A_SCRIPT = re.compile(r"(^|[ -])(OOM|MISCONF|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS) ")
"""Redis 6.2 wraps the error of a command in a script into its own; and redis-py has no class for all of them."""

_ADVICE: tuple[tuple[str, tuple[type[Exception], ...], str], ...] = (
    ("OOM", (OutOfMemoryError,), "Redis is full (maxmemory): give it more memory"),
    ("MISCONF", (), "Redis cannot write to its disk: make room there"),
    ("READONLY", (ReadOnlyError,), "this Redis is a replica: RAPPORT_REDIS must name the master"),
    (
        "CLUSTERDOWN",
        (ClusterDownError, SlotNotCoveredError),
        "the Redis Cluster does not have all its slots: bring the missing node back",
    ),
)
"""(code, classes that redis-py takes the code off for, what it is and what to do)"""


def _advice(error: BaseException) -> str:
    found = _SAID_BY_A_SCRIPT.search(str(error))
    for code, classes, advice in _ADVICE:
        if isinstance(error, classes) or (found and found[2] == code):
            return advice
    return "Redis does not answer: bring it back"


def _say(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if error is None or state.next_action is None:
        return
    if isinstance(error, Fenced):
        log.warning("%s; reading again", error)
        return
    log.warning(
        "%s (%s: %s); waiting, nothing is acknowledged meanwhile; next try in %.1f s",
        _advice(error), type(error).__name__, error, state.next_action.sleep,
    )  # fmt: skip


def again_if(
    predicate: Callable[[BaseException], bool], say: Callable[[RetryCallState], None]
) -> Callable[[Coroutine], Coroutine]:
    """Decorates a coroutine function: after an error that will pass it is called again, ever later.

    Args:
        predicate: whether an error will pass.
        say: is told of each wait.
    """
    again = retry(retry=retry_if_exception(predicate), wait=wait_exponential(multiplier=0.1, max=5), before_sleep=say)

    def decorate(function: Coroutine) -> Coroutine:
        @wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except Exception as error:
                if not predicate(error):
                    raise
                met = [error]

            async def attempt() -> Any:
                if met:
                    raise met.pop()
                return await function(*args, **kwargs)

            return await again(attempt)()  # tenacity comes in late: nearly all succeed, and it costs a round trip

        return cast("Coroutine", call)

    return decorate


retrying = again_if(redis_is_away, _say)
"""Decorates a coroutine function that only reads, or that may be repeated as it is."""

until_committed = again_if(lambda error: redis_is_away(error) or isinstance(error, Fenced), _say)
"""Decorates a coroutine function that reads its state anew each time, so that a refused commit can be tried again."""
