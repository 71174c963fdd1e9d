"""Intervals and what is said of them: published figures, and the least numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from analysis.framing import Frame
from analysis.statistics import against, difference_of_shares, of_whole, share

FRAME = Frame(now=datetime(2026, 1, 1, tzinfo=UTC), begins=date(2025, 1, 1))


def test_published_intervals() -> None:
    """Newcombe (1998): 81 of 263 (Wilson), and 56 of 70 against 48 of 80 (method 10)."""
    assert share(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert difference_of_shares(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_change_is_one_if_the_interval_excludes_none() -> None:
    assert against(56, 70, 48, 80) == "up"
    assert against(48, 80, 56, 70) == "down"
    assert against(9, 10, 3, 10) == "up"
    assert against(6, 10, 5, 10) == "same"
    assert against(0, 0, 5, 10) == ""


def test_shares_of_few_are_blank() -> None:
    assert of_whole(2, 4, FRAME) == {"share": None, "share_low": None, "share_high": None}
    found = of_whole(42, 50, FRAME, "rate")
    assert found["rate"] == 0.84
    assert (found["rate_low"], found["rate_high"]) == pytest.approx((0.715, 0.917), abs=5e-4)
