"""Times are read in every form that leaves no doubt, and written in one."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.times import parse_time, rfc3339


def test_it_always_has_six_decimals() -> None:
    """Also on the second, so that times sort as their text does."""
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_767_225_600.25) == "2026-01-01T00:00:00.250000Z"


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_is_read_back_as_it_was(microseconds: int) -> None:
    """What is exact to the microsecond, in the archive and from senders, stays it."""
    time = microseconds / 1e6

    assert datetime.fromisoformat(rfc3339(time)).timestamp() == time


TEN = 1_794_823_200.0  # 2026-11-16T10:00:00Z


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("2026-11-16T10:00:00Z", 0),
        ("2026-11-16t10:00:00z", 0),
        ("2026-11-16T11:00:00+01:00", 0),
        ("2026-11-16T10:00:00.029:Z", 0.029),  # a Swift SDK
        ("2026-11-16T11:00:00.029:+01:00", 0.029),
        ("2026-11-16T10:00:00,123Z", 0.123),
        ("2026-11-16T10:00:00.123456789Z", 0.123456),
        ("2026-11-16 10:00:00.123456789 +0000 UTC", 0.123456),  # Go
        ("2026-11-16 11:00:00 +0100 CET m=+0.000012", 0),
        ("2026-11-16 12:00:00 +0200 +0200", 0),
        ("2026-11-16 10:00:00 UTC", 0),  # Ruby
        ("2026-11-16 11:00:00 +0100", 0),
        ("2026-11-16T11:00:00+01:00[Europe/Paris]", 0),  # Java
        ("2026-11-16T10:00:00Z[UTC]", 0),
        ("Mon Nov 16 10:00:00 UTC 2026", 0),
        ("Mon Nov 16 10:00:00 2026", 0),  # C
        ("Mon, 16 Nov 2026 10:00:00 GMT", 0),  # RFC 2822
        ("16 Nov 2026 05:00:00 -0500 (EST)", 0),
        ("Mon Nov 16 2026 11:00:00 GMT+0100 (Central European Standard Time)", 0),  # JavaScript
        ("Monday, November 16, 2026 at 10:00:00 AM UTC", 0),
        ("Nov 16, 2026, 10:00 a.m.", 0),
        ("2026/11/16 10:00", 0),
        ("20261116T100000Z", 0),
        ("20261116100000", 0),
        ("20261116100000250", 0.25),
        ('"2026-11-16T10:00:00Z"', 0),  # JSON in JSON
        ("2026-11-16T10:00:00.5+00:00Z", 0.5),  # Python, with a Z by hand
        ("16/Nov/2026:10:00:00 +0000", 0),  # Apache's log
        ("Monday, November 16th 2026, 10:00:00 am", 0),
        ("1.7948232005E12", 0.5),
        ("1.7948232E9", 0),
        ("/Date(1794823200000+0100)/", 0),  # .NET
        ({"$date": "2026-11-16T10:00:00Z"}, 0),  # MongoDB
        ("1794823200", 0),
        ("1794823200.5", 0.5),
        ("1794823200000", 0),
        ("1794823200000000", 0),
        ("1794823200000000000", 0),
        (1_794_823_200, 0),
        (1_794_823_200.5, 0.5),
        (1_794_823_200_000, 0),
        (1_794_823_200_000_000, 0),
        (1_794_823_200_000_000_000, 0),
        ("2026-11-16", -36_000),
        ("20261116", -36_000),
        ("2026-11-16T24:00:00Z", 50_400),
        ("2026-11-16T23:59:60Z", 50_400),
    ],
)
def test_a_time_is_read_as_its_sender_wrote_it(text: object, after: float) -> None:
    """With Z or an offset, with none to nine decimals, without a zone; as languages write a time when nobody asks."""
    assert parse_time(text) == pytest.approx(TEN + after, abs=2e-6)


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "11/16/2026 10:00 AM", "16.11.2026", "16/11/26", "2026-11-16 10:00 CET",
        "2026-11-16T10:00:00+01:00Z",
        "1.79482E+12",
        "2026-11-16T10:00:00[Europe/Paris]", "Mon Nov 16 10:00:00 CET 2026", "2026-11-31", "2026-11-16 13:00 PM",
        "9999-12-31T24:00:00Z", "9999-12-31T23:59:60Z", "Fri Dec 31 23:59:60 UTC 9999",
        "2026-11-16T24:00:01Z", "0000-00-00 00:00:00", "10:00", "2026", "202611", "20261301", "12", "-1", "0",
        "45000.5", "NaN", "9" * 20, "9" * 5000, "Nov " * 5000, "1e9",
        True, None, [], {}, {"$date": {"$date": 1}}, 1e300,
        10**400, float("nan"), float("inf"),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_leaves_doubt_is_no_time(text: object) -> None:
    """Which is the month, which zone CET was, what a number counts: nobody can say, so nobody guesses."""
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


def test_a_time_without_a_zone_is_of_the_one_that_is_asked_for() -> None:
    """UTC unless said; a file's is known by whoever sends it."""
    berlin = ZoneInfo("Europe/Berlin")

    assert parse_time("2026-07-01 12:00", berlin) == parse_time("2026-07-01T10:00Z", berlin)
    assert parse_time("1 Dec 2026 12:00", berlin) == parse_time("2026-12-01T11:00Z")
    assert parse_time("20261201120000", berlin) == parse_time("2026-12-01T11:00Z")


@given(st.text(st.sampled_from("0123456789-/:., TZ+MonNvAPGT()[]"), max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    """Nothing else is raised, and what was read can be written."""
    try:
        time = parse_time(text)
    except ValueError:
        return
    assert parse_time(rfc3339(time)) == pytest.approx(time, abs=1e-4)
