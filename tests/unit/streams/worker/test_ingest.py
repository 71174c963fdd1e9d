"""What ingest tells the clock: never more than is in Kafka. And what it asks of the linker."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence

import msgspec
import orjson
import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.stores.memory import MemoryClockStore, MemoryLinkStore, MemorySourceStore, MemoryStore
from profiles.times import rfc3339
from streams.identity.suppressed import Suppressed
from streams.kafka.output import Row
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import arrival_pipeline, ingest_pipeline
from streams.records.links import LinkRequest, Request
from streams.settings import Settings
from streams.worker import ingest as module
from streams.worker.breaker.aside import PutAside
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from streams.worker.flow import Flow
from streams.worker.ingest import Ingest
from tests import REPOSITORY
from tests.build import T0, in_steps, record

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
WEB = TP("events.web", 0)
DAY = 86400.0


class SlowKafka:
    """Has what was produced only when it is let."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def produce(self, rows: Iterable[Row]) -> None:
        waiting = list(rows)
        self.asked.set()
        await self.let.wait()
        self.rows += waiting


class FailingRedis(MemoryClockStore):
    """May come back without what it was told last."""

    def come_back_empty(self) -> None:
        self._heads.clear()


async def ends(partitions: Collection[TP]) -> dict[TP, int]:
    """Nothing is in Kafka."""
    return dict.fromkeys(partitions, 0)


def page(offset: int, at: float) -> bytes:
    """A visit."""
    return orjson.dumps(
        {"type": "page", "name": "Home", "anonymousId": "a", "messageId": f"m{offset}", "timestamp": rfc3339(at)}
    )


def ingest_of(kafka: SlowKafka, clocks: MemoryClockStore, *sources: str) -> Ingest:
    """Of the web or these sources, whose gate is T0."""
    metrics, links = WorkerMetrics(CollectorRegistry()), MemoryLinkStore()
    return Ingest(
        {f"events.{source}": source for source in sources or ("web",)},
        arrival_pipeline(PLAN), ingest_pipeline(PLAN, links, Suppressed(links, PLAN.pii_key)),
        kafka, clocks, Settings(partitions=4), metrics, in_steps(T0, "filling"),
        CircuitBreaker(PLAN, MemorySourceStore(), metrics, "w"), DAY,
        Flow([], ends, MemoryStore(PLAN.namespace, 4, links), lambda: False),
        PutAside(PLAN, MemorySourceStore(), metrics, "w"),
    )  # fmt: skip


def test_a_head_is_told_only_when_what_came_before_it_is_in_kafka() -> None:
    """Else the clock would take a gate for filled while events up to it are still on their way."""

    async def run() -> None:
        kafka, clocks = SlowKafka(), MemoryClockStore()
        ingest = ingest_of(kafka, clocks)
        times = [T0 - DAY, T0 - 1, T0 + DAY]  # the gate is between the last two
        batch = Batch(WEB, [record(offset, page(offset, at), at=T0 + 2 * DAY) for offset, at in enumerate(times)], 0)
        await ingest.take([batch], lambda _: True)
        letting_in = asyncio.create_task(ingest.let_in())
        await kafka.asked.wait()
        reporting = asyncio.create_task(ingest.report([WEB], lambda _: batch.first))
        await asyncio.sleep(0)
        assert not await clocks.heads()

        kafka.let.set()
        assert (await letting_in).done == []  # one event still waits
        await reporting
        head = (await clocks.heads())["events.web/0"]
        assert (head.done, head.time) == (2, T0 + DAY)
        assert len(kafka.rows) == 2

    asyncio.run(run())


