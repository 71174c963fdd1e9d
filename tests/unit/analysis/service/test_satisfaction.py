"""The worked examples of CSAT and NPS, by hand."""

from __future__ import annotations

import pytest

from analysis.running import run
from analysis.service.satisfaction import SATISFACTION, Asked, promoter_score
from tests.analysed import archived, happened


def test_csat_is_the_share_of_fours_and_fives() -> None:
    answers = [happened(f"c{n}", "csat", "01-10", rating=float(5 if n % 2 else 4)) for n in range(42)]
    answers += [happened(f"d{n}", "csat", "01-11", rating=3.0) for n in range(8)]
    [row] = run(SATISFACTION, archived(answers, until="02-10"), Asked(kind="csat")).rows
    assert (row["answers"], row["good"], row["score"]) == (50, 42, pytest.approx(84.0))
    assert (row["low"], row["high"]) == pytest.approx((71.5, 91.7), abs=0.05)


def test_nps_takes_the_newest_answer_of_each_customer() -> None:
    marks = [9, 10, 10, 9, 9, 10, 7, 8, 8, 3]
    answers = [happened(f"c{n}", "nps", "03-01", rating=float(mark)) for n, mark in enumerate(marks)]
    answers.append(happened("c0", "nps", "01-20", rating=3.0))
    [row] = run(SATISFACTION, archived(answers, until="04-10"), Asked(kind="nps", interval="quarter")).rows
    assert (row["answers"], row["good"], row["bad"], row["score"]) == (10, 6, 1, pytest.approx(50.0))
    assert (row["low"], row["high"]) == pytest.approx((-0.2, 77.1), abs=0.06)
    assert row["few"] == ["score", "mean"]


@pytest.mark.parametrize(
    ("good", "bad", "answers", "score", "low", "high"),
    [(50, 20, 100, 30.0, 14.1, 44.2), (10, 0, 10, 100.0, 47.5, 100.0)],
)
def test_the_interval_of_nps(good: int, bad: int, answers: int, score: float, low: float, high: float) -> None:
    assert promoter_score(good, bad, answers) == pytest.approx((score, low, high), abs=0.06)


def test_of_fewer_than_five_no_score_is_shown() -> None:
    answers = [happened(f"c{n}", "csat", "01-10", rating=5.0) for n in range(4)]
    [row] = run(SATISFACTION, archived(answers, until="02-10"), Asked()).rows
    assert (row["answers"], row["score"], row["low"]) == (4, None, None)
