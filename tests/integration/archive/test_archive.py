"""The archiver on a real Kafka: killed in mid-stream, started twice, behind a log that has lost its beginning."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import pandas as pd
import pyarrow.dataset as ds
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from analysis.archive.facts import FactsOf
from analysis.archive.reader import events, events_of, files, progress
from console.local.process import free_port
from plan import load_plan
from profiles.documents import encode_profile
from profiles.types import Erase, Event, Merge, Profile, Record, partition_of
from streams.kafka.topics import PROFILE_CHANGES, PROFILE_EVENTS, topic_name
from streams.settings import Settings
from tests.integration.rapport import PLAN, REPOSITORY, environment, order, running

PARTITIONS = 4
HOMES = [f"home-{n:04d}" for n in range(300)]
DAY = 86400.0
START = 1_750_000_000.0


class Log:
    """`profile.events`, written to as ingest does; and archivers that follow it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings.model_copy(
            update={"archive": str(folder / "archive"), "archive_every": 0.3, "plan": PLAN}
        )
        self.url = self.settings.archive
        self.topic = topic_name(settings, PROFILE_EVENTS)
        self._folder = folder
        self.archivers: list[subprocess.Popen[bytes]] = []
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
        admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])
        admin.close()
        self._producer = KafkaProducer(  # in order, as our own: what overtakes would look like a repeat
            bootstrap_servers=settings.kafka,
            acks="all",
            enable_idempotence=False,
            max_in_flight_requests_per_connection=1,
            linger_ms=20,
        )

    def send(self, records: list[Record]) -> None:
        """Returns when Kafka has them."""
        sent = [
            self._producer.send(
                self.topic,
                msgspec.msgpack.encode(record),
                record.profile.encode(),
                partition=partition_of(record.profile, PARTITIONS),
            )
            for record in records
        ]
        self._producer.flush()
        for future in sent:
            future.get(30)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`rapport archive …` to its end."""
        return subprocess.run(
            self._command(*arguments), env=self._env(more), capture_output=True, text=True, timeout=120, check=False
        )

    def start(self, **more: str) -> subprocess.Popen[bytes]:
        """`rapport archive`, beside us."""
        with (self._folder / f"archive-{len(self.archivers)}.log").open("wb") as log:
            archiver = subprocess.Popen(self._command(), env=self._env(more), stdout=log, stderr=subprocess.STDOUT)
        self.archivers.append(archiver)
        return archiver

    def log_of(self, number: int) -> str:
        return (self._folder / f"archive-{number}.log").read_text()

    def close(self) -> None:
        self._producer.close()
        for archiver in self.archivers:
            archiver.kill()
            archiver.wait()

    def names(self, folder: str) -> set[Path]:
        return set(Path(self.url, folder).rglob("*.parquet" if folder == "events" else "*.json"))

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-P", "-m", "console", "archive", *arguments]

    def _env(self, more: dict[str, str]) -> dict[str, str]:
        return {**os.environ, **environment(self.settings), "PYTHONPATH": str(REPOSITORY), **more}


@pytest.fixture
def log(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Log]:
    opened = Log(make_settings(redis="redis://127.0.0.1:1/0", partitions=PARTITIONS), tmp_path)
    yield opened
    opened.close()


def history(count: int, seed: int) -> tuple[list[Event], list[Event]]:
    """Accepted events, and how ingest and senders bring them: some of them several times.

    Ingest repeats a stretch of a source partition (it was killed before it could commit); a sender repeats an event
    under its id, so it has another place in the source topic.
    """
    chance = random.Random(seed)
    accepted = []
    offsets = [0, 0]
    for n in range(count):
        partition = n % 2
        home = chance.choice(HOMES)
        time_ = START + chance.randrange(5) * DAY + n / 1000
        accepted.append(
            Event(
                home, f"m{n}", "web", "track", "Order Completed", "purchase", time_, time_ + 1, [("user_id", home)],
                amount=n, currency="EUR", properties={"order_id": str(n), "items": [{"sku": "a", "n": 1}]},
                origin=("events.web", partition, offsets[partition]),
            )
        )  # fmt: skip
        offsets[partition] += 1
        if chance.random() < 0.03:  # the sender's repeat
            again = chance.choice(accepted)
            accepted.append(msgspec.structs.replace(again, origin=("events.web", partition, offsets[partition])))
            offsets[partition] += 1
    brought: list[Event] = []
    for begin in range(0, len(accepted), 500):
        stretch = accepted[begin : begin + 500]
        brought += stretch
        if chance.random() < 0.5:
            brought += stretch[chance.randrange(200) :]
    first = {event.id: event for event in reversed(accepted)}
    return list(first.values()), brought


def until(question: Callable[[], bool], what: str, timeout: float = 120.0) -> None:
    deadline = time.monotonic() + timeout
    while not question():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.002)


def counts(url: str) -> dict[str, tuple[int, int, int]]:
    """Rows, different events and the sum of amounts, as three tools find them."""
    paths = [str(Path(url, file.path)) for file in files(url) if file.table == "events"]
    with duckdb.connect() as con:
        events(con, url)
        duck = con.sql("SELECT count(*), count(DISTINCT (home, source, id)), sum(amount) FROM events").fetchall()[0]
    frame = pd.concat([pd.read_parquet(path) for path in paths])
    table = ds.dataset(paths).to_table(["home", "source", "id", "amount"])
    keys = set(zip(*(table[name].to_pylist() for name in ("home", "source", "id")), strict=True))
    return {
        "duckdb": (duck[0], duck[1], int(duck[2])),
        "pandas": (len(frame), len(frame[["home", "source", "id"]].drop_duplicates()), int(frame["amount"].sum())),
        "pyarrow": (table.num_rows, len(keys), sum(table["amount"].to_pylist())),
    }


def same(url: str, accepted: list[Event]) -> None:
    """Each accepted event is in the archive, once, as it was."""
    assert set(counts(url).values()) == {(len(accepted), len(accepted), sum(event.amount for event in accepted))}
    assert {event.id: event for event in events_of(url, None)} == {event.id: event for event in accepted}


def feed(log: Log, records: list[Event]) -> None:
    for n in range(0, len(records), 100):
        log.send(list(records[n : n + 100]))
        time.sleep(0.15)


def unnamed(log: Log) -> set[str]:
    """Files that no manifest names."""
    return {str(path) for path in log.names("events")} - {str(Path(log.url, file.path)) for file in files(log.url)}


def kill_at(moment: str, log: Log, archiver: subprocess.Popen[bytes], pause: float) -> None:
    """SIGKILL, at a moment found by letting the archiver run for milliseconds at a time."""
    named = log.names("_flushes")
    deadline = time.monotonic() + 120
    if moment == "any":
        time.sleep(pause)
    while moment != "any" and time.monotonic() < deadline:
        archiver.send_signal(signal.SIGSTOP)
        if unnamed(log) if moment == "file" else log.names("_flushes") - named:
            break
        archiver.send_signal(signal.SIGCONT)
        time.sleep(0.004)
    archiver.kill()
    assert archiver.wait() == -signal.SIGKILL


@pytest.mark.timeout(900)
def test_killed_in_mid_stream_it_holds_every_event_once(log: Log) -> None:
    """SIGKILLs: just after a file appeared that no manifest names yet, just after a manifest, and at any time."""
    accepted, brought = history(10_000, seed=11)
    chance = random.Random(5)
    scaling = ["file", "any", "file", "manifest", "file", "manifest"]
    share = -(-len(brought) // len(scaling))
    left_over = 0
    for kill, moment in enumerate(scaling):
        flushes = len(log.names("_flushes"))
        archiver = log.start()
        until(lambda least=flushes: len(log.names("_flushes")) > least, "it to have started")  # type: ignore[misc]
        feeder = threading.Thread(target=feed, args=(log, brought[kill * share : (kill + 1) * share]))
        feeder.start()
        flushes = len(log.names("_flushes"))
        until(lambda least=flushes: len(log.names("_flushes")) > least, "a flush")  # type: ignore[misc]
        kill_at(moment, log, archiver, chance.random())
        left_over += len(unnamed(log))
        feeder.join()
    assert left_over, "no kill came between the files of a flush and its manifest"
    done = log.run("--once", "--json")

    assert done.returncode == 0, done.stderr
    same(log.url, accepted)
    assert {str(path) for path in log.names("events")} == {str(Path(log.url, file.path)) for file in files(log.url)}, (
        "files that do not count were left"
    )
    status = json.loads(log.run("status", "--json").stdout)
    assert (status["lag"], status["events"]) == (0, len(accepted))
    assert progress(log.url) == {row["partition"]: row["end"] for row in status["partitions"]}


def test_compacting_beside_a_running_archiver_keeps_the_rows_however_often_it_is_killed(log: Log) -> None:
    accepted, brought = history(6000, seed=12)
    log.start()
    for n in range(0, len(brought), 500):
        log.send(brought[n : n + 500])
        time.sleep(0.2)
        if n % 1500 == 0:
            killed = subprocess.Popen(log._command("compact", "--json"), env=log._env({}), stdout=subprocess.DEVNULL)
            time.sleep(1.0 + n % 7 / 4)
            killed.kill()
            killed.wait()
    until(lambda: sum(file.rows for file in files(log.url)) >= len(accepted), "all to be archived")
    done = log.run("compact", "--json")

    assert done.returncode == 0, done.stderr
    assert len(files(log.url)) == 5  # one a day
    same(log.url, accepted)
    assert log.archivers[0].poll() is None
    log.archivers[0].kill()
    log.archivers[0].wait()
    log.run("--once")
    assert len(log.names("events")) == 5
    same(log.url, accepted)


def test_upgrading_beside_a_running_archiver_loses_nothing_however_often_it_is_killed(log: Log, tmp_path: Path) -> None:
    """From the facts of one plan to those of another."""
    accepted, brought = history(6000, seed=17)
    older = tmp_path / "older.yaml"
    said = "facts: {amount: [revenue, subtotal, total, value], "
    assert said in PLAN.read_text()
    older.write_text(PLAN.read_text().replace(said, f"{said}topic: order_id, "))
    log.start(RAPPORT_PLAN=str(older))
    for n in range(0, len(brought), 500):
        log.send(brought[n : n + 500])
        time.sleep(0.2)
        if n % 1500 == 0:
            killed = subprocess.Popen(log._command("upgrade", "--again"), env=log._env({}), stdout=subprocess.DEVNULL)
            time.sleep(1.0 + n % 7 / 4)
            killed.kill()
            killed.wait()
    until(lambda: sum(file.rows for file in files(log.url)) >= len(accepted), "all to be archived")
    assert len({file.facts for file in files(log.url)}) > 0
    assert log.archivers[0].poll() is None
    log.archivers[0].send_signal(signal.SIGTERM)
    assert log.archivers[0].wait(20) == 0
    done = log.run("upgrade", "--again", "--json")

    assert done.returncode == 0, done.stderr
    same(log.url, accepted)
    assert {file.facts for file in files(log.url)} == {FactsOf(load_plan(PLAN, {})).fingerprint}
    with duckdb.connect() as con:
        events(con, log.url)
        found = con.sql("SELECT items[1].product, topic, count(*) FROM events GROUP BY ALL").fetchall()
    assert found == [("a", None, len(accepted))]
    assert json.loads(log.run("status", "--json").stdout)["without_facts"] == 0


def test_a_second_archiver_takes_over_and_nothing_is_doubled(log: Log) -> None:
    """The first one says so and ends with status 1."""
    accepted, brought = history(4000, seed=13)
    first = log.start()
    log.send(brought[:2000])
    until(lambda: bool(log.names("events")), "the first to be at work")
    log.start()
    for n in range(2000, len(brought), 200):
        log.send(brought[n : n + 200])
        time.sleep(0.1)
    until(lambda: first.poll() is not None, "the first to end, though it may have nothing to write any more")
    until(lambda: sum(file.rows for file in files(log.url)) >= len(accepted), "all to be archived")

    assert first.returncode == 1
    assert "another archiver has taken over" in log.log_of(0).replace("\n", " ")
    same(log.url, accepted)


def test_an_erased_home_leaves_every_file(log: Log) -> None:
    """Also with what was sent after the erasure; a stop by SIGTERM writes what was gathered."""
    accepted, brought = history(2000, seed=14)
    gone, merged = HOMES[3], HOMES[4]
    log.send([*brought, Merge(gone, merged, START, [], ("identity.links", 0, 1 << 16))])
    archiver = log.start(RAPPORT_ARCHIVE_EVERY="0.2")
    until(lambda: sum(file.rows for file in files(log.url)) > len(accepted), "all to be archived")
    late = Event(gone, "late", "web", "track", "Visit", "", START, START, origin=("events.web", 0, 99_999))
    log.send([Erase(gone, START, ("identity.links", 0, 2 << 16)), late])
    until(lambda: json.loads(log.run("status", "--json").stdout)["erased"] == 1, "the erasure")
    archiver.send_signal(signal.SIGTERM)
    assert archiver.wait(20) == 0

    same(log.url, [event for event in accepted if event.profile != gone])
    assert all(file.table == "events" for file in files(log.url))
    for path in Path(log.url).rglob("*"):
        assert path.is_dir() or gone.encode() not in path.read_bytes(), path


def test_a_log_that_lost_its_beginning_is_refused_until_the_gap_is_accepted(
    log: Log, apache_kafka: str, make_settings: Callable[..., Settings]
) -> None:
    """The gap is in the archive's status ever after."""
    accepted, brought = history(1000, seed=15)
    half = len(brought) // 2
    log.send(brought[:half])
    assert log.run("--once").returncode == 0
    known = progress(log.url)
    log.send(brought[half:])
    admin = KafkaAdminClient(bootstrap_servers=apache_kafka)
    admin.delete_records({TopicPartition(log.topic, 2): known[2] + 7})
    admin.close()
    refused = log.run("--once")
    assert refused.returncode == 1
    assert "deleted 7 records" in refused.stderr
    assert "--accept-gap" in refused.stderr
    assert progress(log.url) == known
    done = log.run("--once", "--json", "--accept-gap")

    assert done.returncode == 0, done.stderr
    (gap,) = json.loads(log.run("status", "--json").stdout)["gaps"]
    assert (gap["partition"], gap["from"], gap["to"]) == (2, known[2], known[2] + 7)
    found = list(events_of(log.url, None))
    assert 0 <= len(accepted) - len(found) <= 7


