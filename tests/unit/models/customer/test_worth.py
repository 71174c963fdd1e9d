"""What a customer is worth and leaves, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from models.customer.config import CostsSpec
from models.customer.dealings import dealings_of
from models.customer.worth import Profit, Value, profit_of, value_of
from models.durations import DAY
from profiles.state import Limits, apply
from profiles.types import Event, Profile
from tests.build import LIMITS, T0, customer, event

NOW = T0 + 400 * DAY
NOTHING = CostsSpec()


def order(day: float, amount: int, number: str, category: str = "", **more: Any) -> Event:
    return event("purchase", day, amount=amount, subject=number, category=category, **more)


def value(profile: Profile, costs: CostsSpec = NOTHING) -> Value:
    return value_of(profile, dealings_of(profile), NOW, "EUR", costs)


def profit(profile: Profile, costs: CostsSpec, contacts: dict[str, int] | None = None) -> Profit:
    return profit_of(profile, dealings_of(profile), "EUR", costs, contacts)


def shopper() -> Profile:
    """100.00 on day 10, which is over a year ago; 60.00 of machines on day 100; 40.00 of coffee on day 200, of which
    15.00 were paid back on day 210; and 30.00 of the first on day 390."""
    return customer(
        order(10, 10_000, "A"),
        order(100, 6_000, "B", "Machines"),
        order(200, 4_000, "C", "Coffee"),
        event("refund", 210, amount=1_500, subject="C"),
        event("refund", 390, amount=3_000, subject="A"),
    )


def test_a_year_and_ever_with_refunds_on_their_own_day() -> None:
    found = value(shopper())

    assert found.year is not None
    assert (found.year.orders, found.year.revenue, found.year.net) == (2, 10_000, 10_000 - 4_500)
    assert (found.ever.orders, found.ever.revenue, found.ever.net) == (3, 20_000, 20_000 - 4_500)
    assert (found.year.average, found.ever.average) == (5_000, 6_667)  # 20,000 / 3
    assert (found.year.margin, found.ever.margin) == (None, None)  # nobody says what goods cost


def test_margin_is_net_less_goods_by_category_else_by_the_plan() -> None:
    found = value(shopper(), CostsSpec(margin=0.4, margins={"Machines": 0.25}))

    # Of the year: machines cost 75 % of 60.00, coffee 60 % of 40.00: 45.00 + 24.00. Of A, 60 % of 100.00.
    assert found.year is not None
    assert found.year.margin == 5_500 - (4_500 + 2_400)
    assert found.ever.margin == 15_500 - (4_500 + 2_400 + 6_000)


def test_who_bought_of_a_category_that_has_no_margin_has_none() -> None:
    assert value(shopper(), CostsSpec(margins={"Machines": 0.25})).ever.margin is None


def test_who_never_bought_has_no_average() -> None:
    found = value(customer(event("visit", 399)))

    assert found.year is not None
    assert (found.year.orders, found.year.net, found.year.average) == (0, 0, None)


def test_what_has_no_rate_is_counted_and_in_no_sum() -> None:
    found = value(customer(order(300, 5_000, "A"), order(310, 9_900, "B", currency="USD")))

    assert (found.ever.orders, found.ever.revenue, found.ever.average, found.ever.left_out) == (2, 5_000, 5_000, 1)


def test_a_year_whose_orders_are_no_longer_kept_one_by_one_is_not_known() -> None:
    many = customer(*(order(300 + n / 10, 100, str(n)) for n in range(20)), limits=Limits(ledger=2))
    found = value(many, CostsSpec(margin=0.5))

    assert found.year is None
    assert (found.ever.orders, found.ever.revenue, found.ever.margin) == (20, 2_000, 1_000)
    assert LIMITS.ledger > 20  # as nobody is limited


def test_profit_takes_every_cost_that_the_plan_says() -> None:
    profile = shopper()
    for happened in (event("ticket_opened", 220, subject="t"), event("contact_made", 230), event("contact_made", 240)):
        apply(profile, happened, "EUR", LIMITS)
    costs = CostsSpec(margin=0.4, shipping=4.5, fee=0.02, ticket=6, contact={"other": 0.5}, refund=3)
    found = profit(profile, costs)

    # Goods 60 % of 200.00; three orders sent; 2 % of 200.00; a ticket; two contacts; two refunds.
    assert [(cost.name, cost.amount, cost.count) for cost in found.costs] == [
        ("goods", 12_000, None), ("shipping", 1_350, 3), ("fees", 400, None), ("tickets", 600, 1),
        ("contacts", 100, 2), ("refunds", 600, 2),
    ]  # fmt: skip
    assert found.profit == 15_500 - 12_000 - 1_350 - 400 - 600 - 100 - 600
    assert found.unknown == []


def test_what_costs_nobody_knows_is_said_and_never_taken_for_nothing() -> None:
    found = profit(shopper(), CostsSpec(margin=0.4))

    assert found.profit == 15_500 - 12_000
    assert found.unknown == ["shipping", "fees", "refunds"]  # there was no ticket and no contact
    assert profit(shopper(), NOTHING).profit is None


@pytest.mark.parametrize(
    ("costs", "amount"),
    [
        ({"phone": 6.0, "other": 0.1}, 620),  # one call, and two of others
        ({"phone": 6.0}, None),
        ({"phone": 6.0, "email": 0.0}, None),  # one is of no known channel
    ],
)
def test_contacts_cost_by_channel(costs: dict[str, float], amount: int | None) -> None:
    profile = customer(*(event("contact_made", day) for day in (1, 2, 3)))
    found = profit(profile, CostsSpec(margin=0.4, contact=costs), {"phone": 1, "email": 1})

    assert found.costs[4].amount == amount
