"""What a customer wants and did not get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from models.customer.wishes import Wishes, wishes_of
from models.durations import DAY
from profiles.traces.taking import Tracing
from profiles.types import Profile
from tests.build import LIMITS, T0, customer, event

LIMITED = replace(
    LIMITS,
    tracing=Tracing(
        left={
            "search": lambda event: [("search", event.subject, "")],
            "stock_alert": lambda event: [("missing", event.subject, "")],
            "purchase": lambda event: [("bought", event.category, "")],
        }
    ),
)


def test_searches_of_ninety_days_and_what_they_still_wait_for() -> None:
    profile = customer(
        event("search", 0, subject="decaf"), event("search", 20, subject="oat milk"),
        event("search", 50, subject="decaf", id="again"), event("search", 5, subject="tea"),
        event("stock_alert", 10, subject="mill"), event("purchase", 30, amount=100, category="mill"),
        event("stock_alert", 40, subject="cup"), event("purchase", 20, amount=100, category="cup"),
        limits=LIMITED,
    )  # fmt: skip
    found = wishes_of(profile, T0 + 100 * DAY, UTC)

    assert [(wish.what, wish.days) for wish in found.searched] == [("decaf", 50), ("oat milk", 80)]
    assert [(wish.what, wish.days) for wish in found.waits] == [("cup", 60)]
    assert wishes_of(Profile("p"), T0, UTC) == Wishes([], [])