def test_heads_are_told_again_though_they_are_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that came back older does not know them, and the clock would wait for what was read long ago."""

    async def run() -> None:
        clocks = FailingRedis()
        ingest = ingest_of(SlowKafka(), clocks)
        await ingest.report([WEB], lambda _: 7)
        clocks.come_back_empty()
        await ingest.report([WEB], lambda _: 7)
        assert not await clocks.heads()  # not each time

        monkeypatch.setattr(module, "_TELL_AGAIN", -1.0)
        await ingest.report([WEB], lambda _: 7)
        assert (await clocks.heads())["events.web/0"].done == 7

    asyncio.run(run())


def test_a_server_is_heard_though_a_public_source_has_asked_for_the_same() -> None:
    """What the linker refuses the one it may grant the other; the same of the same source is asked once."""

    async def run() -> None:
        kafka = SlowKafka()
        kafka.let.set()
        ingest = ingest_of(kafka, MemoryClockStore(), "web", "purchase")
        login = {"type": "identify", "userId": "u", "anonymousId": "a", "timestamp": rfc3339(T0 - DAY)}
        for first in (0, 1):
            for tp in (WEB, TP("events.purchase", 0)):
                event = orjson.dumps({**login, "messageId": f"m{first}"})
                await ingest.take([Batch(tp, [record(first, event, at=T0, topic=tp.topic)], first)], lambda _: True)
                await ingest.let_in()

        asked = [msgspec.msgpack.decode(row.value, type=Request) for row in kafka.rows if row.topic == "identity.links"]
        assert [request.source for request in asked if isinstance(request, LinkRequest)] == ["web", "purchase"]

    asyncio.run(run())


def asked_of_linker(*batches: Sequence[dict[str, object]]) -> list[str]:
    """The messages for which the linker is asked, of these that come in batches, all of one customer."""
    kafka = SlowKafka()
    kafka.let.set()
    tp = TP("events.purchase", 0)

    async def run() -> None:
        ingest, offset = ingest_of(kafka, MemoryClockStore(), "purchase"), 0
        for batch in batches:
            events = [orjson.dumps({"userId": "u", "anonymousId": "p", **event}) for event in batch]
            records = [record(offset + place, event, at=T0, topic=tp.topic) for place, event in enumerate(events)]
            await ingest.take([Batch(tp, records, offset)], lambda _: True)
            await ingest.let_in()
            offset += len(batch)

    asyncio.run(run())
    asked = [msgspec.msgpack.decode(row.value, type=Request) for row in kafka.rows if row.topic == "identity.links"]
    return [request.event for request in asked if isinstance(request, LinkRequest)]


def said(id_: str, hour: int, **what: object) -> dict[str, object]:
    """An event of a day ago that names the address which others do."""
    traits = {"email": "a@b.example"}
    at = rfc3339(T0 - DAY + 3600 * hour)
    return {"type": "identify", "messageId": id_, "timestamp": at, "traits": traits, **what}


CARRIED = {"context": {"traits": {"email": "a@b.example"}}}
JOINS = {"type": "group", "groupId": "g", "traits": None, **CARRIED}
CARRIES = {"traits": {"firstName": "A"}, **CARRIED}
ALIAS = {"type": "alias", "previousId": "p", "anonymousId": None, "traits": None, **CARRIED}


def test_what_says_more_is_asked_though_the_same_have_met_before() -> None:
    """That they met, that two names are one, what an SDK remembers, that somebody says so: each is asked once."""
    events = [said("met", 1, **JOINS), said("alias", 2, **ALIAS), said("carries", 3, **CARRIES), said("says", 4)]

    for told in (events, events[::-1]):
        assert asked_of_linker(told) == [event["messageId"] for event in told]
        assert asked_of_linker(*([event] for event in told * 2)) == [event["messageId"] for event in told]


def test_of_what_is_said_of_an_identity_the_first_and_the_last_time_count() -> None:
    """In one batch as in several; of what only happened the first alone."""
    assert asked_of_linker([said("2", 2), said("1", 1), said("4", 4), said("3", 3)]) == ["1", "4"]
    assert asked_of_linker(*([said(id_, int(id_))] for id_ in "2143")) == ["2", "1", "4"]
    assert asked_of_linker([said(id_, int(id_), **JOINS) for id_ in "2143"]) == ["1"]
