"""What surrounds Rapport goes wrong: it refuses what would lose data, waits out the rest, says what to do, goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from kafka.admin import KafkaAdminClient
from typer.testing import CliRunner, Result

from console.commands.doctor import Finding, examine
from console.commands.main import create_cli
from console.local.embedded import Broker, Redis
from console.local.process import Process, Reaper, free_port
from console.local.resp import ask_redis
from plan import load_plan
from profiles.clock import ClockState, ClockStore, Load
from profiles.errors import WrongUse
from profiles.stores.clock import with_clock
from profiles.stores.setup import inspect_redis
from streams.kafka.admin import ensure_topics
from streams.settings import Settings
from tests.integration.rapport import PLAN, REPOSITORY, Rapport, environment, order, recently, running, totals
from tests.servers import ApacheKafka, KafkaServer, RedisServer
from tests.servers.apache import why_no_kafka

DAY = 86_400.0
USERS = [f"user-{n}" for n in range(20)]

MakeSettings = Callable[..., Settings]


def orders(first: int, last: int) -> list[dict[str, Any]]:
    return [order(USERS[n % len(USERS)], n, recently(n, 4000)) for n in range(first, last)]


def applied(rapport: Rapport) -> int:
    """Orders that the profiles have counted."""
    return sum(number for number, _ in totals(rapport, USERS).values())


def until_applied(rapport: Rapport, count: int, timeout: float = 180.0) -> None:
    """Wait until this many orders are in the profiles; fails at more."""
    wait_until(lambda: applied(rapport) >= count, f"{count} orders", rapport.logs, timeout)
    assert applied(rapport) == count


def until_said(rapport: Rapport, words: str) -> None:
    """Wait until a worker has logged this."""
    wait_until(lambda: words in rapport.logs(), f"a worker to say: {words}", rapport.logs)


def wait_until(there: Callable[[], bool], what: str, log: Callable[[], str], timeout: float = 120.0) -> None:
    """Wait until something is so; fails with the log."""
    deadline = time.monotonic() + timeout
    while not there():
        assert time.monotonic() < deadline, f"still waiting for {what}\n{log()}"
        time.sleep(0.2)


def work_once(settings: Settings, timeout: float = 120.0) -> tuple[int | None, str]:
    """Start a worker that is expected to end by itself; its status (None: it went on) and what it printed."""
    command = [sys.executable, "-P", "-m", "console", "work"]
    env = {**environment(settings), "PYTHONPATH": str(REPOSITORY), "PATH": ""}
    worker = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, _ = worker.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        worker.kill()
        return None, worker.communicate()[0]
    return worker.returncode, out


def rapport_command(settings: Settings, *arguments: str, **more: Any) -> Result:
    return CliRunner().invoke(create_cli(), list(arguments), env={**environment(settings), "COLUMNS": "400"}, **more)


def finding(settings: Settings, what: str) -> Finding:
    return next(found for found in examine(settings) if found.what == what)


# What is refused or warned about when a worker starts


def test_a_redis_that_evicts_is_refused(make_settings: MakeSettings, own_redis: RedisServer, tmp_path: Path) -> None:
    """With a limit and a policy other than noeviction: the worker does not start, and says what to set."""
    ask_redis(own_redis.url, ["CONFIG", "SET", "maxmemory", "100mb"])
    settings = make_settings(plan=PLAN, redis=own_redis.url)
    assert finding(settings, "Redis").verdict == "ok"
    ask_redis(own_redis.url, ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])
    status, printed = work_once(settings)

    assert status not in (0, None), printed
    assert "maxmemory-policy of Redis is allkeys-lru" in printed
    assert "CONFIG SET maxmemory-policy noeviction" in printed
    assert ("error", "maxmemory-policy of Redis is allkeys-lru") in redis_problems_of(settings)


def test_a_redis_that_keeps_no_file_is_warned_about_or_refused(
    make_settings: MakeSettings, own_redis: RedisServer, tmp_path: Path
) -> None:
    """A worker starts and warns; with RAPPORT_REQUIRE_AOF it does not start. A Redis with the file has no warning."""
    settings = make_settings(plan=PLAN, redis=own_redis.url)
    assert redis_problems_of(settings) == []
    ask_redis(own_redis.url, ["CONFIG", "SET", "appendonly", "no"])
    with running(settings, tmp_path) as rapport:
        until_said(rapport, "the append-only file of Redis is off: a restart of it loses every profile")
        until_said(rapport, "partitions, ")

    status, printed = work_once(make_settings(plan=PLAN, redis=own_redis.url, require_aof=True))
    assert status not in (0, None), printed
    assert "CONFIG SET appendonly yes" in printed
    assert "RAPPORT_REQUIRE_AOF is set" in printed


def test_a_redis_of_somebody_else_that_does_not_tell_is_warned_about(
    make_settings: MakeSettings, own_redis: RedisServer
) -> None:
    """Managed services forbid CONFIG, or INFO: what cannot be seen is said, and is no reason not to start."""
    ask_redis(own_redis.url, ["ACL", "SETUSER", "half", "on", ">pw", "~*", "&*", "+@all", "-config"])
    ask_redis(own_redis.url, ["ACL", "SETUSER", "none", "on", ">pw", "~*", "&*", "+@all", "-config", "-info"])
    ask_redis(own_redis.url, ["CONFIG", "SET", "appendonly", "no"])
    host = own_redis.url.rpartition("@")[2]

    [(verdict, message)] = redis_problems_of(make_settings(plan=PLAN, redis=f"redis://half:pw@{host}"))
    assert (verdict, message) == ("warning", "the append-only file of Redis is off")
    settings = make_settings(plan=PLAN, redis=f"redis://none:pw@{host}")
    [(verdict, message)] = redis_problems_of(settings)
    assert (verdict, message) == ("warning", "Redis does not let us look at its settings (INFO is forbidden)")
    assert finding(settings, "Redis").message == "version unknown; no TLS, as user none"


def test_a_clock_that_stands_and_what_came_late_are_told(make_settings: MakeSettings) -> None:
    """Why it stands, which load has stopped, how many came late, and what to do about each."""
    settings, day = make_settings(plan=PLAN), 86400.0
    assert finding(settings, "watermark") == Finding("watermark", "ok", "no event has come yet")

    async def write(clocks: ClockStore) -> None:
        now = time.time()
        why = "load one (x.csv) has sent its events up to 2026-05-01T00:00:00.000000Z"
        await clocks.commit(
            ClockState(
                phase="filling", watermark=now - 9 * day, gate=now - 8 * day, moved=now - 300, by="w1", waits_for=why
            )
        )
        await clocks.write_load(
            Load(id="one", name="x.csv", since=1, until=now, sent=now, events=9, done=3, seen=now - 300)
        )
        await clocks.note_late("web", [now - 50 * day], now)

    asyncio.run(with_clock(settings.redis.get_secret_value(), write))
    stands, stopped, late = (finding(settings, what) for what in ("watermark", "load one", "late events of web"))
    assert (stands.verdict, stopped.verdict, late.verdict) == ("warning",) * 3
    assert "filling: everybody was looked at up to" in stands.message
    assert "9 d behind. It stands still since" in stands.message
    assert "when w1 moved it: load one (x.csv) has sent" in stands.message
    assert "3 of 9 events sent" in stopped.message
    assert "it stopped 5 min ago, and the clock still waits for it. `rapport load` with the same" in stopped.message
    assert "1 came behind the watermark" in late.message
    assert "`rapport rebuild --from archive`" in late.message


def test_the_redis_of_up_is_not_complained_about(tmp_path: Path, reaper: Reaper) -> None:
    """Neither the one that keeps its data nor the one that begins empty, which `rapport up` says itself."""
    for keep in (True, False):
        server = Redis(tmp_path, keep=keep, reaper=reaper, name=f"redis-{keep}")
        server.start()
        server.ready(10)
        try:
            assert asyncio.run(inspect_redis(server.url)).problems == []
        finally:
            server.stop()


def redis_problems_of(settings: Settings) -> list[tuple[str, str]]:
    """What the doctor says is wrong with Redis: verdict, and the message up to its first colon."""
    facts = asyncio.run(inspect_redis(settings.redis.get_secret_value(), require_aof=settings.require_aof))
    return [(verdict, message.split(":")[0]) for verdict, message in facts.problems]


# Kafka was replaced or restored


def test_a_kafka_that_was_replaced_is_refused_until_it_is_adopted(
    make_settings: MakeSettings, apache_kafka: str, tmp_path: Path
) -> None:
    """Topics that were made anew start at offset 0 again: without the check, new events would count as known ones."""
    settings = make_settings(plan=PLAN)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(0, 60))
        until_applied(rapport, 60)
        alive = rapport_command(settings, "adopt-kafka", "--from", "beginning", "--yes")
        assert "workers are running" in alive.stderr
    assert finding(settings, "Kafka and Redis").verdict == "ok"
    replace_topics(settings)
    status, printed = work_once(settings)

    assert status not in (0, None), printed
    assert "this Kafka is not the one that this Redis has read: another topic" in printed
    assert "run `rapport adopt-kafka`" in printed
    assert finding(settings, "Kafka and Redis").verdict == "error"

    forget_workers(settings)
    assert "say where reading begins" in rapport_command(settings, "adopt-kafka", "--yes").stderr
    refused = rapport_command(settings, "adopt-kafka", "--from", "beginning", input="n\n")
    assert refused.exit_code == 1
    assert finding(settings, "Kafka and Redis").verdict == "error"
    adopted = rapport_command(settings, "adopt-kafka", "--from", "beginning", "--yes")
    assert adopted.exit_code == 0, adopted.output
    assert "Done. Start the workers." in adopted.output
    assert "nothing to do" in rapport_command(settings, "adopt-kafka").output
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(60, 100))
        until_applied(rapport, 100)


def test_a_kafka_that_was_restored_older_is_read_on_from_its_end(
    make_settings: MakeSettings, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    """Same ids, fewer records: what profiles have counted stays counted, and what comes then is counted once."""
    if not isinstance(own_kafka, ApacheKafka):
        pytest.skip("the embedded broker keeps nothing that could be restored")
    settings = make_settings(plan=PLAN, kafka=own_kafka.bootstrap, partitions=2)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(0, 40))
        until_applied(rapport, 40)
        rapport.stop_workers()
    own_kafka.stop()
    data, backup = own_kafka.data, tmp_path / "backup"
    shutil.copytree(data, backup)
    start_again(own_kafka)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(40, 80))
        until_applied(rapport, 80)
    own_kafka.stop()
    shutil.rmtree(data)
    backup.rename(data)
    start_again(own_kafka)
    status, printed = work_once(settings)

    assert status not in (0, None), printed
    assert "this Kafka knows less than this Redis has read of it" in printed
    assert "profile.events/0 ends at offset" in printed
    assert "run `rapport adopt-kafka`" in printed
    forget_workers(settings)
    assert rapport_command(settings, "adopt-kafka", "--yes").exit_code == 0
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(80, 120))
        until_applied(rapport, 120)


def test_the_embedded_broker_gives_no_false_alarm(
    make_settings: MakeSettings, own_redis: RedisServer, tmp_path: Path, reaper: Reaper
) -> None:
    """Its ends are too low, which must not look like a loss; when it begins anew beside an old Redis, that shows."""
    broker = Broker(tmp_path, reaper=reaper)
    broker.start()
    broker.ready(30)
    try:
        settings = make_settings(plan=PLAN, kafka=broker.bootstrap, redis=own_redis.url, partitions=2)
        for first in (0, 30):
            with running(settings, tmp_path) as rapport:
                rapport.send("purchase", orders(first, first + 30))
                until_applied(rapport, first + 30)
        assert finding(settings, "Kafka and Redis").verdict == "ok"
        broker.kill()
        broker.start()
        broker.ready(30)
        status, printed = work_once(settings)
        assert status not in (0, None), printed
        assert "this Kafka is not the one that this Redis has read: another topic" in printed
    finally:
        broker.stop()


def replace_topics(settings: Settings) -> None:
    """Delete all topics, as a new Kafka would not have them; the worker makes them anew."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    try:
        mine = [name for name in admin.list_topics() if name.startswith(settings.topic_prefix)]
        admin.delete_topics(mine)
        deadline = time.monotonic() + 120
        while set(admin.list_topics()) & set(mine):
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        admin.close()


