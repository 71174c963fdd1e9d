"""That pages that are made anew do not keep others waiting: hundreds may be woken at the same moment."""

from __future__ import annotations

import asyncio

__all__ = ["Turn"]


class Turn:
    """Lets one in at each round of the loop, in the order in which they came; all else that waits runs between."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Wait for one's turn; it lasts until whoever has it waits for something."""
        async with self._lock:
            await asyncio.sleep(0)
