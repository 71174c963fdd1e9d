"""The risk of a company: what it is about, what raises it, and that its words are those of its time."""

from __future__ import annotations

import math

import pytest

from models.churn.panel import basis
from models.churn.reasons import explain
from models.companies.risk import score_company
from models.companies.scorecard import BASE, BY_HAND, WEIGHTS
from models.companies.signals import Signals, ground_of, signals_of
from models.companies.words import why_no_risk
from models.config import Bands, ChurnConfig
from models.durations import WEEK
from models.segments.lifecycle import Lifecycles
from profiles.companies.days import DAY
from profiles.types import Opinion, Part, Profile, Subscription, Tally, Ticket
from tests.unit.models.companies.test_measures import EVERY_WEEK, MONDAY, NOW, UNTIL_THREE_WEEKS_AGO, company, member

BY_CONTRACT = ground_of(
    ChurnConfig.model_validate({"definitions": [{"name": "cancels", "ends_by": {"subscription": "ended"}}]})
)
BY_USE = ground_of(ChurnConfig())


def subscribed(*parts: Part) -> Profile:
    return company(*parts, subscriptions=[Subscription("s", started=MONDAY * DAY)])


def test_a_plan_that_says_how_contracts_end_asks_only_of_who_has_one() -> None:
    """Else it is about who works with it at all."""
    team = [member(EVERY_WEEK)] * 3
    ended = subscribed(*team)
    ended.subscriptions[0].ended = NOW - DAY

    assert signals_of(company(*team), NOW, BY_CONTRACT) is None
    assert why_no_risk(company(*team), NOW, BY_CONTRACT) == "there is no contract that could end"
    assert signals_of(ended, NOW, BY_CONTRACT) is None
    assert why_no_risk(ended, NOW, BY_CONTRACT) == "the contract has ended"
    assert signals_of(subscribed(), NOW, BY_CONTRACT) is not None
    assert signals_of(company(*team), NOW, BY_USE) is not None
    assert score_company(company(), NOW, BY_USE, Bands()) is None
    assert why_no_risk(company(), NOW, BY_USE) == "nobody has worked with it for half a year"


def test_a_company_whose_paid_period_is_over_has_no_risk_as_its_stage_says() -> None:
    """Though it has not cancelled: by the definition that waits for that it could still leave."""
    ends = [
        {"name": "cancels", "ends_by": {"subscription": "ended"}},
        {"name": "revenue", "ends_by": {"subscription": "ended", "period": "told", "grace": "14d"}},
    ]
    churn = ChurnConfig.model_validate({"definitions": ends})
    acme = subscribed(*[member(EVERY_WEEK)] * 3)
    acme.subscriptions[0].ends = [(MONDAY * DAY, NOW - 60 * DAY)]

    assert Lifecycles(churn).stage(acme, NOW) == "churned"
    assert signals_of(acme, NOW, ground_of(churn)) is None
    assert why_no_risk(acme, NOW, ground_of(churn)) == "the contract has ended"


def test_reasons_and_base_add_up_to_the_risk_and_say_what_was() -> None:
    """As of the score, whatever has become of the company since."""
    acme = subscribed(*[member(EVERY_WEEK)] * 3, *[member(UNTIL_THREE_WEEKS_AGO)] * 2)
    acme.tickets = [Ticket("t", opened=NOW - 9 * DAY)]
    acme.roles = {"payment_failed": Tally(1, NOW - 4 * DAY, NOW - 4 * DAY)}
    acme.opinions = {"nps": Opinion(1, 2.0, 2.0, NOW - WEEK)}

    score = score_company(acme, NOW, BY_CONTRACT, Bands())
    signals = signals_of(acme, NOW, BY_CONTRACT)
    assert score is not None
    assert signals is not None

    assert math.log(score.risk / (1 - score.risk)) == pytest.approx(BASE + sum(BY_HAND.shares(signals).values()))
    acme.score, before = score, score.reasons
    acme.tickets, acme.roles = [], {}
    texts = [each.text for each in explain(acme, before)]
    assert "Active members a week are 40% fewer than usual in the 12 weeks before" in texts
    assert "1 ticket waited for 3 days or came back in the last 13 weeks" in texts
    assert "The last answer to a survey was a bad one" in texts
    assert [each.effect for each in explain(acme, before)] == ["raises"] * 4
    assert "set by hand" in basis(score.model)


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_signal_says_itself_in_words_that_agree_with_its_sign(name: str) -> None:
    """Those for the company lower the risk, the others raise it, and none is told by its name."""
    from models.companies.words import PREFIX, reason_in_words  # noqa: PLC0415  (only here)

    (share,) = BY_HAND.shares(Signals(**{name: 1.0})).values()

    assert (share < 0) == (name in ("champion", "happy", "runs"))
    assert not reason_in_words(PREFIX + name, 1.0).startswith(PREFIX)
    assert reason_in_words(PREFIX + "unknown", 1.0) == PREFIX + "unknown"


def test_a_champion_who_went_counts_until_another_one_is_there() -> None:
    """With whom it is a reason to stay."""
    went = subscribed(member(range(115)), member(EVERY_WEEK), member(EVERY_WEEK))
    followed = subscribed(member(range(115)), member(range(100, 141)), member(EVERY_WEEK))

    alone, both = signals_of(went, NOW, BY_CONTRACT), signals_of(followed, NOW, BY_CONTRACT)

    assert alone is not None
    assert both is not None
    assert (alone.champion_gone, alone.champion) == (1.0, 0.0)
    assert (both.champion_gone, both.champion) == (0.0, 1.0)
