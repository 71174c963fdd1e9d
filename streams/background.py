"""Threads for what takes long, so that the loop beside them goes on giving signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["aside", "in_background"]

Answer = TypeVar("Answer")

_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
"""One, because River, SciPy and pyarrow are loaded when they are first needed, and libraries import one another in
circles: two threads that do so at a time can meet in a deadlock, which Python breaks with an error."""


_few = ThreadPoolExecutor(max_workers=4, thread_name_prefix="aside")
"""Few, because who is no longer waited for works on to the end: then others wait, not all of the process."""


async def aside(function: Callable[..., Answer], *args: object) -> Answer:
    """Call a function in one of a few threads: what one request asks for must not stop others.

    It loads libraries by `models.libraries` only, one at a time.
    """
    return await asyncio.get_running_loop().run_in_executor(_few, function, *args)


async def in_background(function: Callable[..., Answer], *args: object) -> Answer:
    """Call a function there, after what was asked for before; answer what it answers."""
    return await asyncio.get_running_loop().run_in_executor(_thread, function, *args)
