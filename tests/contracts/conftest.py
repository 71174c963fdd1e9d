"""Stores to try contracts on: in memory, in one Redis, in a cluster."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contracts.fresh import Test, try_on


@pytest.fixture(params=["memory", "redis", "cluster"])
def run(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    """Runs a coroutine function on fresh stores."""
    urls = {
        "memory": lambda: "memory://",
        "redis": lambda: request.getfixturevalue("redis_url"),
        "cluster": lambda: request.getfixturevalue("redis_cluster").url,
    }
    url = urls[request.param]()
    return lambda test: try_on(url, test)
