"""What is at risk with a customer: the last horizon's net, times the risk."""

from __future__ import annotations

from models.cases.worth import net_within, value_at_risk
from models.durations import DAY
from profiles.types import Profile
from tests.console.people import NOW, customer


def test_orders_less_refunds_of_the_horizon_times_the_risk() -> None:
    ada = customer(risk=0.5)
    assert net_within(ada, NOW, 60 * DAY, "EUR") == 4001 + 500 - 500
    assert value_at_risk(ada, NOW, 60 * DAY, "EUR") == 2000
    assert value_at_risk(ada, NOW, 16 * DAY, "EUR") == 0  # a refund alone is no loss to come


def test_nobody_knows_it_without_a_score() -> None:
    assert value_at_risk(Profile("p"), NOW, DAY, "EUR") is None
