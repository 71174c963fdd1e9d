"""Who counts as living, by the clock of a Redis that may be another one than a moment ago."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from profiles.stores.keys import PLANS, WORKERS
from profiles.stores.setup import ALIVE, living_workers, plans_in_use
from profiles.units import PlanSign

NOW = 1_700_000_000


class Driver:
    """A Redis whose clock stands at `NOW`, with a worker that was last seen some seconds before."""

    def __init__(self, ago: float) -> None:
        sign = PlanSign(plan="a", version=1, began=0.0, seen=NOW - ago, decides=True)
        self.held = {WORKERS: {b"worker": b"%f" % (NOW - ago)}, PLANS: {b"worker": msgspec.json.encode(sign)}}

    async def time(self) -> tuple[int, int]:
        return NOW, 0

    async def hgetall(self, key: str) -> dict[bytes, bytes]:
        return self.held.get(key, {})


@pytest.mark.parametrize(
    ("ago", "lives"), [(0, True), (ALIVE, True), (ALIVE + 1, False), (-1, True), (-ALIVE - 1, False), (-9999, False)]
)
def test_a_sign_from_far_ahead_is_no_sign_of_life(ago: float, lives: bool) -> None:
    """After a failover to a master whose clock is behind, the dead would else live until it has caught up."""
    driver: Any = Driver(ago)

    assert ("worker" in asyncio.run(living_workers(driver))) is lives
    assert ("worker" in asyncio.run(plans_in_use(driver)).signs) is lives
