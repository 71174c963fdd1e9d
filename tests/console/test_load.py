"""`rapport load` for real: events of files on the topics of their sources, in order, once, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from console.commands.main import create_cli
from profiles.clock import ClockState, Head, Load
from profiles.times import parse_time
from streams.history.run import clock_store
from streams.kafka.admin import ensure_topics
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer, Row
from streams.kafka.topics import topic_name
from streams.records.loads import LOAD
from streams.records.rejected import Rejection
from streams.settings import Settings
from tests import REPOSITORY
from tests.conftest import MakeSettings
from tests.console.collecting import PLAN, read_topic, shipped_plan
from tests.integration.rapport import environment, running

DAY = 86_400
SINCE = 1_767_225_600  # 2026-01-01


def view(number: int, source: str = "web", time_: int = SINCE, **more: Any) -> dict[str, Any]:
    """A product that somebody looked at, without a messageId."""
    return {
        "source": source, "type": "track", "event": "Product Viewed", "userId": f"user-{number % 9}",
        "timestamp": time_ + number * 60, "properties": {"product_id": f"P{number}"},
    } | more  # fmt: skip


def write(path: Path, events: Sequence[dict[str, Any]]) -> Path:
    """A file of events."""
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    return path


class Loading:
    """The command, in an installation with topics and without workers."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.environ = environment(settings) | {"RAPPORT_PLAN": str(PLAN), "RAPPORT_DATA_DIR": str(folder / "data")}

    def __call__(self, *arguments: object, status: int = 0) -> Result:
        """Run it with these arguments."""
        result = CliRunner().invoke(create_cli(), ["load", *map(str, arguments)], env=self.environ)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        return result

    def told(self, *arguments: object) -> dict[str, Any]:
        """What it answers to scripts."""
        document: dict[str, Any] = json.loads(self(*arguments, "--json").stdout)
        return document

    def spawn(self, *arguments: object) -> subprocess.Popen[bytes]:
        """Run it as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "console", "load", *map(str, arguments)],
            env={**os.environ, **self.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def events(self, source: str) -> list[dict[str, Any]]:
        """What is on a source's topic."""
        return [json.loads(record.value) for record in read_topic(self.settings, f"events.{source}")]

    def by_partition(self, source: str) -> dict[int, list[dict[str, Any]]]:
        """The same, all but when it was received."""
        found: dict[int, list[dict[str, Any]]] = {}
        for record in read_topic(self.settings, f"events.{source}"):
            event = json.loads(record.value)
            del event["receivedAt"]
            found.setdefault(record.partition, []).append(event)
        return found

    def ids(self) -> list[str]:
        """The messageIds of all that is there."""
        return [event["messageId"] for source in ("web", "app") for event in self.events(source)]

    def loads(self) -> dict[str, Load]:
        """What the clock knows."""

        async def ask() -> dict[str, Load]:
            async with clock_store(self.settings, shipped_plan()) as store:
                return await store.loads()

        return asyncio.run(ask())

    def live(self, watermark: float) -> None:
        """Let the clock stand somewhere, as of a worker that has left."""

        async def commit() -> None:
            async with clock_store(self.settings, shipped_plan()) as store:
                long_ago = watermark - 60 * DAY
                await store.commit(ClockState(phase="live", watermark=watermark, live_since=long_ago))

        asyncio.run(commit())


@pytest.fixture
def load(make_settings: MakeSettings, tmp_path: Path) -> Loading:
    """The command."""
    settings = make_settings(plan=PLAN)
    ensure_topics(settings, shipped_plan())
    return Loading(settings, tmp_path)


def words(result: Result) -> str:
    """What was said, on one line."""
    return re.sub(r"\s+", " ", result.output)


def test_files_in_any_order_are_one_history(load: Loading, make_settings: MakeSettings, tmp_path: Path) -> None:
    """Four files, shuffled and in reverse, put the same records in the same order on every partition as one file."""
    events = [view(number, ("web", "app")[number % 2]) for number in range(400)]
    whole = write(tmp_path / "all.jsonl", events)
    parts = [random.Random(7).sample(events[at::4], 100) for at in range(4)]
    files = [write(tmp_path / f"{at}.jsonl", part) for at, part in enumerate(parts)]
    other = Loading(make_settings(plan=PLAN, topic_prefix=f"{load.settings.topic_prefix}other."), tmp_path)
    ensure_topics(other.settings, shipped_plan())

    load(whole, "--no-wait", "--yes")
    other(*reversed(files), "--no-wait", "--yes")

    for source in ("web", "app"):
        one, several = load.by_partition(source), other.by_partition(source)
        assert one == several
        assert sum(map(len, one.values())) == 200
        for partition in one.values():
            times = [event["timestamp"] for event in partition]
            assert times == sorted(times)
    assert len(set(load.ids())) == 400