def forget_workers(settings: Settings) -> None:
    """As if the workers that were stopped had been gone for a while."""
    ask_redis(settings.redis.get_secret_value(), ["DEL", "rapport:workers"])


def start_again(server: KafkaServer) -> None:
    server.start()
    server.ready(60)


# Redis and Kafka go away, hang or are full while events flow


def test_a_redis_that_restarts_hangs_or_is_full_is_waited_out(
    make_settings: MakeSettings, own_redis: RedisServer, tmp_path: Path
) -> None:
    """SIGKILL and a restart, fifteen seconds without an answer, no memory left: the worker waits, says why, goes on."""
    with running(make_settings(plan=PLAN, redis=own_redis.url, partitions=2), tmp_path) as rapport:
        rapport.send("purchase", orders(0, 500))
        until_applied(rapport, 500)

        own_redis.kill()
        rapport.send("purchase", orders(500, 1000))
        until_said(rapport, "Redis does not answer: bring it back")
        assert "nothing is acknowledged meanwhile" in rapport.logs()
        start_again(own_redis)
        until_applied(rapport, 1000)

        own_redis.pause()
        rapport.send("purchase", orders(1000, 1500))
        time.sleep(15)
        own_redis.resume()
        until_applied(rapport, 1500)

        ask_redis(own_redis.url, ["CONFIG", "SET", "maxmemory", "1mb"])
        rapport.send("purchase", orders(1500, 2000))
        until_said(rapport, "Redis is full (maxmemory): give it more memory")
        assert applied(rapport) == 1500
        ask_redis(own_redis.url, ["CONFIG", "SET", "maxmemory", "0"])
        until_applied(rapport, 2000)
        assert [worker.poll() for worker in rapport.workers] == [None]


