"""What is read for all who look at the same moment: once, and again when it is older than they may be told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Lately"]

Value = TypeVar("Value")


class Lately(Generic[Value]):
    """Answers a value that is so old at most.

    Args:
        read: reads it.
        age: seconds.
    """

    def __init__(self, read: Callable[[], Awaitable[Value]], age: float) -> None:
        self._read = read
        self._age = age
        self._lock = asyncio.Lock()
        self._held: tuple[float, Value] | None = None

    async def read(self) -> Value:
        """The value; whoever asks while it is read waits for that.

        Raises:
            Exception: whatever reading it does; the next one who asks reads it again.
        """
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._held is None or now - self._held[0] >= self._age:
                self._held = now, await self._read()
            return self._held[1]
