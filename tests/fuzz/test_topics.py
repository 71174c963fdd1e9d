"""Whatever is on the source topics: the worker lives, each record is applied or rejected, and all can be read."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, TopicPartition

from profiles.documents import decode_profile
from profiles.stores.keys import Keys
from profiles.stores.redis import connect
from profiles.types import ERASED, Event, Record
from streams.kafka.admin import lag
from streams.kafka.topics import PROFILE_EVENTS, REJECTED, topic_name
from tests.fuzz.conftest import TOKEN, Served
from tests.fuzz.odd import events, fuzzing, records

HORRORS: list[dict[str, Any]] = [
    {"event": "Order Completed", "properties": {"products": [1] * 20_000}},
    {"event": "Order Completed", "properties": {"products": [{}] * 9_000}},
    {"event": "Order Completed", "properties": {"order_id": "o", "revenue": 1e300, "currency": "EUR"}},
    {"event": "Ticket Opened", "properties": {"ticket_id": "t" * 30_000}},
    {"event": "Ticket Opened", "properties": {"ticket_id": "t1", "\0": {"a": [[[]]]}}},
    {"event": "x" * 30_000},
    {"type": "page", "name": "x" * 30_000},
    {"type": "identify", "traits": {"t" * 20_000: 1, "large": "x" * 20_000, "list": [1] * 9_000, "firstName": "Ada"}},
    {"type": "identify", "traits": {f"t{number}": number for number in range(3_000)}},
    {"type": "identify", "traits": {"age": 2**64, "vip": "yes", "birthday": "0000-00-00", "\0": "\0"}},
    {"event": "Product Viewed", "timestamp": "0001-01-01T00:00:00Z", "receivedAt": "0001-01-01T00:00:00Z"},
    {"event": "Order Completed", "timestamp": "0001-01-01T00:00:00Z", "properties": {"order_id": "1", "revenue": 1}},
    {"event": "Product Viewed", "context": {"externalIds": [{"type": "user_id", "id": str(n)} for n in range(1_500)]}},
    {"event": "Product Viewed", "anonymousId": "{p000}:meta", "userId": "user\0id"},
]


def ends(served: Served, base: str) -> dict[int, int]:
    """By partition: how many records a topic has ever held."""
    name = topic_name(served.rapport.settings, base)
    consumer = KafkaConsumer(bootstrap_servers=served.rapport.settings.kafka, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return {tp.partition: end for tp, end in consumer.end_offsets(partitions).items()}
    finally:
        consumer.close()


@fuzzing
@given(source=st.sampled_from(["web", "app", "support", "purchase"]), batch=st.lists(records, min_size=1, max_size=20))
def test_any_bytes_and_any_events(served: Served, source: str, batch: list[bytes]) -> None:
    """Straight to Kafka, where no collector looks at them first."""
    served.rapport.send(source, batch)


@fuzzing
@given(event=events)
def test_any_event_that_almost_fits(served: Served, event: dict[str, Any]) -> None:
    """A good event but for one field."""
    good = {"type": "track", "event": "Product Viewed", "userId": "u1", "properties": {"product_id": "p"}}
    served.rapport.send("web", [json.dumps({**good, name: value}).encode() for name, value in event.items()])


def test_events_that_grow(served: Served) -> None:
    """Small ones whose rejection, profile or link request would be larger than Kafka takes."""
    for event in HORRORS:
        served.rapport.send("purchase", [{"type": "track", "userId": "horror", **event}])
        served.rapport.send("web", [{"type": "track", "userId": "horror", **event}])
        served.rapport.send("support", [{"type": "track", "userId": "horror", **event}])
    served.rapport.send("web", [b'{"type":"track","userId":"u","x":"' + b"x" * 900_000 + b'"}'])


def test_a_profile_of_a_thousand_large_traits(served: Served) -> None:
    """It stops growing."""
    for number in range(100):
        traits = {f"t{number}-{part}": "x" * 8_000 for part in range(4)}
        served.rapport.send("web", [{"type": "identify", "userId": "hoarder", "traits": traits}])
    applied(served)
    largest = max(len(document) for document in served.rapport.documents().values())
    assert largest < 3 * 1024 * 1024


def test_every_record_is_accounted_for(served: Served) -> None:
    """Of all that this folder has sent: each record is in profile.events, or rejected with a reason."""
    sent = {
        (topic_name(served.rapport.settings, source.topic), partition, offset)
        for source in served.rapport.plan.sources.values()
        for partition, end in ends(served, source.topic).items()
        for offset in range(end)
    }
    applied(served)
    decode = msgspec.msgpack.Decoder(Record).decode
    taken = Counter(
        event.origin
        for record in served.rapport.topic(PROFILE_EVENTS)
        if isinstance(event := decode(record.value), Event)
    )
    refused = [json.loads(record.value) for record in served.rapport.topic(REJECTED)]
    places = {(item["topic"], item["partition"], item["offset"]) for item in refused if item["partition"] is not None}
    assert all(item["reason"] and item["message"] and len(item["message"]) < 10_000 for item in refused)
    assert sent <= taken.keys() | places, f"{len(sent - taken.keys() - places)} of {len(sent)} are nowhere"
    assert not places & taken.keys()
    assert len(taken.keys() & sent) > 50, "hardly anything was accepted: the examples are no good"


def test_every_profile_can_be_read(served: Served) -> None:
    """Whatever made it: by the API, the lists, and the feed's reader."""
    applied(served)
    served.http.headers["Authorization"] = f"Bearer {TOKEN}"
    for id_, document in served.rapport.documents().items():
        erased = decode_profile(id_, document).redirect == ERASED  # by the tests of the API
        for path in (f"/v1/profiles/profile_id:{id_}", f"/v1/profiles/profile_id:{id_}/events"):
            answer = served.http.get(path)
            assert answer.status_code == (404 if erased else 200), (path, answer.text)
            assert answer.json()
    for path in (
        "/v1/profiles?limit=200",
        "/v1/profiles?order=recent&limit=200",
        "/v1/alerts",
        "/v1/rejected?limit=200",
        "/v1/segments",
    ):
        assert served.http.get(path).status_code == 200, path
    assert "Traceback" not in served.rapport.logs()


def applied(served: Served, timeout: float = 180) -> None:
    """Wait until the worker has applied all that is on its topics."""
    rapport = served.rapport
    sources = [topic_name(rapport.settings, source.topic) for source in rapport.plan.sources.values()]

    async def positions() -> dict[int, int]:
        client = connect(rapport.settings.redis.get_secret_value())
        found = {}
        for partition in range(rapport.settings.partitions):
            raw = await client.hget(Keys.of(partition).meta, "applied")
            found[partition] = int(raw) + 1 if raw is not None else 0
        await client.aclose()
        return found

    deadline = time.monotonic() + timeout
    while any(behind.records for behind in lag(rapport.settings, sources)) or asyncio.run(positions()) != ends(
        served, PROFILE_EVENTS
    ):
        assert all(worker.poll() is None for worker in rapport.workers), f"the worker has died\n{rapport.logs()}"
        assert time.monotonic() < deadline, f"the worker does not get on\n{rapport.logs()}"
        time.sleep(0.5)
