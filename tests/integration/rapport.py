"""A real Rapport for tests: workers as processes, on real Kafka and Redis, fed straight through the source topics."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pydantic import SecretStr

from models.conditions.rules import AlertRule
from models.conditions.tree import segments_of
from models.segments.membership import compile_segments
from plan import Plan, load_plan
from profiles.clock import Load
from profiles.store import Reader
from profiles.stores import open_stores
from profiles.stores.keys import Keys
from profiles.stores.redis import connect
from profiles.types import Alert, Profile
from streams.history.registration import Registration
from streams.kafka.admin import ensure_topics
from streams.kafka.topics import topic_name
from streams.records.loads import LOAD
from streams.settings import Settings
from tests import REPOSITORY
from tests.plans import believing

Answer = TypeVar("Answer")

_directory = tempfile.TemporaryDirectory(prefix="rapport-plan-")  # until this process ends
SHIPPED = REPOSITORY / "tracking_plan.yaml"
PLAN = believing(Path(_directory.name))
"""The plan as it ships, but for whose keys are public: here any source may say who is who."""
PATIENCE = 180.0
"""Seconds after which what is waited for will not come: many times what it takes, because machines may be busy."""
RANKED = compile_segments((_plan := load_plan(PLAN)).segments, _plan.currency).ranked
"""The segments of our plan that rank customers: who is in them depends on when the last census was."""


def unranked(profile: Profile) -> set[str]:
    """The segments that a customer's own profile decides."""
    return profile.segments.keys() - RANKED


def unranked_alerts(profile: Profile) -> dict[str, Alert]:
    """The alerts that a customer's own profile decides."""
    return {
        rule.name: profile.alerts[rule.name]
        for rule in _plan.alerts
        if rule.name in profile.alerts and not _ranks(rule)
    }


def _ranks(rule: AlertRule) -> bool:
    asked = segments_of(rule.when) if rule.when else []
    return not RANKED.isdisjoint([*asked, rule.segment])


