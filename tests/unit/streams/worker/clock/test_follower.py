"""Following the clock, also that of a Redis that came back older."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from profiles.clock import ClockState
from profiles.stores.memory import MemoryClockStore
from streams.clock import SteppedClock
from streams.worker.clock.follower import ClockFollower
from tests.build import T0


def test_another_state_under_a_known_number_is_followed() -> None:
    """Redis came back older, and the clock has been moved to that number once more, elsewhere."""

    async def run() -> None:
        before, after = MemoryClockStore(), MemoryClockStore()
        follower = ClockFollower(before, SteppedClock(T0))
        await follower.take(await before.commit(ClockState(phase="live")))
        assert follower.live

        await follower.take(await after.commit(replace(ClockState(), phase="firing", gate=T0)))
        assert follower.state.version == 1
        assert follower.fires

    asyncio.run(run())
