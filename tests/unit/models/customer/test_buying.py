"""What is usual for a customer, by hand."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from models.customer.buying import Buying, buying_of
from models.customer.dealings import dealings_of
from models.durations import DAY
from profiles.types import Event, Profile
from tests.build import T0, buyer, customer, event

FIRST = T0 - T0 % DAY  # 14 November 2023, midnight UTC
NOON = (FIRST - T0) / DAY + 0.5


def usual(profile: Profile, day: float, zone: str = "UTC") -> Buying:
    """As of noon so many days after 14 November."""
    return buying_of(dealings_of(profile), FIRST + (day + 0.5) * DAY, UTC if zone == "UTC" else ZoneInfo(zone))


def test_the_gap_is_the_median_between_days_of_purchase() -> None:
    """Days 0, 10, 12 (twice), 40: gaps of 10, 2, 28; and it is day 45."""
    found = usual(buyer(*(NOON + day for day in (0, 10, 12, 12.2, 40))), 45)

    assert (found.gap, found.elapsed, found.past) == (10.0, 5, 0.5)


def test_only_the_latest_eight_count() -> None:
    days = [0, 100, 200, *(200 + 10 * n for n in range(1, 9))]

    assert usual(buyer(*(NOON + day for day in days)), 300).gap == 10


def test_two_days_make_no_habit() -> None:
    found = usual(buyer(NOON, NOON + 7, NOON + 7.1), 10)

    assert (found.gap, found.elapsed, found.past) == (None, 3, None)


def test_who_never_bought() -> None:
    assert usual(customer(event("visit", 1)), 10) == Buying(None, None, None, None, [])


def test_days_are_cut_in_the_plans_zone() -> None:
    """At 20:00 and 02:00 UTC: two days there, one in Shanghai (04:00 and 10:00)."""
    evening, night = NOON + 8 / 24, NOON + 14 / 24
    profile = buyer(evening, night, NOON + 9)

    assert usual(profile, 20).gap == 4.5  # days 0, 1, 9: gaps of 1 and 8
    assert usual(profile, 20, "Asia/Shanghai").gap is None


def test_favourites_are_what_was_bought_again_and_kept() -> None:
    def order(day: float, number: str, category: str, items: float) -> Event:
        return event("purchase", day, amount=1_000, subject=number, category=category, quantity=items)

    profile = customer(
        order(1, "a", "Coffee", 1), order(2, "b", "Coffee", 2), order(3, "c", "Tea", 2), order(4, "d", "Tea", 4),
        order(5, "e", "Machines", 9), order(6, "f", "Filters", 1), order(7, "g", "Filters", 1),
        order(8, "h", "Filters", 5), event("refund", 9, amount=1_000, subject="h"),
    )  # fmt: skip
    found = usual(profile, 20).favourites

    # Machines were bought once; the five filters came back.
    assert [(each.category, each.items, each.orders) for each in found] == [
        ("Tea", 6, 2), ("Coffee", 3, 2), ("Filters", 2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ((0, 30, 61), 14),  # 14 November, 14 December, 14 January
        ((17, 16 + 31, 18 + 61), 1),  # 1, 31 December and 1 February: around the turn of the month
        ((0, 30), None),
        ((0, 40, 81), None),  # 14 November, 24 December, 3 February
    ],
)
def test_the_day_of_paying(days: tuple[int, ...], found: int | None) -> None:
    profile = customer(*(event("payment", NOON + day, amount=100, subject=str(day)) for day in days))

    assert usual(profile, 200).payment_day == found
