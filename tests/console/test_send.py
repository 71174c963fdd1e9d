"""`rapport send` through a real collector into a real Kafka: every row once, with its own time, whatever happens."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from console.commands.main import create_cli
from streams.kafka.admin import ensure_topics
from tests import REPOSITORY
from tests.conftest import MakeSettings
from tests.console.collecting import Collecting, collecting, shipped_plan, wait_until_ready
from tests.integration.rapport import environment, running

ORDER = ["--source", "purchase", "--event", "Order Completed", "--map", "user_id=customer", "--map", "timestamp=date",
         "--map", "properties.revenue=amount:number", "--set", "properties.order_id=o-{line}"]  # fmt: skip


class Faults:
    """A network in front of the collector that answers some batches with a status of its own."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.seen = 0

    async def __call__(self, scope: Any, receive: Any, send_: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/batch":
            await self._app(scope, receive, send_)
            return
        self.seen += 1
        if not self.answers:
            await self._app(scope, receive, send_)
            return
        status, headers = self.answers.pop(0)
        body = b'{"code": "test", "message": "not now"}'
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send_({"type": "http.response.start", "status": status, "headers": pairs})
        await send_({"type": "http.response.body", "body": body})


class Sending:
    """A collector, faults in front of it, and the command."""

    def __init__(self, running: Collecting, faults: Faults, data_dir: Path) -> None:
        self.running = running
        self.faults = faults
        self.data_dir = data_dir
        keys = {source.name: source.write_key.get_secret_value() for source in shipped_plan().sources.values()}
        details = {"url": running.url, "write_keys": keys, "api_token": "t", "kafka": "", "redis": ""}
        (data_dir / "rapport.json").write_text(json.dumps(details))

    def __call__(self, *arguments: object) -> Result:
        """Run `send` with these arguments."""
        result = CliRunner().invoke(create_cli(), ["send", *map(str, arguments), "--data-dir", str(self.data_dir)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result


@pytest.fixture
def sending(make_settings: MakeSettings, tmp_path: Path) -> Iterator[Sending]:
    """The command against a collector that has its Kafka."""
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    faults: list[Faults] = []

    def wrap(app: Any) -> Faults:
        faults.append(Faults(app))
        return faults[0]

    with collecting(settings, wrap=wrap) as running:
        wait_until_ready(running)
        yield Sending(running, faults[0], tmp_path)


def words(result: Result) -> str:
    """What was said, on one line."""
    return re.sub(r"\s+", " ", result.output)


def orders(path: Path, count: int) -> Path:
    """A CSV of orders."""
    rows = (f"{100 + row % 50},2026-01-01T00:00:{row % 60:02},{row}.25\n" for row in range(count))
    path.write_text("customer,date,amount\n" + "".join(rows))
    return path


def test_rows_arrive_once_with_their_own_time(sending: Sending, tmp_path: Path) -> None:
    """A second run sends nothing; --restart sends the same ids, so that they are known repeats."""
    file = orders(tmp_path / "orders.csv", 2500)

    assert "2,500 events sent" in words(sending(file, *ORDER))
    assert "already sent" in words(sending(file, *ORDER))
    events = sending.running.events("purchase")

    assert len(events) == 2500
    by_order = {event["properties"]["order_id"]: event for event in events}
    assert by_order["o-2"]["timestamp"] == "2026-01-01T00:00:00Z"
    assert by_order["o-2"]["properties"]["revenue"] == 0.25
    assert by_order["o-2"]["userId"] == "100"

    assert sending(file, *ORDER, "--restart").exit_code == 0
    again = sending.running.events("purchase")
    assert set(Counter(event["messageId"] for event in again).values()) == {2}


def test_a_busy_collector_is_waited_for(sending: Sending, tmp_path: Path) -> None:
    """429 and 503 as long as they ask for; nothing is lost."""
    file = orders(tmp_path / "orders.csv", 10)
    sending.faults.answers = [(429, {"Retry-After": "1"}), (503, {"Retry-After": "0.2"}), (502, {})]
    began = time.monotonic()

    result = sending(file, *ORDER)

    assert result.exit_code == 0, result.output
    assert time.monotonic() - began >= 1.2
    assert len(sending.running.events("purchase")) == 10


def test_a_refusal_stops_it_and_the_next_run_goes_on(sending: Sending, tmp_path: Path) -> None:
    """What was acknowledged is not sent again."""
    file = orders(tmp_path / "orders.csv", 12_000)
    sending.faults.answers = [(413, {})]
    first = sending(file, *ORDER)
    assert first.exit_code == 1
    assert "413: not now" in words(first)

    second = sending(file, *ORDER)

    assert second.exit_code == 0, second.output
    assert {event["properties"]["order_id"] for event in sending.running.events("purchase")} == {
        f"o-{line}" for line in range(2, 12_002)
    }


def test_a_killed_run_goes_on_where_it_was(sending: Sending, tmp_path: Path) -> None:
    """SIGKILL in the middle: the rest follows, what is sent twice has the same id."""
    file = orders(tmp_path / "orders.csv", 20_000)
    command = [sys.executable, "-m", "console", "send", str(file), *ORDER, "--data-dir", str(sending.data_dir)]
    child = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL, env={**os.environ})
    until = time.monotonic() + 60
    while sending.faults.seen < 4 and time.monotonic() < until:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = sending.faults.seen

    result = sending(file, *ORDER)

    assert result.exit_code == 0, result.output
    assert 4 <= before < 20
    ids = {event["messageId"] for event in sending.running.events("purchase")}
    assert len(ids) == 20_000


KEYED = ["--source", "purchase", "--event", "Order Completed", "--map", "user_id=customer", "--map", "timestamp=date",
         "--map", "properties.order_id=order"]  # fmt: skip
NET, GROSS = ["--map", "properties.revenue=net:number"], ["--map", "properties.revenue=gross:number"]


def test_a_file_is_not_sent_again_as_other_events(sending: Sending, tmp_path: Path) -> None:
    """With a mended mapping it would count besides: that is said, and nothing is sent until it is wanted."""
    file = tmp_path / "orders.csv"
    file.write_text("customer,date,gross,net,order\nrm-1,2026-11-02,15,12.5,R-1\n")

    assert sending(file, *KEYED, *GROSS).exit_code == 0
    mended = sending(file, *KEYED, *NET)

    assert mended.exit_code == 1
    assert "in another way, such as with another mapping. What it said then stays" in words(mended)
    assert len(sending.running.events("purchase")) == 1
    assert sending(file, *KEYED, *NET, "--restart").exit_code == 0
    assert [event["properties"]["revenue"] for event in sending.running.events("purchase")] == [15, 12.5]


def test_a_second_export_that_overlaps_repeats_its_rows(sending: Sending, tmp_path: Path) -> None:
    """By their key also where they say more; without one by all that they say, and that is told."""
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    first.write_text("customer,date,gross,net,order\nov-1,2026-11-02,15,12.5,O-1\n")
    second.write_text("order,customer,date,gross,net\nO-2,ov-2,2026-11-03,8,7\nO-1,ov-1,2026-11-02,16,13.5\n")

    alone = sending(first, *KEYED, *NET)
    keyed = [sending(file, *KEYED, *NET, "--key", "order_id", "--restart") for file in (first, second)]

    assert "1 row without an id of their own" in words(alone)
    assert [result.exit_code for result in keyed] == [0, 0]
    assert not any("of their own" in words(result) for result in keyed)
    ids = [event["messageId"] for event in sending.running.events("purchase")]
    assert sorted(Counter(ids).values()) == [1, 1, 2]


def test_bad_rows_stop_it_before_anything_is_sent(sending: Sending, tmp_path: Path) -> None:
    """Or are set aside in a file that can be corrected and sent."""
    file = tmp_path / "orders.csv"
    file.write_text("customer,date,amount\n1,2026-01-01,1\n2,someday,2\n3,2026-01-03,much\n")

    refused = sending(file, *ORDER)

    assert refused.exit_code == 1
    assert "line 3: timestamp: 'someday' is no time" in words(refused)
    assert "1 more row is bad" in words(refused)
    assert sending.faults.seen == 0
    skipped = sending(file, *ORDER, "--skip-bad")
    assert skipped.exit_code == 0, skipped.output
    assert (tmp_path / "orders.csv.bad").read_text() == "customer,date,amount\n2,someday,2\n3,2026-01-03,much\n"
    assert [event["userId"] for event in sending.running.events("purchase")] == ["1"]


def test_events_of_all_sources_from_one_file(sending: Sending, tmp_path: Path) -> None:
    """Each goes to its own source; compressed files are read as they are."""
    rows = [
        {"source": source, "type": "identify", "userId": str(row), "timestamp": "2026-01-01T00:00:00Z"}
        for row in range(1, 11)
        for source in ("web", "app")
    ]
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    assert "20 events sent" in words(sending(file))
    assert len(sending.running.events("web")) == len(sending.running.events("app")) == 10


def test_a_source_without_a_key_is_an_error_before_anything_is_sent(sending: Sending, tmp_path: Path) -> None:
    """With the sources that have one."""
    file = tmp_path / "events.jsonl"
    file.write_text('{"source":"fax","type":"identify","userId":"1","timestamp":"2026-01-01"}\n')

    result = sending(file)

    assert result.exit_code == 2
    assert "no write key is known for fax" in words(result)
    assert "app, purchase, support, web" in words(result)


def test_nobody_there_is_one_clear_line(tmp_path: Path) -> None:
    """No data directory, or nothing that listens: start `rapport up`."""
    app = create_cli()
    file = orders(tmp_path / "orders.csv", 1)

    nowhere = CliRunner().invoke(app, ["send", str(file), *ORDER, "--data-dir", str(tmp_path / "none")])
    silent = CliRunner().invoke(
        app,
        [
            "send",
            str(file),
            *ORDER,
            "--data-dir",
            str(tmp_path),
            "--url",
            "http://127.0.0.1:9",
            "--write-key",
            "purchase=k",
        ],
    )

    assert (nowhere.exit_code, silent.exit_code) == (1, 1)
    assert "rapport up" in words(nowhere)
    assert "nothing answers at http://127.0.0.1:9" in words(silent)


def test_the_plan_is_asked_before_anything_is_sent(sending: Sending, tmp_path: Path) -> None:
    """`--check` says what it would reject, of a table as of JSON lines, and ends with 1 then."""
    file = orders(tmp_path / "orders.csv", 3)

    fine = sending(file, *ORDER, "--set", "properties.currency=EUR", "--check")
    unplanned = sending(file, *ORDER, "--event", "Order Eaten", "--check")

    assert fine.exit_code == 0, fine.output
    assert "3 events from 2026-01-01 00:00" in words(fine)
    assert "3 events older than a day, the oldest of 2026-01-01" in words(fine)
    assert unplanned.exit_code == 1
    assert "The plan would reject 3 of them" in words(unplanned)
    assert "'Order Eaten' is not in the plan" in words(unplanned)
    assert sending.faults.seen == 0


def test_old_events_are_told_and_what_is_rejected_is_counted(
    make_settings: MakeSettings, apache_kafka: str, tmp_path: Path
) -> None:
    """By the log, when the workers have taken all of it; with the remedy for what is too old."""
    settings = make_settings(plan=REPOSITORY / "tracking_plan.yaml")
    with running(settings, tmp_path) as rapport, collecting(settings) as collector:
        wait_until_ready(collector)
        day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
        rows = [
            {"source": "web", "type": "track", "event": event, "userId": "7", "timestamp": f"{day}T00:00:{at:02}Z"}
            for at, event in enumerate(["Sneezed"] * 12 + ["Product Viewed"] * 30)
        ]
        file = tmp_path / "events.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)))
        keys = {source.name: source.write_key.get_secret_value() for source in shipped_plan().sources.values()}

        result = CliRunner().invoke(
            create_cli(),
            ["send", str(file), "--url", collector.url, "--write-key", f"web={keys['web']}"],
            env=environment(settings) | {"RAPPORT_DATA_DIR": str(tmp_path / "data")},
        )

        assert result.exit_code == 0, f"{result.output}\n{rapport.logs()}"
    assert "42 events sent. 12 of them were rejected (unplanned: 12)" in words(result)
    assert f"42 events older than a day, the oldest of {day}" in words(result)
    assert "rapport rebuild --from archive" in words(result)