def test_a_broker_that_restarts_is_waited_out(
    make_settings: MakeSettings, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    """SIGKILL in the middle of the events, then a restart: nothing is lost or doubled, and the same worker goes on."""
    if not isinstance(own_kafka, ApacheKafka):
        pytest.skip("the embedded broker is in memory")
    settings = make_settings(plan=PLAN, kafka=own_kafka.bootstrap, partitions=2, batch=50)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(0, 3000))
        wait_until(lambda: applied(rapport) >= 100, "the first orders", rapport.logs)
        own_kafka.kill()
        time.sleep(3)
        start_again(own_kafka)
        rapport.send("purchase", orders(3000, 3300))
        until_applied(rapport, 3300)
        assert [worker.poll() for worker in rapport.workers] == [None]


def test_a_worker_leaves_in_time_though_kafka_does_not_answer(
    make_settings: MakeSettings, own_kafka: KafkaServer, tmp_path: Path
) -> None:
    """SIGTERM while the broker hangs: the worker is gone before anybody kills it, and its successor counts on."""
    if not isinstance(own_kafka, ApacheKafka):
        pytest.skip("the embedded broker is in memory")
    settings = make_settings(plan=PLAN, kafka=own_kafka.bootstrap, partitions=2, batch=50)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(0, 1000))
        wait_until(lambda: applied(rapport) >= 100, "the first orders", rapport.logs)
        own_kafka.pause()
        try:
            time.sleep(2)
            rapport.stop_workers()
        finally:
            own_kafka.resume()
        assert rapport.workers[0].returncode == 0
        assert "leaving; what is not acknowledged is read again" in rapport.logs()
        rapport.start()
        until_applied(rapport, 1000)


