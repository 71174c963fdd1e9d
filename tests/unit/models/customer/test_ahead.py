"""What is expected of a customer, apart from what was."""

from __future__ import annotations

import pytest

from models.churn.outlook import Interval
from models.customer.ahead import Ahead, Base, ahead_of
from models.customer.worth import Worth

ENOUGH = Base(200, 50)
SOLD = Worth(4, 20_000, 18_000, 6_000, 5_000, 0)  # 15.00 of margin an order
ORDERS = Interval(1.0, 2.5, 4.2)


def test_the_orders_of_a_year_times_the_margin_of_one() -> None:
    assert ahead_of(SOLD, ORDERS, ENOUGH) == Ahead(6_000, 3_750, 1_500, 6_300, 2.5, None)


def test_who_costs_money_is_expected_to() -> None:
    found = ahead_of(Worth(4, 20_000, 18_000, -400, 5_000, 0), ORDERS, ENOUGH)

    assert (found.expected, found.low, found.high) == (-250, -420, -100)


@pytest.mark.parametrize(
    ("sold", "orders", "base", "why"),
    [
        (SOLD, None, ENOUGH, "no_score"),
        (SOLD, ORDERS, Base(199, 50), "few_customers"),
        (SOLD, ORDERS, Base(200, 49), "few_customers"),
        (Worth(4, 20_000, 18_000, None, 5_000, 0), ORDERS, ENOUGH, "no_margin"),
        (Worth(0, 0, 0, 0, None, 0), ORDERS, ENOUGH, "no_score"),
    ],
)
def test_nothing_is_expected_where_that_cannot_be_known(
    sold: Worth, orders: Interval | None, base: Base, why: str
) -> None:
    found = ahead_of(sold, orders, base)

    assert (found.so_far, found.expected, found.why) == (sold.margin, None, why)
