"""The table of candidates, by hand and on a real log."""

from __future__ import annotations

import pytest

from models.backtest.horizon import horizons
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


def test_a_sample_that_is_too_small_is_said_to_be_with_how_many_are_needed() -> None:
    """Ten gaps: nine in ten of them is a share with a standard error of a tenth."""
    often = [i * 3 * WEEK for i in range(10)]
    found = horizons([often, [0.0, 40 * WEEK]], 100 * WEEK)

    assert found.recommended == 3
    assert found.error == pytest.approx(0.127, abs=0.001)  # by customers: those of one are all alike
    assert found.needed == 410
    assert "the sample is too small" in found.why
    assert "about 410 gaps are needed" in found.why


def test_with_enough_gaps_there_is_no_caution() -> None:
    """A thousand customers of two orders: their gaps tell of as many people."""
    found = horizons([[0.0, (number % 20 + 1) * WEEK] for number in range(1000)], 100 * WEEK)

    assert (found.recommended, found.needed) == (18, None)
    assert found.error == pytest.approx(0.0095, abs=0.0001)
    assert "sample" not in found.why


@pytest.mark.slow
@pytest.mark.parametrize(("customers", "few"), [(60, True), (1200, False)])
def test_on_a_part_of_cdnow_the_caution_ends_where_the_recommendation_is_steady(customers: int, few: bool) -> None:
    """60 customers have about 115 gaps, 1,200 have 2,300; of all, 29 weeks are recommended."""
    parts = [horizons(histories()[start :: 23_570 // customers], the_end()) for start in range(8)]

    assert {bool(part.needed) for part in parts} == {few}
    apart = max(abs((part.recommended or 0) - 29) for part in parts)
    assert (apart > 4) is few


@pytest.mark.slow
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
    assert found.needed is None
    assert "sample" not in found.why
