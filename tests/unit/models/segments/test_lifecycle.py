"""The stage follows what leaving means for whom: orders of a buyer, the contract of a company, use of its people."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import ChurnConfig
from models.durations import DAY
from models.labels.outcomes import keep, signs_of
from models.segments.lifecycle import Lifecycles
from profiles.state import Limits
from profiles.types import Affiliation, Churn, Member, Profile, Score, Terms
from tests.build import CONFIG, T0, buyer, customer, event

OWN = Lifecycles(CONFIG)
B2B = ChurnConfig.model_validate(
    {
        "horizon": "10w",
        "label_horizon": "5w",
        "definitions": [
            {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "13w"},
            {"name": "revenue", "ends_by": {"mrr": 0, "period": "told", "grace": "5d"}, "horizon": "26w"},
            {"name": "unused", "ends_by": {"disuse": ["reports"]}, "horizon": "4w", "label_horizon": "1w"},
        ],
    }
)
LIVES = Lifecycles(B2B)
LIMITS = Limits(signs=signs_of(B2B.definitions))


def day(number: float) -> float:
    return T0 + number * DAY


@pytest.mark.parametrize(
    ("orders", "when", "band", "expected"),
    [
        ((), 0, None, "prospect"),
        ((0,), 1, "high", "new"),
        ((0,), 31, "low", "active"),
        ((0, 40), 50, "medium", "active"),
        ((0, 10, 20, 30), 50, "low", "loyal"),
        ((0, 10, 20, 30), 50, "high", "at_risk"),
        ((0,), 182, "low", "churned"),
        ((0, 200), 210, "high", "won_back"),
        ((0, 200), 261, "low", "active"),
    ],
)
def test_the_stage_by_orders(orders: tuple[float, ...], when: float, band: str | None, expected: str) -> None:
    profile = buyer(*orders) if orders else Profile("x")
    profile.score = Score(0.5, band, T0, "m") if band else None

    assert OWN.stage(profile, day(when)) == expected
    profile.score = Score(0.5, band, T0, "m") if band and when < 70 else None
    if when < 70:  # nobody who belongs to no company is asked for more
        assert LIVES.stage(profile, day(when)) == expected


def seen(lives: Lifecycles, profile: Profile, now: float = T0) -> list[tuple[str, float]]:
    """The stages that silence leads through, at the times that were foreseen, with the days on which they begin."""
    found = []
    while now < math.inf:
        lives.move(profile, now)
        if not found or found[-1][0] != profile.stage:
            found.append((profile.stage, round((now - T0) / DAY, 6)))
        following = lives.next_change(profile, now)
        if following is None:
            break
        assert lives.stage(profile, following - 1e-3) == profile.stage
        now = following
    return found


def test_silence_moves_a_customer_through_the_stages_at_the_foreseen_times() -> None:
    profile = buyer(0)

    assert seen(OWN, profile) == [("new", 0), ("active", 30), ("churned", 182)]
    assert profile.stages == [("new", T0), ("active", T0 + 30 * DAY)]
    assert not OWN.move(profile, day(183))


def test_few_earlier_stages_are_kept() -> None:
    profile = buyer(0)
    for i in range(30):
        profile.score = Score(0.5, "high" if i % 2 else "low", T0, "m")
        OWN.move(profile, T0 + (40 + i) * DAY)

    assert len(profile.stages) == 8


def firm(*told: tuple[str, float, Terms | None], paid: tuple[float, ...] = (), subject: str = "s1") -> Profile:
    """A company with a contract, and the days of its invoices."""
    contract = [
        event(role, when, subject=subject, amount=900, terms=terms or Terms(), id=f"{role}-{when}")
        for role, when, terms in told
    ]
    invoices = [event("purchase", when, amount=900) for when in paid]
    return customer(*contract, *invoices, id="~acme", limits=LIMITS)


def by_year(ends: float) -> Terms:
    return Terms(day(ends), "year", None, 900)


def test_who_pays_by_the_year_stays_active_between_two_invoices() -> None:
    """Ten weeks without an invoice said `churned`; what is paid for a year lasts for a year, and five days of grace."""
    company = firm(("subscription_start", 0, by_year(365)), paid=(1,))

    assert seen(LIVES, company) == [("new", 0), ("active", 30), ("loyal", 364), ("churned", 370)]


def test_an_interval_is_enough() -> None:
    """Where nobody tells an end."""
    company = firm(("subscription_start", 0, Terms(None, "year", None, 900)), paid=(1,))

    assert LIVES.stage(company, day(360)) == "active"
    assert LIVES.stage(company, day(372)) == "churned"


def test_one_who_pays_by_the_month_and_does_not_renew_has_left_before_ten_weeks() -> None:
    company = firm(("subscription_start", 0, Terms(day(30), "month", None, 900)), paid=(1,))

    assert LIVES.stage(company, day(34)) == "active"
    assert LIVES.stage(company, day(36)) == "churned"


def test_a_contract_that_is_cancelled_and_still_paid_is_at_risk() -> None:
    company = firm(("subscription_start", 0, by_year(365)), ("subscription_cancel", 200, Terms(day(365))), paid=(1,))

    assert LIVES.stage(company, day(201)) == "at_risk"
    assert LIVES.stage(company, day(366)) == "churned"


def test_the_risk_of_a_company_puts_it_at_risk() -> None:
    company = firm(("subscription_start", 0, by_year(365)), paid=(1,))
    company.score = Score(0.8, "high", T0, "company-rules-1")

    assert LIVES.stage(company, day(100)) == "at_risk"


@pytest.mark.parametrize(
    ("told", "won_back"),
    [
        # a year that ended, and another one four weeks later
        ([("subscription_start", 0, by_year(365)), ("subscription_cancel", 360, Terms(day(365))),
          ("subscription_start", 393, by_year(758))], True),
        # the same, of which nobody told an end
        ([("subscription_start", 0, by_year(365)), ("subscription_start", 393, by_year(758))], True),
        # renewed in time, within the grace, after a notice
        ([("subscription_start", 0, by_year(365)), ("subscription_renew", 365, by_year(730))], False),
        ([("subscription_start", 0, by_year(365)), ("subscription_renew", 368, by_year(733))], False),
        ([("subscription_start", 0, by_year(365)), ("subscription_cancel", 320, Terms(day(365))),
          ("subscription_renew", 365, by_year(730))], False),
    ],
)  # fmt: skip
def test_whose_contract_began_anew_is_won_back(told: list[tuple[str, float, Terms]], won_back: bool) -> None:
    for order in permutations(told):
        company = firm(*order)
        assert (LIVES.stage(company, day(400)) == "won_back") is won_back, order
        assert LIVES.stage(company, day(393 + 61)) == "loyal"


def test_who_changes_to_another_contract_is_not_won_back() -> None:
    before = [("subscription_start", 0.0, by_year(365)), ("subscription_cancel", 200.0, Terms(day(200)))]
    company = customer(
        *(event(role, when, subject="old", amount=900, terms=terms) for role, when, terms in before),
        event("subscription_start", 200.5, subject="new", amount=1900, terms=by_year(565)),
        id="~acme",
    )

    assert LIVES.stage(company, day(210)) == "active"


def test_a_company_without_a_contract_goes_by_what_it_pays() -> None:
    """Nobody told of a subscription; only invoices came."""
    assert LIVES.stage(firm(paid=(0, 30, 60)), day(100)) == "active"
    assert LIVES.stage(firm(paid=(0, 30, 60)), day(131)) == "churned"
    assert LIVES.stage(Profile("~acme"), day(131)) == "prospect"


def test_a_company_of_a_plan_without_contracts_goes_by_use() -> None:
    plan = B2B.changed({"definitions": [B2B.definitions[2]]})
    company = customer(event("feature_use", 40, subject="reports"), id="~acme", limits=LIMITS)

    assert Lifecycles(plan).stage(company, day(60)) == "new"
    assert Lifecycles(plan).stage(company, day(69)) == "churned"


def member(*days: float, paid: tuple[float, ...] = (), firm: bool = True) -> Profile:
    """Somebody who works with the product on these days, and holds the contract's invoices."""
    used = (event("feature_use", when, subject="reports") for when in days)
    person = customer(*used, *(event("purchase", when, amount=900) for when in paid), limits=LIMITS)
    if firm:
        person.affiliation = Affiliation({"acme": Member(T0, T0, Profile("p"))})
    return person