def test_a_broker_whose_disk_is_full_loses_nothing_it_accepted(
    make_settings: MakeSettings, tmp_path: Path, reaper: Reaper
) -> None:
    """Collectors answer 503 and workers wait; with room and the broker started again, all goes on by itself."""
    if why := why_no_kafka():
        pytest.skip(why)
    with small_disk(tmp_path / "disk", "64m") as disk:
        kafka = ApacheKafka(tmp_path, reaper=reaper, disk=disk)
        try:
            start_again(kafka)
            settings = make_settings(plan=PLAN, kafka=kafka.bootstrap, partitions=1)
            with running(settings, tmp_path) as rapport, collector_of(settings, tmp_path, reaper) as send:
                accepted = [number for number in range(20) if send(number) == 200]
                assert len(accepted) == 20
                until_applied(rapport, 20)
                ballast = disk / "ballast"
                fill(ballast)
                answers = []
                deadline = time.monotonic() + 120
                while 503 not in answers and time.monotonic() < deadline:
                    answers.append(send(20 + len(answers)))
                assert answers[-1] == 503, answers
                assert set(answers) <= {200, 503}
                ballast.unlink()
                kafka.stop()
                start_again(kafka)
                # The sender keeps what was not accepted and sends it again, as SDKs do, until it is.
                for number, answer in enumerate(answers, 20):
                    if answer != 200:
                        wait_until(partial(accepts, send, number), f"order {number} to be accepted", rapport.logs)
                until_applied(rapport, 20 + len(answers))
                assert [worker.poll() for worker in rapport.workers] == [None]
        finally:
            kafka.kill()


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of this size; the test is skipped where we may not mount one."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))


