"""What tests leave behind, so that looking for garbage does not take half of their time.

A full collection looks through all that lives: a second, each time, with ten thousand tests and what they import, and a
dozen applications of tests that are over, which FastAPI keeps alive by remembering their routes.
"""

from __future__ import annotations

import gc
import sys

import pytest


def pytest_collection_finish() -> None:
    """Look no more through what has been loaded by now, which stays until the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Let go of the applications that FastAPI remembers: 4,096 functions of them, with all that these hold."""
    routing = sys.modules.get("fastapi.dependencies.models")
    for remembered in vars(routing).values() if routing else ():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()
