"""Real purchases, from a file to profiles: CDNOW's 69,659 orders of 23,570 customers, to the cent."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.commands.main import create_cli
from models.durations import DAY
from profiles.documents import decode_profile
from profiles.stores.keys import Keys
from profiles.stores.redis import connect
from profiles.types import Profile
from streams.settings import Settings
from tests.console.collecting import collecting, wait_until_ready
from tests.integration.rapport import PLAN, running

COMMAND = [
    "--source", "purchase", "--event", "Order Completed", "--delimiter", "whitespace",
    "--map", "user_id=customer_id", "--map", "timestamp=date", "--time-format", "%Y%m%d",
    "--map", "properties.revenue=dollar_value:number", "--map", "properties.quantity=number_of_cds:int",
    "--set", "properties.order_id=cdnow-{line}", "--set", "properties.currency=USD",
]  # fmt: skip


def cdnow() -> Path:
    found = find_spec("lifetimes")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "datasets" / "CDNOW_master.txt"


BEGAN = datetime(1997, 1, 1, tzinfo=UTC).timestamp()
"""The day of the first orders."""

STEP = 29 * 365 * DAY
"""From gate to gate: there is one in 1998, after the last order, and the next is now."""


def every_profile(settings: Settings) -> list[Profile]:
    async def read() -> list[Profile]:
        client = connect(settings.redis.get_secret_value())
        found = []
        for partition in range(settings.partitions):
            documents = await client.hgetall(Keys.of(partition).profiles)
            found += [decode_profile(id_.decode(), document) for id_, document in documents.items()]
        await client.aclose()
        return found

    return asyncio.run(read())


@pytest.mark.timeout(600)  # four minutes on a machine that does ten other things
def test_the_real_purchase_log_becomes_profiles_to_the_cent(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Sent by `rapport send` through the collector, applied by a worker: every customer's orders and revenue agree.

    The file is in order of customers, so the clock waits for all of it, as for a load, and goes through it at once.
    """
    settings = make_settings(plan=PLAN)
    rows = [line.split() for line in cdnow().read_text().splitlines()[1:] if line.split()]
    orders = Counter(row[0] for row in rows)
    cents: Counter[str] = Counter()
    for customer, _, _, dollars in rows:
        cents[customer] += round(float(dollars) * 100)
    assert (len(rows), len(orders)) == (69_659, 23_570)

    with running(settings, tmp_path) as rapport, collecting(settings) as collector:
        wait_until_ready(collector)
        keys = {source.name: source.write_key.get_secret_value() for source in rapport.plan.sources.values()}
        details = {"url": collector.url, "write_keys": keys, "api_token": "t", "kafka": "", "redis": ""}
        (tmp_path / "rapport.json").write_text(json.dumps(details))

        def send() -> None:
            result = CliRunner().invoke(create_cli(), ["send", str(cdnow()), *COMMAND, "--data-dir", str(tmp_path)])
            assert result.exit_code == 0, result.output

        rapport.load("cdnow", BEGAN, send, step=STEP)
        profiles = every_profile(settings)

    assert len(profiles) == 23_570
    found = {user: profile for profile in profiles for user in profile.identities["user_id"]}
    assert {user: profile.purchases.orders for user, profile in found.items()} == dict(orders)
    assert {user: profile.purchases.revenue["USD"] for user, profile in found.items()} == dict(cents)
    assert all(profile.score is not None and profile.score.reasons for profile in profiles)
