"""Intervals and what is said of them: published figures."""

from __future__ import annotations

import pytest

from analysis.statistics import against, difference_of_shares, share


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
