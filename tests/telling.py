"""What tests and benchmarks of delivery share: customers in a store, alerts on their topic, `rapport deliver`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson
import yaml

from models.segments.alert_document import alert_document
from plan import load_plan
from profiles.store import Changes
from profiles.stores import open_stores
from profiles.stores.setup import check_setup
from profiles.times import rfc3339
from profiles.types import Alert, Profile, partition_of
from streams.kafka.admin import ensure_topics
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer, Row
from streams.kafka.topics import ALERTS, topic_name
from streams.settings import Settings
from streams.sinks.desk import DeliveryDesk
from tests import REPOSITORY
from tests.plans import BASE

__all__ = ["SECRET", "Telling", "plan_with"]

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"""Of every webhook here."""


def plan_with(sinks: Mapping[str, Any], routes: Sequence[Mapping[str, Any]]) -> str:
    """The small plan with these sinks and routes."""
    told = yaml.safe_dump({"sinks": dict(sinks), "routes": [dict(route) for route in routes]}, sort_keys=False)
    return BASE.replace("alerts:\n", f"{told}alerts:\n", 1)


class Telling:
    """One installation whose alerts are made by hand.

    Args:
        settings: where Kafka and Redis are.
        directory: for the plan.
        urls: of the sinks, by name; all are webhooks.
        sinks: what the plan says of them besides.
        routes: of the plan; all alerts to all sinks unless given.
    """

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        urls: Mapping[str, str],
        *,
        sinks: Mapping[str, Mapping[str, Any]] = {},
        routes: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        file = directory / "plan.yaml"
        specs = {name: {"type": "webhook", **sinks.get(name, {})} for name in urls}
        file.write_text(plan_with(specs, routes or [{"owner": "CRM", "sinks": list(urls)}]))
        self.settings = settings.model_copy(update={"plan": file})
        self._know(urls)

    @classmethod
    def of(cls, settings: Settings, urls: Mapping[str, str]) -> Telling:
        """One whose plan is there, with these sinks."""
        made = cls.__new__(cls)
        made.settings = settings
        made._know(urls)
        return made

    def _know(self, urls: Mapping[str, str]) -> None:
        self.plan = load_plan(self.settings.plan, {})
        self.environ = {}
        for name, url in urls.items():
            self.environ[f"RAPPORT_SINK_{name.upper()}_URL"] = url
            self.environ[f"RAPPORT_SINK_{name.upper()}_SECRET"] = SECRET
            self.environ[f"RAPPORT_SINK_{name.upper()}_ALLOW_PRIVATE"] = "127.0.0.0/8"
        self.profiles: list[Profile] = []
        self.alerts: dict[str, Alert] = {}  # by profile

    async def begin(self, customers: int) -> None:
        """Topics, and customers in the store."""
        await asyncio.to_thread(ensure_topics, self.settings, self.plan)
        now = time.time()
        self.profiles = [
            Profile(
                f"{number:022d}",
                created=now,
                traits={"firstName": ("Daan", now, b""), "lastName": (f"Weber {number}", now, b"")},
                identities={"user_id": {str(number): now}},
            )
            for number in range(customers)
        ]
        await self.store()

    async def store(self, left: Sequence[tuple[str, str]] = (), removed: Sequence[str] = ()) -> None:
        """Write the customers as they are, and who left which segment or is there no more."""
        settings, plan = self.settings, self.plan
        stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
        try:
            await check_setup(
                stores.client, partitions=settings.partitions, namespace=plan.namespace, pii_key=plan.pii_key,
                segments=[rule.name for rule in plan.segments],
            )  # fmt: skip
            for partition in range(settings.partitions):
                mine = [one for one in self.profiles if partition_of(one.id, settings.partitions) == partition]
                loaded = await stores.profiles.load(partition, [])
                for start in range(0, max(len(mine), 1), 500):
                    written = mine[start : start + 500]
                    changes = Changes(
                        loaded.version,
                        profiles=written,
                        entered=[(name, one.id, stay.since) for one in written for name, stay in one.segments.items()],
                        left=[one for one in left if partition_of(one[1], settings.partitions) == partition],
                        removed=[one for one in removed if partition_of(one, settings.partitions) == partition],
                    )
                    await stores.profiles.commit(partition, changes)
                    loaded = await stores.profiles.load(partition, [])
        finally:
            await stores.close()

    def start(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """`rapport deliver`."""
        from tests.integration.rapport import environment  # noqa: PLC0415  (needs kafka-python)

        return subprocess.Popen(
            [sys.executable, "-P", "-m", "console", "deliver"],
            env={**os.environ, **environment(self.settings), **self.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    async def ready(self, seconds: float = 60.0) -> None:
        """Wait until each sink has begun to read: what was before is of the past."""
        from streams.kafka.topics import DELIVERIES  # noqa: PLC0415

        wanted = {f"{name}/@position".encode() for name in self.plan.file.sinks}
        kafka = KafkaLog(self.settings)
        async with asyncio.timeout(seconds):
            while wanted:
                async for batch in kafka.read(await kafka.extents(topic_name(self.settings, DELIVERIES))):
                    wanted -= {record.key for record in batch.records}
                await asyncio.sleep(0.2)

    def row(self, profile: Profile, alert: Alert) -> Row:
        """A record of `alerts`."""
        id_ = f"{alert.id}:{alert.state}:{alert.changed!r}"
        body = {
            "id": id_, "profile": profile.id, "at": rfc3339(alert.changed), "alert": alert_document(profile, alert),
        }  # fmt: skip
        topic = topic_name(self.settings, ALERTS)
        return Row(topic, partition_of(profile.id, self.settings.partitions), profile.id.encode(), orjson.dumps(body))

    def opening(self, profile: Profile, rule: str = "risk", *, ago: float = 0.0, found: str = "") -> Row:
        """An alert of a customer opens, so many seconds ago."""
        now = round(time.time() - ago, 6)
        self.alerts[profile.id] = alert = Alert(f"{profile.id}{rule}", rule, "open", now, now, 0.0, found=found)
        return self.row(profile, alert)

    def changing(self, profile: Profile, state: str) -> Row:
        """The alert of a customer is acknowledged, resolved or cleared."""
        held = self.alerts[profile.id]
        now = round(max(time.time(), held.changed + 1e-6), 6)
        self.alerts[profile.id] = alert = Alert(held.id, held.rule, state, held.opened, now, 0.0)
        return self.row(profile, alert)

    async def produce(self, rows: Sequence[Row]) -> None:
        """Put records on their topics."""
        producer = BatchProducer(self.settings)
        try:
            await producer.produce(rows)
        finally:
            await producer.stop()

    def desk(self) -> DeliveryDesk:
        """Looks at what was told."""
        return DeliveryDesk(KafkaLog(self.settings), BatchProducer(self.settings), self.settings)