def test_it_is_registered_before_and_ended_after(load: Loading, tmp_path: Path) -> None:
    """With its span, and a step of six hours unless said; its records carry its id."""
    file = write(tmp_path / "my shop.jsonl", [view(number) for number in range(10)])

    document = load.told(file, "--no-wait", "--step", 2)

    (known,) = load.loads().values()
    assert document["load"] == known.id
    assert known.id.startswith("my-shop-")
    assert (known.since, known.until, known.sent) == (SINCE, SINCE + 540, float("inf"))
    assert (known.events, known.done, known.step) == (10, 10, 7200)
    assert known.ended >= known.begun > SINCE
    headers = [dict(record.headers) for record in read_topic(load.settings, "events.web")]
    assert headers == [{LOAD: known.id.encode()}] * 10


def test_a_killed_load_goes_on_where_it_was(load: Loading, tmp_path: Path) -> None:
    """SIGKILL, twice: all is there in the end, a portion at most is there twice, and never is more promised."""
    long = {"properties": {"product_id": "P" * 300}}
    events = [view(number, ("web", "app")[number % 2], **long) for number in range(60_000)]
    random.Random(1).shuffle(events)
    file = write(tmp_path / "shop.jsonl", events)
    kills = 0
    for wanted in (1, 20_000):
        child = load.spawn(file, "--no-wait")
        until = time.monotonic() + 120
        while not any(known.done >= wanted for known in load.loads().values()):
            assert time.monotonic() < until
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        kills += 1
        (known,) = load.loads().values()
        assert not known.ended
        there = Counter(parse_time(event["timestamp"]) for source in ("web", "app") for event in load.events(source))
        assert {SINCE + n * 60 for n in range(60_000) if SINCE + n * 60 <= known.sent} <= there.keys()
        assert len(there) < 60_000

    result = load(file, "--no-wait")

    assert "of 60,000 sent before" in words(result)
    ids = load.ids()
    assert len(set(ids)) == 60_000
    assert len(ids) <= 60_000 + kills * 4_000
    (known,) = load.loads().values()
    assert (known.done, known.sent) == (60_000, float("inf"))
    assert not list((tmp_path / "data" / "loads").glob("*.sorted"))

    again = load(file, "--no-wait")
    assert "all sent before" in words(again)
    assert len(load.ids()) == len(ids)


def test_tables_each_with_a_mapping_of_its_own(load: Loading, tmp_path: Path) -> None:
    """Beside JSON lines; merged by time."""
    orders, visits = tmp_path / "orders.csv", tmp_path / "visits.csv"
    orders.write_text("customer,date,amount\n7,2026-01-02,12.5\n8,2026-01-04,3\n")
    visits.write_text("who;day\n7;2026-01-03\n")
    (tmp_path / "orders.yaml").write_text(
        "source: purchase\nevent: Order Completed\nmap: {user_id: customer, timestamp: date, properties.revenue: "
        "'amount:number'}\nset: {properties.order_id: 'o-{line}', properties.currency: EUR}\n"
    )
    (tmp_path / "visits.yaml").write_text(
        "source: web\nevent: Product Viewed\ndelimiter: semicolon\nmap: {user_id: who, timestamp: day}\n"
    )
    lines = write(tmp_path / "more.jsonl", [view(1, "app")])

    document = load.told(
        f"{orders}={tmp_path / 'orders.yaml'}", lines, f"{visits}={tmp_path / 'visits.yaml'}", "--no-wait"
    )

    assert document["events"] == 4
    assert [event["properties"]["revenue"] for event in load.events("purchase")] == [12.5, 3.0]
    assert [event["userId"] for event in load.events("web")] == ["7"]


def test_a_preview_sends_nothing(load: Loading, tmp_path: Path) -> None:
    """It says what the plan would reject, with an example, and what the clock will do; then it ends with 1."""
    good = write(tmp_path / "good.jsonl", [view(number) for number in range(5)])
    bad = write(tmp_path / "bad.jsonl", [view(number, event="Sneezed") for number in range(3)])

    fresh = words(load(good, "--check"))
    refused = load(good, bad, "--check", "--json", status=1)
    load.live(time.time())
    late = words(load(good, "--check"))

    document = json.loads(refused.stdout)
    assert (document["events"], document["customers"], document["clock"]) == (8, 5, "new")
    assert [(row["reason"], row["events"]) for row in document["rejected"]] == [("unplanned", 3)]
    assert document["rejected"][0]["example"].startswith("bad.jsonl, line 1: track 'Sneezed'")
    assert "goes live warm" in fresh
    assert "5 of them are late, because this installation is live" in late
    assert "rapport rebuild --from archive" in late
    assert not load.events("web")
    assert not load.loads()
    assert not (tmp_path / "data").exists()


