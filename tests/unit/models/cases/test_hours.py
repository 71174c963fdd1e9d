"""Quiet hours and digests in a time zone, over the days on which clocks change."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.cases.hours import Quiet, day_of, next_at, quiet_until

ZONE = "Europe/Amsterdam"
NIGHTS = Quiet.model_validate({"from": "20:00", "to": "08:00", "days": ["sat", "sun"]})


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-30T12:00", None),  # a Monday
        ("2026-11-30T19:59", None),
        ("2026-11-30T20:00", "2026-12-01T08:00"),
        ("2026-12-01T07:59", "2026-12-01T08:00"),
        ("2026-12-01T08:00", None),
        ("2026-12-04T21:00", "2026-12-07T08:00"),  # over the weekend
        ("2026-12-05T12:00", "2026-12-07T08:00"),
        ("2026-10-24T23:00", "2026-10-26T08:00"),  # an hour twice
        ("2026-03-28T23:00", "2026-03-30T08:00"),  # an hour less
    ],
)
def test_when_a_quiet_time_ends(now, until):
    assert quiet_until(NIGHTS, ZONE, at(now)) == (at(until) if until else None)


def test_whole_days_alone_end_at_midnight():
    days = Quiet(days=("sat",))
    assert quiet_until(days, ZONE, at("2026-12-05T12:00")) == at("2026-12-06T00:00")
    assert quiet_until(days, ZONE, at("2026-12-06T12:00")) is None


@given(st.floats(1.7e9, 1.9e9), st.sampled_from(["UTC", ZONE, "America/New_York", "Asia/Kolkata", "Pacific/Apia"]))
def test_a_quiet_time_ends_within_the_week_and_what_follows_is_not_quiet(now, zone):
    until = quiet_until(NIGHTS, zone, now)
    if until is not None:
        assert now < until < now + 4 * 86400
        assert quiet_until(NIGHTS, zone, until) is None


@given(st.floats(1.7e9, 1.9e9), st.sampled_from(["UTC", ZONE, "America/New_York"]))
def test_a_digest_goes_out_once_a_day(now, zone):
    following = next_at("08:30", zone, now)
    assert now < following <= now + 25 * 3600 + 1
    assert next_at("08:30", zone, following - 1) == following


def test_a_day_is_that_of_the_zone():
    assert (day_of("UTC", at("2026-12-01T00:30")), day_of(ZONE, at("2026-12-01T00:30"))) == ("2026-11-30", "2026-12-01")


@pytest.mark.parametrize(
    "told",
    [
        {}, {"from": "20:00"}, {"from": "20:00", "to": "20:00"}, {"from": "24:00", "to": "08:00"},
        {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, {"days": ["monday"]},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(told):
    with pytest.raises(ValidationError):
        Quiet.model_validate(told)
