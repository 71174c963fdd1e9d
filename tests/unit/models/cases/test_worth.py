"""What is at risk with a customer: the last horizon's net, times the risk; with a company: its contracts."""

from __future__ import annotations

from models.cases.worth import FORMULA, FORMULA_OF_CONTRACTS, formula_of, net_within, value_at_risk
from models.durations import DAY
from profiles.types import Profile, Score, Subscription
from tests.console.people import NOW, customer


def test_orders_less_refunds_of_the_horizon_times_the_risk() -> None:
    ada = customer(risk=0.5)
    assert net_within(ada, NOW, 60 * DAY, "EUR") == 4001 + 500 - 500
    assert value_at_risk(ada, NOW, 60 * DAY, "EUR") == 2000
    assert value_at_risk(ada, NOW, 16 * DAY, "EUR") == 0  # a refund alone is no loss to come


def test_nobody_knows_it_without_a_score() -> None:
    assert value_at_risk(Profile("p"), NOW, DAY, "EUR") is None


def test_with_a_company_its_contracts_that_last_for_as_long_as_the_horizon() -> None:
    """In whatever members pay by, what they bring a month is known; one that has ended brings nothing."""
    firm = Profile("~c", score=Score(0.5, "medium", NOW, "scorecard"))
    firm.purchases = customer(risk=0.5).purchases
    assert (value_at_risk(firm, NOW, 60 * DAY, "EUR"), formula_of(firm)) == (
        2250,
        FORMULA,
    )
    runs = Subscription("main", started=1, mrr=[(1, 90_000), (2, 100_000)])
    more = Subscription("seats", started=1, mrr=[(1, 20_000)])
    over = Subscription("old", started=1, ended=2, mrr=[(1, 700_000)])
    firm.subscriptions = [runs, more, over]
    assert value_at_risk(firm, NOW, 365.25 * DAY / 4, "EUR") == round(0.5 * 3 * 120_000)
    assert formula_of(firm) == FORMULA_OF_CONTRACTS
    person = Profile("p", score=firm.score, purchases=firm.purchases, subscriptions=[runs])
    assert formula_of(person) == FORMULA
