"""What would lower a risk: by the champion, only what applies, and only what helps."""

import msgspec
import numpy as np
import pytest

from models.churn.counterfactuals import LEAST, MOST, counterfactuals
from models.churn.panel import Panel
from models.churn.scores import score_profiles
from models.churn.weights import Weights
from models.config import ChurnConfig
from models.durations import DAY
from models.features.table import COLUMN, NAMES, SCHEMA
from profiles.state import apply
from profiles.types import Profile
from tests.build import CONFIG, LIMITS, T0, buyer, customer, event

PANEL = Panel.cold(CONFIG)
NOW = T0 + 90 * DAY


def panel_of(**weights: float) -> Panel:
    """A panel whose champion looks at these features only."""
    column = np.zeros(len(NAMES))
    for name, weight in weights.items():
        column[COLUMN[name]] = weight
    zeros = np.zeros(len(NAMES))
    model = Weights("hazard-x", SCHEMA, zeros, np.ones(len(NAMES)), column, -1.0, CONFIG.label_horizon)
    return Panel("hazard", {**PANEL.models, "hazard": model})


def told(profile: Profile, panel: Panel = PANEL) -> dict[str, str]:
    return {
        counterfactual.action: counterfactual.text
        for counterfactual in counterfactuals(profile, panel, NOW, CONFIG, "EUR")
    }


def troubled() -> Profile:
    return customer(
        event("purchase", 0, amount=2000), event("purchase", 60, amount=3000), event("complaint", 87),
        event("ticket_opened", 80, subject="A"), event("ticket_opened", 85, subject="B"), event("csat", 88, rating=2.0),
        *(event("visit", day) for day in range(0, 70, 2)), event("login", 3), event("payment_failed", 89),
        event("contact_made", 88), event("subscription_start", 2), event("subscription_cancel", 86),
    )  # fmt: skip


def test_the_strongest_three_and_each_lowers_the_risk():
    profile = troubled()
    [score] = score_profiles([profile], [NOW], PANEL.champion, CONFIG, "EUR")

    found = counterfactuals(profile, PANEL, NOW, CONFIG, "EUR")

    assert len(found) == MOST
    assert [counterfactual.risk for counterfactual in found] == sorted(counterfactual.risk for counterfactual in found)
    assert found[-1].risk <= score.risk - LEAST


def test_a_lever_is_what_the_model_would_say_of_a_customer_to_whom_it_happened():
    profile = buyer(0, 30, amount=2500)
    [counterfactual] = counterfactuals(profile, PANEL, NOW, CONFIG, "EUR")
    apply(profile, event("purchase", 90, amount=2500), "EUR", LIMITS)
    [score] = score_profiles([profile], [NOW], PANEL.champion, CONFIG, "EUR")

    assert (counterfactual.action, counterfactual.text) == ("order", "An order today")
    assert counterfactual.risk == pytest.approx(score.risk, abs=1e-9)


@pytest.mark.parametrize(
    ("weights", "action", "text"),
    [
        ({"open_tickets": -0.5}, "solve_tickets", "All 2 open tickets solved"),
        ({"visit_2w": 0.5}, "visit", "4 visits this week, as before"),
        ({"login_2w": 0.5}, "login", "1 login this week"),
        ({"complaint_8w": -0.5}, "complaint", "The complaint of 3 days ago made good"),
        ({"payment_failed_8w": -0.5}, "payment", "The payment refused yesterday made after all"),
        ({"subscribed": 0.5}, "subscription", "The subscription taken up again"),
        ({"contact_clicked_8w": 0.5}, "click", "A click in one of our messages"),
    ],
)
def test_what_the_model_looks_at_is_told(weights, action, text):
    assert told(troubled(), panel_of(**weights)) == {action: text}


def test_only_what_applies_is_told():
    assert told(buyer(0, 30)).keys() == {"order"}
    assert told(buyer(0), panel_of(open_tickets=-1.0)) == {}
    assert told(customer(event("visit", 3))) == {}
    assert told(troubled(), panel_of(open_tickets=0.5)) == {}


def test_nobody_can_make_an_answer_better():
    assert told(troubled(), panel_of(low_csat=-0.5)) == {}


def test_the_model_that_scored_answers():
    """Another has become the champion since, which sees nothing but tickets."""
    profile = troubled()
    [profile.score] = score_profiles([profile], [NOW], PANEL.champion, CONFIG, "EUR")
    found = counterfactuals(profile, panel_of(open_tickets=-0.5), NOW, CONFIG, "EUR")

    assert found == counterfactuals(profile, PANEL, NOW, CONFIG, "EUR") != []
    assert all(each.risk < profile.score.risk for each in found)
    profile.score.model = "gone-7"
    assert {"solve_tickets"} == {
        each.action for each in counterfactuals(profile, panel_of(open_tickets=-0.5), NOW, CONFIG, "EUR")
    }


def test_nothing_is_changed():
    profile = troubled()
    packed = msgspec.msgpack.encode(profile)

    counterfactuals(profile, PANEL, NOW, CONFIG, "EUR")

    assert msgspec.msgpack.encode(profile) == packed


@pytest.mark.parametrize(("hours", "said"), [(0, False), (23, False), (25, True), (-1, False)])
def test_nobody_who_has_ordered_today_is_told_to_order_today(hours: float, said: bool) -> None:
    """Also if the clock is a little behind; the next day it is worth saying again."""
    profile = customer(event("purchase", 0, amount=2000), event("purchase", 90 - hours / 24, amount=3000))

    assert ("order" in told(profile, panel_of(orders_2w=0.5))) is said


@pytest.mark.parametrize(("clicked", "said"), [((), True), ((60,), True), ((88.5,), False)])
def test_nobody_who_has_clicked_since_is_told_to_click(clicked: tuple[float, ...], said: bool) -> None:
    contacts = [
        event("contact_made", 59),
        event("contact_made", 88),
        *(event("contact_clicked", day) for day in clicked),
    ]
    profile = customer(event("purchase", 0, amount=2000), *contacts)

    assert ("click" in told(profile, panel_of(contact_clicked_8w=0.5))) is said


def test_a_further_definition_has_levers_of_its_own_model():
    """Who never ordered may stop using it: what its rules say counts. A subscription that is over has no lever."""
    definitions = [{"name": "unused", "ends_by": {"disuse": ["login"]}, "horizon": "8w"},
                   {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "13w"}]  # fmt: skip
    config = ChurnConfig(definitions=definitions)
    profile = customer(
        *(event("login", day) for day in range(0, 60, 3)), event("ticket_opened", 80, subject="A"),
        event("subscription_start", 2), event("subscription_cancel", 86),
    )  # fmt: skip
    panel = Panel.cold(config)
    found = {each.name: counterfactuals(profile, panel.of(each.name), NOW, each, "EUR") for each in config.each()}

    assert [each.action for each in found["unused"]] == ["login", "subscription", "solve_tickets"]
    assert (found[""], found["cancels"]) == ([], [])
