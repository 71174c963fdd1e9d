"""Which keys a rebuild takes away before it writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from profiles.stores.keys import Keys
from profiles.stores.restoring.restore import held_keys


class Driver:
    """A Redis that has these keys."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    async def scan_iter(self, **_: Any) -> AsyncIterator[bytes]:
        for key in self.keys:
            yield key.encode()


def test_all_that_is_of_a_partition_goes_and_nothing_of_others() -> None:
    """What stayed would be counted once more by a rebuild that plays events again, as those who entered a segment."""
    keys = Keys.of(7)
    named = [getattr(keys, name) for name in Keys.__slots__ if name != "tag"]
    ours = [*named, keys.alerts_in("open"), keys.moves(20_000), keys.segment("at risk")]

    async def held() -> list[str]:
        return [key.decode() async for key in held_keys(Driver(*ours, "other:key", "{p007}x:profiles"))]  # type: ignore[arg-type]

    assert asyncio.run(held()) == ours
