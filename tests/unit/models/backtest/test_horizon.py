"""The table of candidates, by hand and on a real log."""

from __future__ import annotations

import pytest

from models.backtest.horizon import horizons
from tests.models.cdnow import histories, the_end

DAY, WEEK = 86400.0, 7 * 86400.0


def test_every_customer_has_one_vote_however_often_they_order() -> None:
    """Nine gaps of 3 weeks of one, one of 40 weeks of another: counted by gaps, 3 weeks would be enough."""
    often = [i * 3 * WEEK for i in range(10)]
    seldom = [0.0, 40 * WEEK]

    found = horizons([often, seldom], 100 * WEEK)

    assert (found.customers, found.repeaters, found.gaps, found.recommended) == (2, 2, 10, 40)
    assert {row.weeks: row.gaps_within for row in found.candidates}[26] == pytest.approx(0.5)
    assert (found.usual_gap, found.label_recommended) == (3.0, 3)


def test_a_horizon_of_whose_silences_half_end_is_not_recommended() -> None:
    """Gaps of a week, but for one of ten weeks now and then: nine in ten fit into a week, and most silences end."""
    gaps = ([1.0] * 19 + [10.0]) * 3
    histories = [[sum(gaps[:n]) * WEEK for n in range(len(gaps))] for _ in range(10)]

    found = horizons(histories, 150 * WEEK, candidates=(1,))

    assert {row.weeks: row.gaps_within for row in found.candidates}[1] == pytest.approx(0.96, abs=0.01)
    assert found.recommended == 10
    assert "of the silences of 1 weeks end with an order" in found.why


@pytest.mark.parametrize(
    ("label", "gaps", "warning"),
    [
        (2, [30 / 7], "set churn.label_horizon to 5w or more"),  # invoices by the month
        (5, [30 / 7], ""),
        (4, [2.0, 6.0, 9.0], "33% of the gaps fit into it, which is enough"),
        (4, [5.0, 6.0, 9.0], "set churn.label_horizon to 5w or more"),
    ],
)
def test_labels_shorter_than_the_usual_gap_are_told(label: int, gaps: list[float], warning: str) -> None:
    histories = [[0.0, gaps[number % len(gaps)] * WEEK] for number in range(60)]

    found = horizons(histories, 100 * WEEK, label_horizon=label * WEEK)

    assert warning in found.warning
    assert bool(found.warning) == bool(warning)
    assert found.label_recommended is not None
    assert not horizons(histories, 100 * WEEK).warning


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
    """Ten customers: nine in ten of them is a share with a standard error of a tenth."""
    found = horizons([[0.0, (3.0 if number else 40.0) * WEEK] for number in range(10)], 100 * WEEK)

    assert found.recommended == 3
    assert found.error == pytest.approx(0.095, abs=0.001)
    assert found.needed == 230
    assert "the sample is too small" in found.why
    assert "about 230 are needed" in found.why


def test_with_enough_customers_there_is_no_caution() -> None:
    """A thousand customers of two orders."""
    found = horizons([[0.0, (number % 20 + 1) * WEEK] for number in range(1000)], 100 * WEEK)

    assert (found.recommended, found.needed) == (18, None)
    assert found.error == pytest.approx(0.0095, abs=0.0001)
    assert "sample" not in found.why


@pytest.mark.slow
@pytest.mark.parametrize(("customers", "few"), [(60, True), (1200, False)])
def test_on_a_part_of_cdnow_the_caution_ends_where_the_recommendation_is_steady(customers: int, few: bool) -> None:
    """Of 60 customers some 29 order again, of 1,200 some 590; of all, 45 weeks are recommended."""
    parts = [horizons(histories()[start :: 23_570 // customers], the_end()) for start in range(8)]

    assert {bool(part.needed) for part in parts} == {few}
    apart = max(abs((part.recommended or 0) - 45) for part in parts)
    assert (apart > 6) is few


@pytest.mark.slow
def test_on_cdnow_it_finds_the_published_shares() -> None:
    """44,021 gaps of 23,570 customers: 27.7 % of the silences of 13 weeks and 17.1 % of 26 weeks end."""
    found = horizons(histories(), the_end(), label_horizon=4 * WEEK)

    by_weeks = {row.weeks: row for row in found.candidates}
    assert (found.customers, found.gaps) == (23_570, 44_021)
    assert by_weeks[13].false_churn == pytest.approx(0.277, abs=0.0005)
    assert by_weeks[26].false_churn == pytest.approx(0.171, abs=0.0005)
    assert by_weeks[26].churn_active == pytest.approx(0.46, abs=0.02)
    assert (found.recommended, found.label_recommended) == (45, 3)
    assert "enough" in found.warning  # irregular: a third of the gaps fits into four weeks
    assert found.needed is None
    assert "sample" not in found.why
