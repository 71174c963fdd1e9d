"""The one spelling of time."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from profiles.times import rfc3339


def test_it_always_has_six_decimals() -> None:
    """Also on the second, so that times sort as their text does."""
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_767_225_600.25) == "2026-01-01T00:00:00.250000Z"


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_is_read_back_as_it_was(microseconds: int) -> None:
    """What is exact to the microsecond, in the archive and from senders, stays it."""
    time = microseconds / 1e6

    assert datetime.fromisoformat(rfc3339(time)).timestamp() == time
