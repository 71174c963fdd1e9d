"""`rapport demo` through a real collector: what is on the topics is what was simulated, at its own times."""

from __future__ import annotations

import json
import time
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from console.commands.main import create_cli
from console.demo import monday_before, simulate, time_of
from console.demo.people import WEEK
from streams.collector.wire import parse_time
from streams.kafka.admin import ensure_topics
from tests.conftest import MakeSettings
from tests.console.collecting import collecting, shipped_plan, wait_until_ready


def run(*arguments: object) -> Result:
    """Run `demo`."""
    result = CliRunner().invoke(create_cli(), ["demo", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_shop_up_to_the_present(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Every simulated event once, on its source's topic, unchanged and at its own time; then it ends."""
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    keys = {source.name: source.write_key.get_secret_value() for source in shipped_plan().sources.values()}
    began = time.time()
    with collecting(settings) as running:
        wait_until_ready(running)
        details = {"url": running.url, "write_keys": keys, "api_token": "t", "kafka": "", "redis": ""}
        (tmp_path / "rapport.json").write_text(json.dumps(details))

        result = run("--customers", 12, "--factor", 5e6, "--once", "--data-dir", tmp_path)

        assert result.exit_code == 0, result.output
        arrived = {source: running.events(source) for source in keys}
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


def test_writing_instead_of_sending(tmp_path: Path) -> None:
    """A file that `rapport send` takes, the same at each run."""
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
