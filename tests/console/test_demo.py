"""`rapport demo` through a real collector: what is on the topics is what was simulated, at its own times."""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_right
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from console.commands.main import create_cli
from console.demo import monday_before, simulate, time_of
from console.demo.people import WEEK
from console.demo.play import Tempo, play
from console.files.delivery import Collector
from profiles.clock import Load
from profiles.times import parse_time
from streams.history.run import clock_store
from streams.kafka.admin import ensure_topics
from streams.settings import Settings
from tests.conftest import MakeSettings
from tests.console.collecting import collecting, shipped_plan, wait_until_ready


def run(*arguments: object) -> Result:
    """Run `demo`."""
    result = CliRunner().invoke(create_cli(), ["demo", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def loads(settings: Settings) -> list[Load]:
    """The loads that the clock knows."""

    async def ask() -> list[Load]:
        async with clock_store(settings, shipped_plan()) as store:
            return list((await store.loads()).values())

    return asyncio.run(ask())


def test_the_shop_up_to_the_present(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Every simulated event once, on its source's topic, unchanged and at its own time, as a load that ends."""
    settings = make_settings()
    ensure_topics(settings, shipped_plan())
    keys = {source.name: source.write_key.get_secret_value() for source in shipped_plan().sources.values()}
    began = time.time()
    with collecting(settings) as running:
        wait_until_ready(running)
        details = {
            "url": running.url, "write_keys": keys, "api_token": "t", "kafka": settings.kafka,
            "redis": settings.redis.get_secret_value(),
        }  # fmt: skip
        (tmp_path / "rapport.json").write_text(json.dumps(details))

        result = run("--customers", 12, "--factor", 5e6, "--once", "--data-dir", tmp_path)

        assert result.exit_code == 0, result.output
        (history,) = loads(settings)
        assert (history.since, history.sent) == (monday_before(began - 26 * WEEK), float("inf"))
        assert history.ended >= began
        arrived = {source: running.events(source) for source in keys}
        again = run("--customers", 12, "--factor", 5e7, "--once", "--data-dir", tmp_path)
        assert again.exit_code == 0, again.output
        assert loads(settings) == [history]  # it was lived through: what comes again is no history
    start = monday_before(began - 26 * WEEK)
    expected = {event["messageId"]: event for event in simulate(1, 12, start, began)}
    found = {event["messageId"]: (source, event) for source, events in arrived.items() for event in events}
    late = [found[id_][1] for id_ in found.keys() - expected.keys()]

    assert expected.keys() <= found.keys()
    assert sum(map(len, arrived.values())) == len(found)
    assert all(parse_time(event["timestamp"]) >= began for event in late)
    for id_, event in expected.items():
        source, stored = found[id_]
        assert source == event["source"]
        assert abs(parse_time(stored["timestamp"]) - time_of(event)) < 0.001
        assert stored.get("properties") == event.get("properties")


def test_it_never_says_that_more_was_sent_than_was(make_settings: MakeSettings) -> None:
    """After each portion, also when one is full, all events up to the time that it tells are with the collector."""
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    keys = {source.name: source.write_key.get_secret_value() for source in shipped_plan().sources.values()}
    start = monday_before(time.time() - 26 * WEEK)
    times = [time_of(event) for event in simulate(1, 40, start, time.time())]
    told: list[tuple[float, int, bool]] = []

    async def acknowledged(shop: float, sent: int, present: bool) -> None:
        told.append((shop, sent, present))

    async def go(url: str) -> int:
        async with Collector(url) as collector:
            return await play(
                simulate(1, 40, start), collector, keys, Tempo(start, 0, 1, 1e8), acknowledged=acknowledged,
                stop_at_present=True,
            )  # fmt: skip

    with collecting(settings) as running:
        wait_until_ready(running)
        sent = asyncio.run(go(running.url))

    assert sent >= len(times) > 3000
    assert len(told) > 6
    assert [present for _, _, present in told] == [False] * (len(told) - 1) + [True]
    assert all(bisect_right(times, shop) <= count for shop, count, _ in told)
    assert [shop for shop, _, _ in told] == sorted(shop for shop, _, _ in told)


def test_writing_instead_of_sending(tmp_path: Path) -> None:
    """A file that `rapport load` takes, the same at each run."""
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"

    assert "events are in" in run("--customers", 5, "--write", first).output
    run("--customers", 5, "--write", second)

    ids = [[orjson.loads(line)["messageId"] for line in path.read_bytes().splitlines()] for path in (first, second)]
    assert ids[0] == ids[1][: len(ids[0])]
    assert len(ids[0]) > 100


@pytest.mark.parametrize("arguments", [("--data-dir", "nowhere"), ("--url", "http://127.0.0.1:9", "--write-key", "k")])
def test_nobody_there_is_one_clear_line(arguments: tuple[str, ...]) -> None:
    """It says how to start."""
    result = run(*arguments)

    assert result.exit_code == 1
    assert "rapport up" in result.output
