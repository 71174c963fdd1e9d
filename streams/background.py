"""One thread for what takes seconds, so that the loop beside it goes on giving signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_background"]

Answer = TypeVar("Answer")

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
"""One, because River, SciPy and pyarrow are loaded when they are first needed, and libraries import one another in
circles: two threads that do so at a time can meet in a deadlock, which Python breaks with an error."""


async def in_background(function: Callable[..., Answer], *args: object) -> Answer:
    """Call a function there, after what was asked for before; answer what it answers."""
    return await asyncio.get_running_loop().run_in_executor(_thread, function, *args)
