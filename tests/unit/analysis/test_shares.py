"""Shares with their intervals, and the least number of customers that may be shown."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from analysis.framing import Frame
from analysis.shares import of_whole

FRAME = Frame(now=datetime(2026, 1, 1, tzinfo=UTC), begins=date(2025, 1, 1))


def test_shares_of_few_are_blank() -> None:
    assert of_whole(2, 4, FRAME) == {"share": None, "share_low": None, "share_high": None, "share_of": 4}
    found = of_whole(42, 50, FRAME, "rate")
    assert found["rate"] == 0.84
    assert (found["rate_low"], found["rate_high"]) == pytest.approx((0.715, 0.917), abs=5e-4)
