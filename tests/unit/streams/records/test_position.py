"""A replayed record keeps the id and the time that the event had at its first place."""

from __future__ import annotations

import msgspec
import orjson
import pytest
from aiokafka.structs import ConsumerRecord

from streams.records.position import position_of, recorded_at, replay_headers
from streams.records.rejected import Rejection
from streams.steps.decode import decode
from streams.steps.intake import Intake
from tests.build import record

NOW = 1_790_000_000.0
HEADERS = replay_headers("events.web-3-17", NOW - 500, "0:4")


def seen(headers: list[tuple[str, bytes]], value: bytes = b'{"type":"page","userId":"u"}') -> ConsumerRecord:
    """The hundredth record of a partition."""
    return record(99, value, at=NOW, partition=1, headers=headers)


def decoded(headers: list[tuple[str, bytes]]) -> tuple[str, float, float]:
    """Id, time and receipt of an event that says none of them."""
    batch = Intake("web", [seen(headers)], NOW + 1)
    decode()(batch)
    [item] = batch.items
    return item.raw["messageId"], item.time, item.received


def test_an_event_without_id_and_time_gets_those_of_its_place() -> None:
    """Where and when Kafka has it."""
    assert decoded([]) == ("events.web-1-99", NOW, NOW)


def test_replayed_it_keeps_those_of_its_first_place() -> None:
    """Whatever its new offset and time."""
    assert decoded(HEADERS) == ("events.web-3-17", NOW - 500, NOW - 500)


@pytest.mark.parametrize(
    "headers",
    [
        [("rapport-position", b"x" * 400), ("rapport-time", b"yesterday")],
        [("rapport-position", b"\xff"), ("rapport-time", b"-1")],
        [("rapport-position", b""), ("rapport-time", b"9" * 40)],
        [("traceparent", b"00-1")],
    ],
)
def test_headers_of_strangers_change_nothing(headers: list[tuple[str, bytes]]) -> None:
    """Anybody may write to a source topic."""
    assert position_of(seen(headers)) == "events.web-1-99"
    assert recorded_at(seen(headers)) == NOW


def test_nothing_is_recorded_after_kafka_had_it() -> None:
    """A header from the future does not make an event newer than its record."""
    assert recorded_at(seen(replay_headers("p", NOW + 1000, "0:0"))) == NOW


def test_rejected_again_it_still_knows_its_first_place() -> None:
    """So that the next replay gives the same id once more."""
    batch = Intake("web", [seen(HEADERS, b"no json")], NOW)
    decode()(batch)
    [rejection] = batch.rejected

    assert (rejection.position, rejection.recorded) == ("events.web-3-17", NOW - 500)
    assert (rejection.partition, rejection.offset) == (1, 99)


def test_rejections_of_earlier_versions_can_be_read() -> None:
    """They lack the newer fields."""
    old = {
        "at": "2026-01-01T00:00:00Z", "step": "check", "reason": "unplanned", "message": "m", "source": "web",
        "topic": "events.web", "partition": 0, "offset": 1, "payload": "e30=",
    }  # fmt: skip
    assert msgspec.json.decode(orjson.dumps(old), type=Rejection).position == ""
