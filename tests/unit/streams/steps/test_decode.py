"""Decoding: what is no event is rejected, whatever it is, and no event comes from the future."""

from __future__ import annotations

import math

import pytest

from profiles.times import parse_time
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
    assert intake.items[0].violations == ["timestamp: is after its receipt, so the event counts as of its receipt"]


@pytest.mark.parametrize(
    ("time", "remark"),
    [
        ('"yesterday"', "cannot be read"), ('"11/16/2026 10:00 AM"', "cannot be read"), ('""', "cannot be read"),
        ("true", "cannot be read"), ("[1]", "cannot be read"), ("1e300", "cannot be read"),
        ('"0000-00-00 00:00:00"', "cannot be read"), ("0", "before 1990-01-01"), ("-1", "before 1990-01-01"),
        ('"0001-01-01T00:00:00Z"', "before 1990-01-01"), ('"1969-12-31T23:59:59Z"', "before 1990-01-01"),
        ('"1989-12-31T23:59:59Z"', "before 1990-01-01"), ('"2099-01-01T00:00:00Z"', "after its receipt"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stamp", ["", ',"receivedAt":"2026-09-20T00:00:00Z"', ',"receivedAt":0', ',"receivedAt":"x"'])
def test_a_time_that_cannot_be_right_counts_as_of_the_receipt(time: str, remark: str, stamp: str) -> None:
    """With a remark. No plan could mend it, so rejecting it would lose the event for good."""
    value = f'{{"type":"track","event":"e","timestamp":{time}{stamp}}}'.encode()
    told = Intake("web", [record(0, value, at=NOW - 60)], NOW)

    tell_time()(told)
    decode()(told)

    [item] = told.items
    assert item.time == item.received == (parse_time("2026-09-20") if "2026" in stamp else NOW - 60)
    assert [remark in violation for violation in item.violations] == [True]


def test_how_early_a_time_may_be_is_the_plans() -> None:
    """A shop with orders on paper has older ones."""
    value = b'{"type":"track","event":"e","timestamp":"1985-06-01"}'

    for earliest, time in ((parse_time("1980-01-01"), parse_time("1985-06-01")), (parse_time("1986-01-01"), NOW)):
        intake = Intake("web", [record(0, value, at=NOW)], NOW)
        decode(earliest)(intake)
        assert intake.items[0].time == time


def test_a_clock_that_is_a_little_ahead_is_no_remark() -> None:
    """Two machines never agree."""
    intake = Intake("web", [record(0, b'{"type":"page","timestamp":%d}' % (NOW + 30), at=NOW - 1)], NOW)

    decode()(intake)

    assert (intake.items[0].time, intake.items[0].violations) == (NOW - 1, [])


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
        None, b"", b"{", b"[]", b"3", b"\xff", b'{"timestamp":' + b"[" * 100_000,
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
