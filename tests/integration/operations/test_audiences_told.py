"""Who is in which segment, as a receiver has it and as the store does: over kills, lost messages and time away."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CollectorRegistry

from profiles.times import rfc3339
from profiles.types import Profile, Stay, partition_of
from streams.kafka.output import Row
from streams.kafka.topics import SEGMENT_CHANGES, topic_name
from streams.settings import Settings
from streams.sinks.delivering import deliver
from streams.sinks.environment import outlets
from streams.sinks.gauges import DeliveryMetrics
from tests import REPOSITORY
from tests.integration.operations.test_deliveries import delivering, until
from tests.integration.rapport import environment
from tests.sinks import Receiver, Reply, receiver
from tests.telling import Telling

HOUR = 3600.0


class Later:
    """The machine's clock, so many seconds on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return round(time.time() + self._seconds, 6)


def picture(held: Receiver) -> set[str]:
    """Whom a webhook takes for members."""
    inside: set[str] = set()
    for one in held.received:
        data = orjson.loads(one.body)["data"]
        (inside.add if data["change"] == "entered" else inside.discard)(data["customer"]["profile"])
    return inside


def audience(held: Receiver) -> set[str]:
    """Which users a Segment-style endpoint has in the audience."""
    inside: set[str] = set()
    for one in held.received:
        call = orjson.loads(one.body)
        if call["type"] == "identify":
            (inside.add if call["traits"]["dutch"] else inside.discard)(call["userId"])
    return inside


class Shop:
    """Customers in the store, who move with or without a word on the topic."""

    def __init__(self, telling: Telling) -> None:
        self.telling = telling
        self.members: set[str] = set()

    async def begin(self, customers: int, inside: int) -> None:
        await self.telling.begin(customers)
        for profile in self.telling.profiles[:inside]:
            profile.segments = {"dutch": Stay(time.time() - 48 * HOUR)}
        await self.telling.store()

    def right(self) -> set[str]:
        """Who is to be taken for a member."""
        return {
            one.id for one in self.telling.profiles
            if "dutch" in one.segments and "consent.outreach" not in one.traits
        }  # fmt: skip

    def users(self) -> set[str]:
        """…by user id."""
        right = self.right()
        return {next(iter(one.identities["user_id"])) for one in self.telling.profiles if one.id in right}

    async def move(self, leave: range, enter: range, *, ago: float = 0.0, told: bool = True) -> None:
        """Some leave and others enter, so many seconds ago."""
        at = time.time() - ago
        people = self.telling.profiles
        gone, come = [people[number] for number in leave], [people[number] for number in enter]
        for one in gone:
            one.segments = {}
        for one in come:
            one.segments = {"dutch": Stay(at)}
        await self.telling.store(left=[("dutch", one.id) for one in gone])
        if told:
            await self.telling.produce([self._row(one, "exited", at) for one in gone])
            await self.telling.produce([self._row(one, "entered", at) for one in come])

    def _row(self, profile: Profile, change: str, at: float) -> Row:
        settings = self.telling.settings
        id_ = f"{profile.id}:dutch:{change}:{at!r}:test"
        body = {"id": id_, "profile": profile.id, "at": rfc3339(at), "segment": "dutch", "change": change}
        topic = topic_name(settings, SEGMENT_CHANGES)
        return Row(topic, partition_of(profile.id, settings.partitions), profile.id.encode(), orjson.dumps(body))


def test_a_receivers_audience_is_the_stores_whatever_was_lost(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """The first sync killed twice; a time of refusals with replays given up; two hours away; who was erased or wants
    not to be reached. Told once each, under one id, and a second look finds nothing."""

    async def run() -> None:
        async with receiver() as crm, receiver() as ads:
            sinks: dict[str, dict[str, Any]] = {
                "crm": {"events": ["segment.*"], "sync": "all"},
                "ads": {"type": "segment_style"},
            }
            urls = {"crm": crm.url, "ads": ads.url}
            telling = Telling(make_settings(), tmp_path, urls, sinks=sinks, routes=[{"owner": "CRM"}])
            shop, log, desk = Shop(telling), tmp_path / "deliver.log", telling.desk()
            await shop.begin(400, 300)

            def agree() -> bool:
                return picture(crm) == shop.right() and audience(ads) == shop.users()

            for count in (60, 160):  # kill -9 in mid-sync
                with delivering(telling, log) as process:
                    await crm.until(count, 60)
                    process.kill()
                    process.wait()
            with delivering(telling, log):
                await until(agree, 90)
                first = {one.headers["webhook-id"] for one in crm.received}
                assert len(first) == 300, "one id for each"
                assert (await said(telling, "reconcile", "crm", "--dry-run"))["entered"] == 0
                crm.usual = Reply(410, b"gone")  # nothing is put back of what it misses
                await shop.move(range(20), range(300, 320))
                await until(lambda: len(crm.received) > 300 and audience(ads) == shop.users())
                crm.usual = Reply()
                await asyncio.sleep(1)
                await desk.enable("crm", "kim")
            crm.received = [one for one in crm.received if one.headers["webhook-id"] in first]  # it heard no more
            erased, denies = telling.profiles[30], telling.profiles[31]
            denies.traits["consent.outreach"] = (False, time.time(), b"12345678")
            await shop.move(range(40, 55), range(320, 335), ago=2 * HOUR)
            del telling.profiles[30]
            await telling.store(left=[("dutch", erased.id)], removed=[erased.id])
            assert not agree()
            with delivering(telling, log):
                await telling.ready()
                assert (await said(telling, "reconcile", "crm", "--dry-run"))["entered"] == 35
                assert (await said(telling, "reconcile", "crm"))["exited"] == 20 + 15 + 2
                await said(telling, "reconcile", "ads")
                await until(lambda: picture(crm) == shop.right())
                await until(lambda: audience(ads) - {"30"} == shop.users())  # who was erased has no user id to say
                counts = len(crm.received), len(ads.received)
                for sink in ("crm", "ads"):
                    again = await said(telling, "reconcile", sink)
                    assert (again["entered"], again["exited"], again["members"]) == (0, 0, len(shop.right()))
                assert (len(crm.received), len(ads.received)) == counts
            await shop.move(range(60, 65), range(340, 345), ago=2 * HOUR, told=False)
            stop = asyncio.Event()
            made = outlets(telling.plan, telling.environ)
            metrics = DeliveryMetrics(CollectorRegistry())
            work = deliver(telling.settings, telling.plan, made, metrics, stop, Later(25 * HOUR))
            task = asyncio.create_task(work)
            await until(lambda: picture(crm) == shop.right())
            await until(lambda: audience(ads) - {"30"} == shop.users())

            async def said_so() -> bool:
                """The record of the comparison follows what it tells."""
                (found,) = [one.reconciled for one in (await desk.look()).sinks if one.name == "crm"]
                return found is not None and (found.entered, found.exited) == (5, 5)

            await until(said_so)
            stop.set()
            await task

    asyncio.run(run())


async def said(telling: Telling, *words: str) -> dict[str, Any]:
    """What `rapport deliver` prints as JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "console", "deliver", *words, "--json",
        env={**os.environ, **environment(telling.settings), **telling.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found: dict[str, Any] = json.loads(out)
    return found