def test_metrics_are_served(log: Log) -> None:
    accepted, brought = history(500, seed=16)
    log.send(brought)
    port = free_port()
    log.start(RAPPORT_METRICS_PORT=str(port))
    until(lambda: sum(file.rows for file in files(log.url)) == len(accepted), "all to be archived")
    time.sleep(1)
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text

    assert f'rapport_archive_events_total{{outcome="written"}} {float(len(accepted))}' in text
    assert f'rapport_archive_events_total{{outcome="repeat"}} {float(len(brought) - len(accepted))}' in text
    assert "rapport_archive_lag_records 0.0" in text


def test_what_workers_accept_is_archived(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """From a source topic through ingest into the archive, a repeat and an unacceptable event among them."""
    with running(make_settings(plan=PLAN, archive=str(tmp_path / "archive")), tmp_path) as rapport:
        sent: list[Any] = [order(f"user-{n % 7}", n, "2026-05-04T10:00:00Z", 12.5) for n in range(100)]
        rapport.send("purchase", [*sent, sent[5], b"not JSON"])
        env = {**os.environ, **environment(rapport.settings), "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-P", "-m", "console", "archive", "--once", "--json"]
        written = 0
        deadline = time.monotonic() + 120
        while written < len(sent) and time.monotonic() < deadline:
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            written += json.loads(done.stdout)["written"]
    found = list(events_of(str(tmp_path / "archive"), None))

    assert sorted(event.id for event in found) == sorted(event["messageId"] for event in sent)
    assert {(event.role, event.amount, event.currency) for event in found} == {("purchase", 1250, "EUR")}
    assert all(event.origin[0] == topic_name(rapport.settings, "events.purchase") for event in found)


def test_profiles_by_day_are_written_beside_the_events_and_once(log: Log) -> None:
    """By the archiver itself, however often it is killed, and by the command; of today nothing."""
    topic = topic_name(log.settings, PROFILE_CHANGES)
    admin = KafkaAdminClient(bootstrap_servers=log.settings.kafka)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs={"cleanup.policy": "compact"})])
    admin.close()
    now, day = time.time(), 86_400
    for back in (9, 2, 1, 0):
        for number, home in enumerate(HOMES):
            if number % (back + 1) == 0:
                document = encode_profile(Profile(home, created=now, updated=now, stage=f"back {back}"))
                log._producer.send(
                    topic, document, home.encode(), partition=number % PARTITIONS,
                    timestamp_ms=int((now - back * day) * 1000),
                )  # fmt: skip
    log._producer.flush()
    for pause in (0.5, 1.5):
        archiver = log.start()
        time.sleep(pause)
        archiver.kill()
        archiver.wait()
    log.start()
    until(lambda: sum(file.table == "profiles" for file in files(log.url)) >= 3, "profiles")
    done = log.run("profiles", "--json")

    assert (done.returncode, json.loads(done.stdout)["days"]) == (0, 0), done.stderr
    with duckdb.connect() as con:
        events(con, log.url)
        found = con.sql("SELECT stage, count(*) FROM profiles WHERE until IS NULL GROUP BY 1 ORDER BY 1").fetchall()
    newest = ["back 1" if n % 2 == 0 else "back 2" if n % 3 == 0 else "back 9" for n in range(len(HOMES))]
    newest = [stage for n, stage in enumerate(newest) if stage != "back 9" or n % 10 == 0]
    assert found == sorted((stage, newest.count(stage)) for stage in set(newest))
    assert log.archivers[-1].poll() is None
