"""A learner whose checkpoint cannot be read: customers are scored all the same, and nothing is lost while it waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from models.learning.learner import Learner
from profiles.store import Reader
from profiles.stores.keys import LEARNER_STATE
from profiles.stores.redis import connect
from streams.settings import Settings
from tests.integration.learning.test_learner import assert_same, teach, wait
from tests.integration.rapport import PLAN, Rapport, order, recently, running
from tests.models.training import world


def write(rapport: Rapport, name: str, value: bytes) -> bytes:
    """Put something in the place of a part; answer what was there."""

    async def change() -> bytes:
        client = connect(rapport.settings.redis.get_secret_value())
        try:
            before: bytes = await client.hget(LEARNER_STATE, name)
            await client.hset(LEARNER_STATE, name, value)
            return before
        finally:
            await client.aclose()

    return asyncio.run(change())


def ordered(rapport: Rapport, number: int) -> None:
    """A customer orders, and it is applied."""
    rapport.send("purchase", [order("user-1", number, recently())])

    async def applied(reader: Reader) -> bool:
        profile = await reader.profile(await reader.resolve(("user_id", "user-1")))
        return profile is not None and profile.purchases.orders == number

    rapport.until(applied, f"order {number}")


def test_a_damaged_checkpoint_stops_the_learner_and_nothing_else(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Once the part is back it goes on where it was."""
    with running(make_settings(plan=PLAN, batch=100), tmp_path) as rapport:
        config = rapport.plan.churn
        records = world(0, 300, config=config)
        ordered(rapport, 1)
        teach(rapport, records[:400])
        wait(rapport, 399)
        rapport.stop_workers()
        good = write(rapport, "learned", b'{"hazard":')
        rapport.start()
        teach(rapport, records[400:])
        deadline = time.monotonic() + 120
        while "cannot be read" not in rapport.logs():
            assert rapport.workers[-1].poll() is None, rapport.logs()
            assert time.monotonic() < deadline, rapport.logs()
            time.sleep(0.2)
        ordered(rapport, 2)  # which no damaged model may hold up
        write(rapport, "learned", good)
        state = wait(rapport, len(records) - 1)
        rapport.stop_workers()
        expected = Learner(config)
        expected.take(records)
        assert_same(state, expected)
