"""What led a customer to order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from models.customer.dealings import dealings_of
from models.customer.leanings.comings import ShareOf
from models.customer.leanings.drivers import Drivers, drivers_of
from profiles.traces.begun import code_of
from profiles.traces.taking import Tracing
from profiles.types import Event, Profile
from tests.build import LIMITS, customer, event

LIMITED = replace(
    LIMITS,
    tracing=Tracing(
        left={"purchase": lambda event: [("coupon", "", "")] if event.category == "less" else []},
        begun=lambda event: code_of(event.subject, "web", ""),
    ),
)


def found(*events: Event) -> Drivers:
    profile = customer(*events, limits=LIMITED)
    return drivers_of(profile, dealings_of(profile), UTC)


def visit(day: float, origin: str) -> Event:
    return event("visit", day, subject=origin)


def order(day: float, category: str = "") -> Event:
    return event("purchase", day, amount=100, subject=f"o{day}", category=category)


def test_an_order_is_of_what_its_day_began_with_or_of_its_discount() -> None:
    """T0 is at 22:13 UTC: .01 of a day later is the same day."""
    history = [
        visit(1, "search"), visit(1.005, "direct"), order(1.01), visit(2, "campaign"), order(2.01, "less"),
        visit(3, "search"), order(3.01), visit(4, "direct"), order(4.01),
        order(5.01),  # nobody saw them come
        visit(6.02, "campaign"), order(6.01),  # …before they ordered
        visit(7, ""), order(7.01),
    ]  # fmt: skip

    assert found(*history) == Drivers([ShareOf("search", 0.5), ShareOf("direct", 0.25), ShareOf("discount", 0.25)], 4)


def test_of_fewer_than_three_orders_nothing_is_said() -> None:
    assert found(visit(1, "search"), order(1.01), visit(2, "search"), order(2.01)) == Drivers([], 2)
    assert drivers_of(Profile("p"), dealings_of(Profile("p")), UTC) == Drivers([], 0)