class Rapport:
    """Workers of one installation, and what a test needs to feed and read them."""

    def __init__(self, settings: Settings, log_dir: Path) -> None:
        self.settings = settings.model_copy(update={"plan": PLAN} if not settings.plan.is_absolute() else {})
        self.plan: Plan = load_plan(self.settings.plan)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._logs = log_dir
        ensure_topics(self.settings, self.plan)
        self._producer = KafkaProducer(
            bootstrap_servers=settings.kafka, acks="all", enable_idempotence=False, linger_ms=20,
            max_in_flight_requests_per_connection=1,  # else what is tried again comes behind what was sent after it
        )  # fmt: skip

    def start(self, count: int = 1, only: str = "") -> None:
        """Start workers, or only a part of each."""
        for _ in range(count):
            log = (self._logs / f"worker-{len(self.workers)}.log").open("wb")
            with log:
                self.workers.append(
                    subprocess.Popen(
                        [sys.executable, "-P", "-m", "console", "work", *(["--only", only] if only else [])],
                        env={**os.environ, **environment(self.settings), "PYTHONPATH": str(REPOSITORY)},
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )

    def kill(self, worker: int) -> None:
        """SIGKILL."""
        self.workers[worker].kill()
        self.workers[worker].wait()

    def stop_workers(self) -> None:
        """SIGTERM to all; whoever has not left within twenty seconds, ten of them for a busy machine, is told about."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        late = 0
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
                late += 1
        assert not late, f"{late} workers did not stop within twenty seconds\n{self.logs()}"

    def stop(self) -> None:
        """Stop everything."""
        self._producer.close()
        self.stop_workers()

    def log_of(self, worker: int) -> list[str]:
        """The lines of one worker's log."""
        return (self._logs / f"worker-{worker}.log").read_text(errors="replace").splitlines()

    def documents(self) -> dict[str, bytes]:
        """Every profile's document, as the store holds it."""

        async def read() -> dict[str, bytes]:
            client = connect(self.settings.redis.get_secret_value())
            found: dict[str, bytes] = {}
            for partition in range(self.settings.partitions):
                held = await client.hgetall(Keys.of(partition).profiles)
                found |= {id_.decode(): document for id_, document in held.items()}
            await client.aclose()
            return found

        return asyncio.run(read())

    def logs(self) -> str:
        """The last lines of every worker's log."""
        parts = []
        for path in sorted(self._logs.glob("worker-*.log")):
            parts.append(f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-40:]))
        return "\n".join(parts)

    def send(self, source: str, events: Iterable[dict[str, Any] | bytes], load: str = "") -> int:
        """Put raw events on a source's topic, as any producer may, or as a load of history does; answers how many.
        Returns when Kafka has them.
        """
        topic = topic_name(self.settings, self.plan.sources[source].topic)
        futures = []
        for event in events:
            value = event if isinstance(event, bytes) else json.dumps(event).encode()
            key = b"" if isinstance(event, bytes) else str(event.get("userId") or event.get("anonymousId")).encode()
            futures.append(self._producer.send(topic, value, key, headers=[(LOAD, load.encode())] if load else []))
        self._producer.flush()
        for future in futures:
            future.get(30)
        return len(futures)

    def load(self, name: str, since: float, send: Callable[[], object], *, step: float = 0.0) -> None:
        """Send events of the past and wait until all has been gone through; the clock waits for the last of them.

        Args:
            name: of the load.
            since: time of the first event, seconds.
            send: sends them, in any order.
            step: seconds from gate to gate; 0: as the clock sees fit.
        """

        async def run() -> None:
            stores = open_stores(self.settings.redis.get_secret_value(), self.plan.namespace, self.settings.partitions)
            load = Load(id=name, name=name, since=since, until=time.time(), sent=since - 1, step=step)
            try:
                async with Registration(stores.clock, load) as registration:
                    await asyncio.to_thread(send)
                    await registration.finish(0)
            finally:
                await stores.close()

        asyncio.run(run())
        self.until_live(240)

    def read(self, question: Callable[[Reader], Awaitable[Answer]]) -> Answer:
        """Ask the store."""

        async def ask() -> Answer:
            url, partitions = self.settings.redis.get_secret_value(), self.settings.partitions
            reader = open_stores(url, self.plan.namespace, partitions).reader
            try:
                return await question(reader)
            finally:
                await reader.close()

        return asyncio.run(ask())

    def until(self, question: Callable[[Reader], Awaitable[bool]], what: str, timeout: float = PATIENCE) -> None:
        """Wait until the store says yes; fails with the workers' logs."""
        deadline = time.monotonic() + timeout
        while not self.read(question):
            dead = [worker.pid for worker in self.workers if worker.poll() not in (None, 0, -signal.SIGKILL)]
            assert not dead, f"a worker has ended by itself while waiting for {what}\n{self.logs()}"
            assert time.monotonic() < deadline, f"still waiting for {what}\n{self.logs()}"
            time.sleep(0.25)

    def until_live(self, timeout: float = PATIENCE) -> None:
        """Wait until the clock is live: what was sent of the past has been gone through in steps, and looked at."""

        async def live(_: Reader) -> bool:
            stores = open_stores(self.settings.redis.get_secret_value(), self.plan.namespace, self.settings.partitions)
            try:
                return (await stores.clock.state()).phase == "live"
            finally:
                await stores.close()

        self.until(live, "the clock to be live", timeout)

    def topic(self, base: str) -> list[Any]:
        """Every record of a topic, from its beginning."""
        name = topic_name(self.settings, base)
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka, enable_auto_commit=False)
        try:
            partitions = _partitions(consumer, name)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            records: list[Any] = []
            quiet = 0
            while quiet < 3:
                fetched = [record for part in consumer.poll(500).values() for record in part]
                records += fetched
                quiet = 0 if fetched else quiet + 1
            return records
        finally:
            consumer.close()


def _partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Those of a topic, once the broker tells of it: one that was made a moment ago is not known yet."""
    until = time.monotonic() + PATIENCE
    while not (numbers := consumer.partitions_for_topic(topic)):
        assert time.monotonic() < until, f"there is no topic {topic}"
        time.sleep(0.1)
    return [TopicPartition(topic, number) for number in numbers]


@contextlib.contextmanager
def running(settings: Settings, log_dir: Path, workers: int = 1) -> Iterator[Rapport]:
    """A Rapport with workers, stopped at the end."""
    rapport = Rapport(settings, log_dir)
    rapport.start(workers)
    try:
        yield rapport
    finally:
        rapport.stop()


def environment(settings: Settings) -> dict[str, str]:
    """Settings as environment variables."""
    values = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            values[f"RAPPORT_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return values


def recently(number: int = 0, of: int = 1) -> str:
    """A time of the last minutes, later for a later number: a new installation is live at once, not in steps."""
    return (datetime.now(UTC) - timedelta(minutes=20) + timedelta(minutes=18) * (number / of)).isoformat()


def order(user: str, number: int, time: str, revenue: float = 10.0, **more: Any) -> dict[str, Any]:
    """An `Order Completed` as an SDK would send it."""
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": user,
        "messageId": f"{user}-{number}",
        "timestamp": time,
        "properties": {"order_id": f"{user}-{number}", "revenue": revenue, "currency": "EUR", "quantity": 1},
        **more,
    }


def totals(rapport: Rapport, users: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Orders and revenue in minor units of each user's profile."""

    async def ask(reader: Reader) -> dict[str, tuple[int, int]]:
        answer = {}
        for user in users:
            profile = await reader.profile(await reader.resolve(("user_id", user)))
            bought = profile.purchases if profile else None
            answer[user] = (bought.orders, sum(bought.revenue.values())) if bought else (0, 0)
        return answer

    return rapport.read(ask)