def test_people_of_companies_go_by_use() -> None:
    """Who works with it every week is no prospect, and who gets the bill once a year has not left."""
    assert seen(LIVES, member(0)) == [("new", 0), ("churned", 28)]
    weekly = member(*range(0, 400, 7))
    assert LIVES.stage(weekly, day(100)) == "active"
    assert LIVES.stage(weekly, day(399)) == "loyal"
    assert LIVES.stage(member(*range(0, 100, 7), paid=(1,)), day(100)) == "active"
    assert LIVES.stage(member(0, paid=(1, 31, 61, 91)), day(100)) == "churned"
    assert LIVES.stage(member(), day(100)) == "prospect"
    assert LIVES.stage(member(*range(0, 100, 7), firm=False), day(100)) == "prospect"  # a shopper who looks around


def test_the_risk_of_their_use_puts_people_at_risk() -> None:
    person = member(*range(0, 100, 7))
    held = keep(person, B2B.of("unused"))
    assert isinstance(held, Churn)
    held.score = Score(0.9, "high", T0, "rules-3")
    assert LIVES.stage(person, day(100)) == "at_risk"


def test_who_only_holds_the_contract_goes_by_it() -> None:
    person = customer(event("subscription_start", 0, subject="s1", amount=900, terms=by_year(365)), limits=LIMITS)
    person.affiliation = Affiliation({"acme": Member(T0, T0, Profile("p"))})

    assert LIVES.stage(person, day(200)) == "active"
    assert LIVES.stage(person, day(371)) == "churned"


TOLD = st.lists(
    st.tuples(
        st.sampled_from(["subscription_start", "subscription_renew", "subscription_cancel", "purchase", "feature_use"]),
        st.integers(0, 800),
        st.sampled_from([None, 30, 365]),
    ),
    max_size=6,
    unique_by=lambda one: one[:2],
)


@given(TOLD, st.integers(0, 900), st.randoms())
def test_no_order_of_arrival_shows_and_nothing_changes_unforeseen(told, when, random) -> None:
    def after(events) -> Profile:
        return customer(
            *(
                event(role, at, subject="reports" if role == "feature_use" else "s1", amount=900,
                      terms=Terms() if lasts is None else Terms(day(at + lasts), "", None, 900))
                for role, at, lasts in events
            ), id="~acme", limits=LIMITS,
        )  # fmt: skip

    told = [each for each in told if each[1] <= when]
    one, shuffled = after(told), list(told)
    random.shuffle(shuffled)
    now = day(when)
    found = LIVES.stage(one, now)
    assert LIVES.stage(after(shuffled), now) == found
    changes = LIVES.next_change(one, now)
    last = changes if changes is not None else day(2000)
    for step in range(8):  # until then nothing changes by itself
        assert LIVES.stage(one, now + (last - now) * step / 8) == found
