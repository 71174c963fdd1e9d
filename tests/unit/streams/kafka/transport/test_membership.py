"""Who is taken for dead: whoever was seen to give no sign, and nobody whom nobody could look at."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    GroupAuthorizationFailedError,
    NoError,
    NotCoordinatorForGroupError,
    UnknownMemberIdError,
)

from streams.kafka.transport import membership
from streams.kafka.transport.membership import LOOK, SILENT, Membership, Silence
from streams.settings import Settings

STEPS = round(SILENT / LOOK)


def look(silence: Silence, at: float, **counts: int) -> list[str]:
    """Who is dead by then."""
    return sorted(silence.look(at, counts))


def test_a_member_without_a_sign_is_dead_within_two_and_a_half_seconds() -> None:
    silence = Silence()
    found = [look(silence, turn * LOOK, dead=7, alive=turn) for turn in range(2 * STEPS + 1)]

    assert found == [*[[]] * STEPS, ["dead"], *[[]] * (STEPS - 1), ["dead"]]
    assert STEPS * LOOK < 2.5


@pytest.mark.parametrize("every", [2, 3, 4])
def test_one_that_is_slow_is_alive(every: int) -> None:
    silence = Silence()

    assert not any(look(silence, turn * LOOK, slow=turn // every) for turn in range(100))


def test_whoever_was_frozen_takes_nobody_for_dead_when_it_wakes() -> None:
    """Its own pause is no silence of others."""
    silence = Silence()
    for turn in range(5):
        assert not look(silence, turn * LOOK, other=turn, third=turn)

    assert not look(silence, 60.0, other=5, third=5)
    assert not look(silence, 120.0, other=5, third=6)


def test_a_redis_that_was_away_makes_nobody_look_dead() -> None:
    """All signs begin again at about the same time, an unlucky one a second later."""
    silence = Silence()
    for turn in range(5):
        assert not look(silence, turn * LOOK, other=turn, late=turn)
    back = 40.0

    assert not look(silence, back, other=5, late=4)
    assert not look(silence, back + LOOK, other=6, late=4)
    assert not look(silence, back + 2 * LOOK, other=7, late=5)


def test_a_redis_that_was_set_back_or_emptied_does_neither() -> None:
    silence = Silence()
    for turn in range(5):
        assert not look(silence, turn * LOOK, other=turn + 100)

    assert not any(look(silence, (5 + turn) * LOOK, other=90 + turn) for turn in range(20))
    assert not look(silence, 26 * LOOK)
    assert not look(silence, 27 * LOOK, other=1)


def test_who_came_back_begins_anew() -> None:
    silence = Silence()
    for turn in range(STEPS):
        assert not look(silence, turn * LOOK, other=1)

    assert not look(silence, STEPS * LOOK, other=2)
    assert not look(silence, (STEPS + 1) * LOOK, other=2)


class Coordinator:
    """A driver of Kafka, and of Redis, that answers LeaveGroup with a code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.forgotten: list[str] = []

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def describe_cluster(self) -> dict[str, str]:
        return {"cluster_id": "abc"}

    async def find_coordinator(self, group: str) -> int:
        return 1

    async def _send_request(self, request: Any, node: int) -> Any:
        return SimpleNamespace(error_code=self.code)

    async def hdel(self, key: str, member: str) -> None:
        self.forgotten.append(member)


@pytest.mark.parametrize(
    ("error", "forgotten"),
    [
        (NoError, ["dead"]),
        (UnknownMemberIdError, ["dead"]),
        (NotCoordinatorForGroupError, []),
        (CoordinatorLoadInProgressError, []),
        (GroupAuthorizationFailedError, []),
    ],
)
def test_a_member_that_kafka_has_not_removed_is_not_forgotten(
    error: Any, forgotten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it is looked at again."""
    driver = Coordinator(error.errno)
    monkeypatch.setattr(membership, "async_admin", lambda settings: driver)

    async def bury() -> None:
        members = Membership(Settings())
        members._removing["dead"] = asyncio.create_task(members._bury(driver, "dead"))
        await members._removing["dead"]
        assert members._removing == {}

    asyncio.run(bury())
    assert driver.forgotten == forgotten
