"""Days of use: a set that keeps what is near its latest day."""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from profiles.companies.days import DAY, KEPT, NO_DAY, days_of, join_days, note_day

TIMES = st.lists(st.integers(0, 400).map(lambda day: day * DAY + 3600.0), max_size=40)


def kept(days: bytes) -> set[int]:
    latest, bits = days_of(days)
    return {latest - ago for ago in range(bits.bit_length()) if bits >> ago & 1}


@given(TIMES, TIMES)
def test_days_are_a_set_that_ends_so_far_before_its_latest(ours: list[float], theirs: list[float]) -> None:
    """Whatever the order, and whoever had which."""
    days = {int(time // DAY) for time in [*ours, *theirs]}
    expected = {day for day in days if day > max(days, default=0) - KEPT}

    one = reduce(note_day, [*ours, *theirs], NO_DAY)
    other = join_days(reduce(note_day, reversed(theirs), NO_DAY), reduce(note_day, ours, NO_DAY))

    assert (kept(one), len(one) <= 20) == (expected, True)
    assert one == other