def test_bad_rows_stop_it_or_are_set_aside(load: Loading, tmp_path: Path) -> None:
    """As they stop `send`; and the same file given twice is a mistake."""
    file = write(tmp_path / "shop.jsonl", [view(1), {"type": "page", "userId": "1", "source": "web"}])

    assert "line 2: it has no timestamp" in words(load(file, "--no-wait", status=1))
    assert not load.events("web")
    assert "hold the same" in words(load(file, file, status=2))
    assert "1 event sent" in words(load(file, "--no-wait", "--skip-bad"))
    assert len(load.events("web")) == 1


async def work(settings: Settings, rejects: int, late: int) -> None:
    """Do to the log and the clock what workers do, once a load is sent; some of it is rejected, some came late."""
    async with clock_store(settings, shipped_plan()) as store, asyncio.timeout(60):
        while not any(known.ended for known in (await store.loads()).values()):  # noqa: ASYNC110  (it is another process')
            await asyncio.sleep(0.05)
        (id_,) = await store.loads()
        log, producer = KafkaLog(settings), BatchProducer(settings)
        topic = topic_name(settings, "events.web")
        bad = [
            Rejection("2026-01-01T00:00:00Z", "check", "unplanned", "nobody planned it", "web", topic, 0, offset,
                      b'{"messageId":"%d"}' % offset, load=id_).encode()
            for offset in range(rejects)
        ]  # fmt: skip
        await producer.produce([Row(topic_name(settings, "events.rejected"), 0, None, value) for value in bad])
        await producer.stop()
        await store.note_late("web", [float(SINCE)] * late, time.time())
        await store.report({f"{topic}/{each.partition}": Head(each.end) for each in await log.extents(topic)})
        await store.commit(ClockState(phase="live", watermark=time.time()))


def test_the_summary_tells_what_became_of_it(load: Loading, tmp_path: Path) -> None:
    """It waits until all is applied and live; then: accepted, rejected with an example, late with the remedy."""
    file = write(tmp_path / "shop.jsonl", [view(number) for number in range(50)])
    workers = threading.Thread(target=lambda: asyncio.run(work(load.settings, rejects=3, late=2)))
    workers.start()

    said = words(load(file))
    workers.join()
    document = load.told(file)  # all was sent and applied: it only tells again

    assert "50 events sent, of 9 customers, from 2026-01-01 00:00 to 2026-01-01 00:49" in said
    assert "47 accepted, 3 rejected:" in said
    assert "nobody planned it" in said
    assert f"`rapport rejected list --load {document['load']}` shows them" in said
    assert "2 events came late" in said
    assert "`rapport rebuild --from archive` gives them" in said
    assert (document["accepted"], document["late"], document["paused"]) == (47, 2, [])
    assert document["rejected"] == [
        {"source": "web", "reason": "unplanned", "events": 3, "example": "nobody planned it"}
    ]
    assert len(load.events("web")) == 50


def test_what_is_rejected_is_counted_and_never_pauses_the_source(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """By the collector's rules and by the plan's, exactly; live rejections of the same time are not among them."""
    with running(make_settings(plan=PLAN), tmp_path) as rapport:
        load = Loading(rapport.settings, tmp_path)
        now = int(time.time()) - 90_000
        good = [view(number, time_=now) for number in range(500)]
        sneezes = [view(number, time_=now, event="Sneezed") for number in range(700)]
        nobody = [view(number, time_=now, userId="null") for number in range(3)]
        file = write(tmp_path / "shop.jsonl", [*good, *sneezes, *nobody])
        rapport.send("web", [{**view(1, time_=now), "event": "Coughed", "messageId": f"live-{n}"} for n in range(20)])

        load(file, "--no-wait")

        def rejected() -> list[dict[str, Any]]:
            listed = CliRunner().invoke(
                create_cli(), ["rejected", "list", "--load", next(iter(load.loads())), "--summary", "--json"],
                env=load.environ,
            )  # fmt: skip
            found: list[dict[str, Any]] = json.loads(listed.stdout)
            return found

        until = time.monotonic() + 60
        while sum(row["events"] for row in rejected()) < 703:
            assert time.monotonic() < until, rapport.logs()
            time.sleep(0.3)
        assert {row["reason"]: row["events"] for row in rejected()} == {"unplanned": 700, "no_identity": 3}
