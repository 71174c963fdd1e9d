"""The table of candidates, by hand and on a real log."""

from __future__ import annotations

import pytest

from models.horizon import horizons
from tests.models.cdnow import histories, the_end

DAY, WEEK = 86400.0, 7 * 86400.0


def test_the_shortest_horizon_that_nine_in_ten_gaps_fit_into_is_recommended() -> None:
    """Nine gaps of 3 weeks and one of 40."""
    often = [i * 3 * WEEK for i in range(10)]
    seldom = [0.0, 40 * WEEK]

    found = horizons([often, seldom], 100 * WEEK)

    assert (found.customers, found.gaps, found.recommended) == (2, 10, 3)
    assert {row.weeks: row.gaps_within for row in found.candidates}[26] == 0.9
    assert "90" in found.why


def test_a_silence_that_an_order_ended_within_half_a_year_was_a_false_alarm() -> None:
    """Both fell silent for 4 weeks; one came back in the tenth week, one in the fortieth."""
    found = horizons([[0.0, 10 * WEEK], [0.0, 40 * WEEK]], 41 * WEEK, candidates=(4,))

    row = found.candidates[0]
    assert (row.spells, row.false_churn) == (3, pytest.approx(1 / 3))


def test_orders_of_one_occasion_are_no_gap() -> None:
    """Two orders an hour apart say nothing about habits."""
    found = horizons([[0.0, 3600.0, 5 * WEEK]], 20 * WEEK)

    assert found.gaps == 1


def test_a_history_that_is_too_short_says_so() -> None:
    """And nobody is asked about what cannot be known."""
    found = horizons([[0.0, 8 * WEEK]], 9 * WEEK)

    assert [row.weeks for row in found.candidates] == [4, 8]
    assert found.candidates[1].churn_active is None
    assert "short" in found.why
    assert horizons([[0.0]], 9 * WEEK).recommended is None
    assert horizons([], 9 * WEEK).as_dict()["candidates"] == []


def test_on_cdnow_it_finds_the_published_shares() -> None:
    """44,021 gaps of 23,570 customers: 74.4 % within 13 weeks and 88.5 % within 26; 27.7 % and 17.1 % false churn."""
    found = horizons(histories(), the_end())

    by_weeks = {row.weeks: row for row in found.candidates}
    assert (found.customers, found.gaps) == (23_570, 44_021)
    assert by_weeks[13].gaps_within == pytest.approx(0.744, abs=0.0005)
    assert by_weeks[26].gaps_within == pytest.approx(0.885, abs=0.0005)
    assert by_weeks[13].false_churn == pytest.approx(0.277, abs=0.0005)
    assert by_weeks[26].false_churn == pytest.approx(0.171, abs=0.0005)
    assert by_weeks[26].churn_active == pytest.approx(0.46, abs=0.02)
    assert found.recommended == 29
