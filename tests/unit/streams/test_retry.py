"""What is waited out, and what people are told meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import (
    ClusterCrossSlotError,
    ClusterDownError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)

from streams.retry import redis_is_away, retrying

IN_A_SCRIPT = "ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -{} x"  # as Redis 6.2 says it

PASSING = {
    "Redis does not answer": [ConnectionError("refused"), TryAgainError("moving")],
    "Redis is full (maxmemory)": [OutOfMemoryError("x"), ResponseError(IN_A_SCRIPT.format("OOM"))],
    "Redis cannot write to its disk": [
        ResponseError("MISCONF Errors writing to the AOF file: No space left on device"),
        ResponseError(IN_A_SCRIPT.format("MISCONF")),
    ],
    "this Redis is a replica": [ReadOnlyError("x"), ResponseError(IN_A_SCRIPT.format("READONLY"))],
    "the Redis Cluster does not have all its slots": [ClusterDownError("x"), SlotNotCoveredError("x")],
}


@pytest.mark.parametrize(
    ("advice", "error"), [(advice, error) for advice, errors in PASSING.items() for error in errors]
)
def test_what_passes_is_waited_out_and_said(advice: str, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """One failure, one line that says what it is and what to do, and the answer."""
    failures = [error]

    @retrying
    async def ask() -> str:
        if failures:
            raise failures.pop()
        return "answer"

    assert asyncio.run(ask()) == "answer"
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(advice)
    assert "nothing is acknowledged meanwhile" in said


@pytest.mark.parametrize(
    "error",
    [
        ClusterCrossSlotError("x"),
        ResponseError("ERR wrong number of arguments"),
        ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        ValueError("OOM x"),
    ],
)
def test_what_is_an_error_of_ours_is_not_waited_out(error: Exception) -> None:
    """Else the worker would stand still for ever, without a word of it."""
    assert not redis_is_away(error)