def accepts(send: Callable[[int], int], number: int) -> bool:
    return send(number) == 200


@contextlib.contextmanager
def collector_of(settings: Settings, log_dir: Path, reaper: Reaper) -> Iterator[Callable[[int], int]]:
    """A collector; answers a function that sends one order and answers the status."""
    settings = settings.model_copy(update={"port": free_port()})
    env = {**os.environ, **environment(settings), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-P", "-m", "console", "collect"]
    collector = Process("collector", command, log_dir / "collector.log", env=env, reaper=reaper)
    collector.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=60, trust_env=False) as client:
            wait_until(lambda: ready(client), "the collector", collector.tail)

            began = recently()

            def send(number: int) -> int:
                event = order(USERS[number % len(USERS)], number, began)
                return client.post("/v1/track", json=event, auth=("dev-purchase-key", "")).status_code

            yield send
    finally:
        collector.stop()


def ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return client.get("/ready").status_code == 200
    return False


# The wall clock jumps


def test_a_clock_that_jumps_by_a_day_fires_no_timers(
    make_settings: MakeSettings, own_redis: RedisServer, tmp_path: Path
) -> None:
    """A day ahead, a day back: timers wait, the worker says so, nothing spins; when it is right again, all goes on."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("needs libfaketime (apt install faketime)")
    clock = tmp_path / "clock"
    set_clock(clock, "+0")
    env = {
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    settings = make_settings(plan=PLAN, redis=own_redis.url, partitions=1)
    rapport = Rapport(settings, tmp_path)
    with with_environment(env):
        rapport.start()
    try:
        four_weeks = 28 * DAY  # gone through at once: who fakes the clock makes every look at it dear
        rapport.load(
            "lately", time.time() - four_weeks, lambda: rapport.send("purchase", lately(0, 100)), step=four_weeks
        )
        until_applied(rapport, 100)
        time.sleep(8)  # timers may fire from now on
        quiet = version(own_redis.url)
        time.sleep(3)
        assert version(own_redis.url) <= quiet + 2
        assert due_within(own_redis.url, DAY) > 0  # else a jump would fire nothing anyway

        set_clock(clock, f"+{int(DAY)}")
        until_said(rapport, "s ahead of Redis's: timers wait until they agree")
        sees_that_nothing_fires(rapport)
        rapport.send("purchase", lately(100, 150))
        until_said(rapport, "Kafka does not take the time of this machine, which is ahead of its own: set the clocks")
        set_clock(clock, "+0")
        until_said(rapport, "agrees with Redis's again; timers go on")
        until_applied(rapport, 150)

        set_clock(clock, f"-{int(DAY)}")
        until_said(rapport, "s behind Redis's: timers wait until they agree")
        sees_that_nothing_fires(rapport)
        rapport.send("purchase", lately(150, 200))
        until_applied(rapport, 200)
        set_clock(clock, "+0")
        wait_until(lambda: rapport.logs().count("timers go on") == 2, "the clocks to agree again", rapport.logs)
        rapport.send("purchase", lately(200, 220))
        until_applied(rapport, 220)
        wait_until(lambda: due_within(own_redis.url, 0) == 0, "no timer to be overdue", rapport.logs)
        assert [worker.poll() for worker in rapport.workers] == [None]
    finally:
        rapport.stop()


def sees_that_nothing_fires(rapport: Rapport) -> None:
    """Timers would be due by the clock that has jumped; no commit comes, and the worker is idle."""
    url = rapport.settings.redis.get_secret_value()
    time.sleep(1.5)  # a commit that was under way
    assert due_within(url, DAY) > 0
    before = version(url)
    time.sleep(4)
    assert version(url) == before, "a timer fired on a clock that is wrong"
    wait_until(lambda: rests(rapport), "the worker to rest; something spins", rapport.logs, 30)


def rests(rapport: Rapport) -> bool:
    """Whether the worker does next to nothing for two seconds; it may still be loading the models."""
    used = cpu_of(rapport)
    time.sleep(2)
    return cpu_of(rapport) - used < 1


def lately(first: int, last: int) -> list[dict[str, Any]]:
    """Orders of nearly four weeks ago: in half a day, silence alone moves their customers into `lapsing`."""
    at = datetime.now(UTC) - timedelta(days=27.5)
    return [order(USERS[n % len(USERS)], n, (at - timedelta(minutes=n)).isoformat()) for n in range(first, last)]


def set_clock(file: Path, offset: str) -> None:
    """What libfaketime adds to the time; replaced as a whole, for it is read at every look at the clock."""
    new = file.with_suffix(".new")
    new.write_text(offset)
    new.replace(file)


@contextlib.contextmanager
def with_environment(values: dict[str, str]) -> Iterator[None]:
    """Variables for what is started inside."""
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


def version(url: str) -> int:
    """Commits of the one partition so far."""
    return int(str(ask_redis(url, ["HGET", "{p000}:meta", "version"])[0]))


def due_within(url: str, seconds: float) -> int:
    """Timers that fire within this time from now."""
    return int(str(ask_redis(url, ["ZCOUNT", "{p000}:timers", "-inf", str(time.time() + seconds)])[0]))


def cpu_of(rapport: Rapport) -> float:
    """Seconds of CPU that the worker has used."""
    used = psutil.Process(rapport.workers[0].pid).cpu_times()
    return float(used.user + used.system)


def test_more_copies_than_brokers_are_refused_by_name(make_settings: MakeSettings, apache_kafka: str) -> None:
    settings = make_settings(plan=PLAN, replication=3)
    with pytest.raises(WrongUse, match=r"RAPPORT_REPLICATION=3 cannot be used; allowed: from 1 up to .* 1$"):
        ensure_topics(settings, load_plan(settings.plan))
