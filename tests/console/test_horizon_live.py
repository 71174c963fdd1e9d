"""`rapport models horizon --live` looks at the profiles in Redis."""

from __future__ import annotations

import asyncio
import json

import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from profiles.store import Changes
from profiles.stores.redis import RedisStore, connect
from profiles.types import Profile, Purchases

WEEK = 7 * 86400.0


def test_the_live_profiles_say_which_horizon_suits_them(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps of 3 weeks of one and of 40 of another, over two partitions: each counts the same, and nobody else does."""
    often = Profile("often", purchases=Purchases(orders=10, recent=[1e9 + i * 3 * WEEK for i in range(10)]))
    seldom = Profile("seldom", purchases=Purchases(orders=2, recent=[1e9, 1e9 + 40 * WEEK]))
    gone = Profile("gone", redirect="often")

    async def fill() -> None:
        client = connect(redis_url)
        store = RedisStore(client)
        await store.commit(0, Changes(0, applied=1, watermark=1e9, profiles=[often, gone, Profile("visitor")]))
        await store.commit(1, Changes(0, applied=1, watermark=1e9 + 100 * WEEK, profiles=[seldom]))
        await client.aclose()

    asyncio.run(fill())
    monkeypatch.setenv("RAPPORT_REDIS", redis_url)
    monkeypatch.setenv("RAPPORT_PARTITIONS", "2")

    result = CliRunner().invoke(create_cli(), ["models", "horizon", "--live", "--json"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["customers"], found["gaps"], found["recommended"]) == (2, 10, 40)
    assert found["weeks_known"] == pytest.approx(100.0)
