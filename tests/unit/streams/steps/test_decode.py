"""Decoding: what is no event is rejected, whatever it is, and no event comes from the future."""

from __future__ import annotations

import math

import pytest

from streams.steps.decode import decode, tell_time
from streams.steps.intake import Intake
from tests.build import record

NOW = 1_790_000_000.0


@pytest.mark.parametrize("levels", [33, 900, 100_000])
def test_what_is_nested_too_deeply_is_rejected(levels: int) -> None:
    """However deep: it is kept as rejected and stops nothing."""
    nested = b'{"type":"track","event":"e","userId":"u","properties":' + b"[" * levels + b"]" * levels + b"}"
    intake = Intake("web", [record(0, nested[: 60 * 1024]), record(1, b'{"type":"track","event":"e"}')], NOW)

    decode()(intake)

    assert [rejection.reason in ("nested_too_deeply", "invalid_json") for rejection in intake.rejected] == [True]
    assert [item.record.offset for item in intake.items] == [1]


def test_nothing_happens_in_the_future() -> None:
    """A producer whose clock is wrong cannot make a customer active for ever."""
    value = b'{"type":"track","event":"e","timestamp":"2099-01-01T00:00:00Z","receivedAt":"2099-01-01T00:00:00Z"}'
    intake = Intake("web", [record(0, value, at=NOW + 1e9)], NOW)

    decode()(intake)

    assert (intake.items[0].time, intake.items[0].received) == (NOW, NOW)


@pytest.mark.parametrize(
    "times",
    [
        b'"timestamp":"2025-01-01T00:00:00.123456Z","receivedAt":"2025-01-01T00:00:01Z"', b'"timestamp":1750000000000',
        b'"timestamp":"2099-01-01T00:00:00Z"', b'"receivedAt":"2024-01-01T00:00:00Z"', b'"receivedAt":"yesterday"',
        b'"timestamp":null', b'"timestamp":"2025-01-01T00:00:00Z","timestamp":"2025-02-01 00:00"', b'"x":1',
    ],
)  # fmt: skip
def test_the_time_that_an_event_waits_for_is_its_own(times: bytes) -> None:
    records = [record(0, b'{"type":"track","event":"e",' + times + b"}", at=NOW - 60)]
    told, decoded = Intake("web", records, NOW), Intake("web", records, NOW)

    tell_time()(told)
    decode()(decoded)

    assert told.items[0].time == decoded.items[0].time > 0


@pytest.mark.parametrize(
    "value",
    [
        None, b"", b"{", b"[]", b"3", b"\xff", b'{"timestamp":"yesterday"}', b'{"timestamp":[1]}',
        b'{"timestamp":1' + b"0" * 400 + b"}", b'{"timestamp":' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_tells_no_time_waits_for_nothing(value: bytes | None) -> None:
    """It is rejected as soon as it is its turn."""
    intake = Intake("web", [record(0, value)], NOW)

    tell_time()(intake)

    assert [item.time for item in intake.items] == [-math.inf]
    decode()(intake)
    assert not intake.items


def test_null_bytes_harm_nobody() -> None:
    """In names, ids and values: they are characters as any other."""
    value = rb'{"type":"track","event":"a\u0000b","userId":"u\u0000","properties":{"a\u0000":"\u0000"}}'
    intake = Intake("web", [record(0, value), record(1, b'{"type":"page"}\0')], NOW)

    decode()(intake)

    assert [item.name for item in intake.items] == ["a\0b", ""]
    assert intake.items[0].raw["properties"] == {"a\0": "\0"}
    assert intake.rejected == []


def test_what_other_producers_send_is_read_as_the_collector_does() -> None:
    """A byte order mark, a number that is none, PHP's empty arrays."""
    value = b'\xef\xbb\xbf{"type":"track","event":"e","properties":{"price":NaN},"traits":[],"context":{"device":[]}}'
    intake = Intake("web", [record(0, value), record(1, b'{"type":"page","name":"a\nb"}')], NOW)

    decode()(intake)

    [item] = intake.items
    assert (item.raw["properties"], item.raw["traits"], item.raw["context"]) == ({"price": None}, {}, {"device": {}})
    assert [rejection.reason for rejection in intake.rejected] == ["invalid_json"]
