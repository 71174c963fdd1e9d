"""The terms of a subscription: what is paid until when, and what it brings."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from models.durations import DAY
from profiles.merge import merge
from profiles.money import Rates
from profiles.state import Limits
from profiles.subscriptions.terms import UNKNOWN, latest_value, monthly, moved, paid_until, spell_interval, told_end
from profiles.types import Subscription, Terms
from tests.build import T0, customer, event


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def told(role: str, day: float, amount: int = 0, currency: str = "EUR", **terms: Any) -> Any:
    return event(role, day, subject="s", amount=amount, currency=currency, terms=Terms(**terms))


@pytest.mark.parametrize(
    ("began", "interval", "ends"),
    [
        ("2026-01-31T10:00", "month", "2026-02-28T10:00"),
        ("2026-12-05T00:00", "month", "2027-01-05T00:00"),
        ("2024-02-29T12:00", "year", "2025-02-28T12:00"),
        ("2026-08-31T12:00", "half-year", "2027-02-28T12:00"),
        ("2026-11-30T12:00", "quarter", "2027-02-28T12:00"),
        ("2026-01-31T10:00", "week", "2026-02-07T10:00"),
    ],
)
def test_an_interval_ends_on_the_same_day_or_the_last(began: str, interval: str, ends: str) -> None:
    held = Subscription("s", moment(began), interval=[(0, interval)])
    assert paid_until(held, moment(began)) == moment(ends)


def test_the_end_that_is_told_counts_until_a_renewal_tells_none() -> None:
    """Then it is the interval, or a fixed period, from that renewal on."""
    held = Subscription("s", T0, ends=[(int(T0), T0 + 31 * DAY)])
    assert paid_until(held, T0 + DAY, 30 * DAY) == told_end(held, T0 + DAY) == T0 + 31 * DAY

    held.renewed = T0 + 31 * DAY
    assert told_end(held, T0 + 32 * DAY) is None
    assert paid_until(held, T0 + 32 * DAY) is None
    assert paid_until(held, T0 + 32 * DAY, 30 * DAY) == T0 + 61 * DAY
    assert paid_until(Subscription("s"), T0, 30 * DAY) is None


def test_each_figure_is_what_the_latest_says_that_says_it() -> None:
    """In any order, and over any profiles that merge."""
    events = [
        told("subscription_start", 0, ends=T0 + 365 * DAY, interval="year", seats=10, mrr=100_00),
        told("subscription_change", 50, seats=12),
        told("subscription_grow", 60, mrr=120_00),
        told("subscription_cancel", 90, ends=T0 + 100 * DAY),
    ]
    for order in permutations(events):
        whole, part = customer(*order), customer(*order[:2])
        merge(part, customer(*order[2:]), Limits())
        for profile in (whole, part):
            [held] = profile.subscriptions
            assert (latest_value(held.seats), latest_value(held.mrr), held.interval[-1][1]) == (12, 120_00, "year")
            assert (told_end(held, T0 + 95 * DAY), moved(held)) == (T0 + 100 * DAY, "up")
            assert (held.started, held.changed, held.ended) == (T0, T0 + 60 * DAY, T0 + 90 * DAY)


def test_money_of_unknown_worth_is_some_but_nobody_knows_how_much() -> None:
    """By the plan's rates it is known."""
    dollars = told("subscription_start", 0, currency="USD", mrr=100_00)
    unknown, free = customer(dollars), customer(told("subscription_start", 0, currency="USD", mrr=0))
    known = customer(dollars, limits=Limits(rates=Rates("EUR", {0.0: {"USD": 0.5}})))

    figures = [profile.subscriptions[0].mrr[-1][1] for profile in (unknown, free, known)]
    assert figures == [UNKNOWN, 0, 50_00]
    assert latest_value(unknown.subscriptions[0].mrr) is None


def test_it_moves_with_its_money_or_else_its_seats() -> None:
    assert moved(Subscription("s", mrr=[(1, 5), (2, 9), (3, 9)], seats=[(1, 9), (2, 3)])) == "up"
    assert moved(Subscription("s", mrr=[(1, 5), (2, UNKNOWN)], seats=[(1, 9), (2, 3)])) == "down"
    assert moved(Subscription("s", seats=[(1, 9)])) == ""


@pytest.mark.parametrize(("said", "spelt"), [(" Monthly ", "month"), ("P1Y", "year"), ("HALF_YEARLY", "half-year"),
                                             ("biennial", "biennial"), (7, ""), ("x" * 99, "")])  # fmt: skip
def test_intervals_have_one_spelling(said: object, spelt: str) -> None:
    assert spell_interval(said) == spelt


def test_an_amount_of_an_interval_comes_to_so_much_a_month() -> None:
    assert [monthly(1200, each) for each in ("year", "quarter", "month", "biennial")] == [100, 400, 1200, None]
    assert monthly(700, "week") == round(700 * 365.25 / 12 / 7)
