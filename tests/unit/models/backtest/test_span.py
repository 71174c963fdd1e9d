"""What a log spans is not moved by a few times that cannot be right, and loses no real day."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.backtest.span import FEW, span

DAY0 = 20_000


def busy(days: int, per_day: float = 10.0, seed: int = 0) -> Counter[int]:
    """Some events each day."""
    counts = np.random.default_rng(seed).poisson(per_day, days)
    counts[[0, -1]] = 1
    return Counter({DAY0 + i: int(count) for i, count in enumerate(counts) if count})


@given(st.lists(st.one_of(st.integers(-DAY0, -60), st.integers(400, 20_000)), min_size=1, max_size=FEW))
def test_a_handful_of_strays_moves_nothing(strays: list[int]) -> None:
    """Wherever they are, on both sides, alone or together."""
    assert span(busy(300) + Counter(DAY0 + stray for stray in strays)) == (DAY0, DAY0 + 299)


def test_one_phone_with_a_wrong_clock_may_send_much() -> None:
    """Up to one event in a hundred."""
    assert span(busy(300) + Counter({DAY0 + 660 + i: 1 for i in range(25)})) == (DAY0, DAY0 + 299)
    assert span(busy(300) + Counter({DAY0 + 660 + i: 2 for i in range(25)})) == (DAY0, DAY0 + 684)


@pytest.mark.parametrize("per_day", [0.05, 0.3, 10.0])
def test_nothing_real_is_left_out(per_day: float) -> None:
    """Of shops that sell little or much, for a month or for years."""
    for seed in range(20):
        for days in (30, 300, 1000):
            log = busy(days, per_day, seed)
            assert span(log) == (min(log), max(log))


def test_seasons_beginnings_and_closings_are_real() -> None:
    """A shop that opens for Christmas, whose new season has had one sale; one that begins slowly; one that was shut."""
    christmas = Counter({DAY0 + 365 * year + day: 20 for year in range(3) for day in range(50)})
    assert span(christmas + Counter({DAY0 + 3 * 365: 1}))[1] == DAY0 + 3 * 365
    slowly = busy(300) + Counter({DAY0 - 40 + 5 * i: 1 for i in range(8)})
    assert span(slowly)[0] == DAY0 - 40
    shut = Counter({day: count for day, count in busy(300).items() if not DAY0 + 100 < day < DAY0 + 200})
    assert span(shut) == (DAY0, DAY0 + 299)


def test_a_few_events_span_what_they_span() -> None:
    """Who could say which of them is wrong?"""
    assert span({1: 1, 9000: 1}) == (1, 9000)
    assert span({7: 3}) == (7, 7)
    with pytest.raises(ValueError, match="no events"):
        span({})
