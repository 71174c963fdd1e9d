"""One open matter per customer, as it follows from alerts, time and what people decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cases.decisions import decide
from models.cases.following import RETENTION, WIN_BACK, Cases, case_id, profile_of_case
from models.cases.routes import Route
from models.conditions.rules import AlertRule
from models.durations import DAY
from models.segments.alerts import Alerts, compile_alerts
from profiles.cases.joining import join_cases
from profiles.consent import Consent
from profiles.documents import decode_profile, encode_profile
from profiles.types import AlertCommand, Case, Profile, Reason, Score, Stay, Tally

RULES = [
    AlertRule(name="risky", threshold=0.6, clear=0.4, cooldown=7 * DAY, purpose=None, owner="CRM"),
    AlertRule.model_validate(
        {
            "name": "complains", "when": {"count": "complaint", "at_least": 2}, "severity": "critical",
            "owner": "Support", "purpose": None, "cooldown": DAY,
        }
    ),
]  # fmt: skip


ROUTES = [
    Route.model_validate({"when": {"severity": "critical", "segment": "valuable"}, "owner": "Success"}),
    Route.model_validate({"when": {"rule": "risky", "segment": "valuable"}, "owner": "kim"}),
]


class Customer:
    """Looked at day after day."""

    def __init__(self, hold_out: float = 0.0, consent: Consent | None = None, routes: Sequence[Route] = ()) -> None:
        self.profile = Profile("p" * 22)
        self._alerts: Alerts = compile_alerts(RULES, "EUR", ())
        self._cases = Cases(RULES, "EUR", 90 * DAY, hold_out, consent or Consent(), routes)

    def look(self, day: float, risk: float, complaints: int = 0, stage: str = "active") -> list[str]:
        """What others are told of the case then."""
        now = day * DAY
        self.profile.stage = stage
        if complaints:
            self.profile.roles["complaint"] = Tally(complaints, now, now)
        self.profile.score = Score(risk, "high", now, "m1", [Reason("recency", 1.0, 9.0)])
        for found in self._alerts.decide(self.profile, now):
            self.profile.alerts[found.rule.name] = found.alert
        return [case.history[-1].action for case in self._cases.follow(self.profile, now)]

    def decide(self, day: float, action: str, **more: Any) -> bool:
        """Whether a person's decision changes anything."""
        command = AlertCommand(self.profile.id, "", action, day * DAY, "kim", case=self.case.id, **more)
        if (decided := decide(self.profile, command)) is None:
            return False
        self.profile.case = decided.case
        self.profile.alerts |= {alert.rule: alert for alert in decided.alerts}
        return True

    @property
    def case(self) -> Case:
        assert self.profile.case is not None
        return self.profile.case


def test_a_case_opens_with_the_first_alert_and_collects_the_others() -> None:
    customer = Customer()
    assert customer.look(1, 0.2) == []
    assert customer.look(2, 0.8) == ["opened"]
    assert customer.look(3, 0.8, complaints=2) == ["joined"]
    assert customer.look(4, 0.8) == []
    case = customer.case
    assert (case.state, case.kind, case.opened) == ("new", RETENTION, 2 * DAY)
    assert case.rules == {"risky": 2 * DAY, "complains": 3 * DAY}
    assert case.owner == "Support"  # of the severest
    assert case.id == case_id(customer.profile.id, 2 * DAY)
    assert profile_of_case(case.id) == customer.profile.id


def test_it_is_cleared_when_no_alert_stands_and_comes_back_within_the_cooldown() -> None:
    customer = Customer()
    customer.look(1, 0.8)
    first = customer.case.id
    assert customer.look(2, 0.1) == ["cleared"]
    assert customer.case.state == "cleared"
    assert customer.look(4, 0.1, complaints=2) == ["opened"]  # the cooldown of this rule was over
    assert customer.case.id != first
    assert customer.decide(5, "resolve", outcome="stayed")
    assert customer.look(9.5, 0.9) == ["reopened"]  # a week, its cooldown, has not passed since the case ended
    assert (customer.case.state, customer.case.outcome, customer.case.risk) == ("new", "", 0.9)


def test_what_is_said_as_of_opening_stays() -> None:
    customer = Customer()
    customer.look(1, 0.8)
    before = customer.case.reasons
    customer.look(30, 0.95)
    assert (customer.case.risk, customer.case.as_of, customer.case.reasons) == (0.8, DAY, before)
    assert before


def test_who_is_held_out_has_none() -> None:
    customer = Customer(hold_out=1.0)
    assert customer.look(1, 0.9, complaints=5) == []
    assert customer.profile.case is None


def test_nobody_is_told_of_alerts_of_the_past() -> None:
    customer = Customer()
    customer.look(1, 0.1)
    for found in customer._alerts.decide(customer.profile, 2 * DAY):
        customer.profile.alerts[found.rule.name] = found.alert
    customer.look(2, 0.8)
    customer.profile.case = None
    customer.profile.alerts["risky"].untold = True
    assert customer.look(3, 0.8) == []


def test_who_has_left_is_a_case_of_another_kind() -> None:
    customer = Customer()
    customer.look(1, 0.8)
    assert customer.look(2, 0.9, stage="churned") == ["cleared", "opened"]
    assert (customer.case.kind, customer.case.state) == (WIN_BACK, "new")
    assert [entry.text for entry in customer.case.history if entry.action == "cleared"] == ["left"]
    assert customer.look(3, 0.9, stage="active") == ["cleared", "opened"]
    assert customer.case.kind == RETENTION


def test_a_snooze_ends_by_time() -> None:
    customer = Customer()
    customer.look(1, 0.8)
    assert customer.decide(2, "snooze", until=5 * DAY)
    assert customer.look(4, 0.99, complaints=9) == ["joined"]
    assert customer.case.state == "snoozed"
    assert customer.look(5, 0.8) == ["woken"]
    assert (customer.case.state, customer.case.until) == ("new", 0.0)


def test_a_snooze_is_kept_with_the_case_and_its_end_is_told() -> None:
    """A restart forgets none, and nobody who opened it is left with one that ended in silence."""
    customer = Customer()
    customer.look(1, 0.8)
    assert customer.decide(2, "snooze", until=5 * DAY)
    customer.profile = decode_profile(customer.profile.id, encode_profile(customer.profile))
    assert customer.case.state == "snoozed"
    assert customer.look(4, 0.8) == []
    assert customer.look(5, 0.8) == ["woken"]
    assert [entry.action for entry in customer.case.history] == ["opened", "snoozed", "woken"]


@pytest.mark.parametrize(
    ("risk", "complaints", "why"),
    [(0.8, 0, ""), (0.85, 0, ""), (0.91, 0, "risk"), (0.8, 1, "complaint"), (0.8, 2, "rule")],
)
def test_a_snooze_ends_when_the_customer_is_worse(risk: float, complaints: int, why: str) -> None:
    customer = Customer()
    customer.look(1, 0.8)
    assert customer.decide(2, "snooze", worse=True)
    told = customer.look(3, risk, complaints)
    assert customer.case.state == ("new" if why else "snoozed")
    assert told == (["woken"] if why else [])
    assert not why or customer.case.history[-1].text == why


def test_decisions_act_on_all_alerts_and_are_carried_out_once() -> None:
    customer = Customer()
    customer.look(1, 0.8, complaints=2)
    assert customer.decide(2, "acknowledge")
    assert {alert.state for alert in customer.profile.alerts.values()} == {"acknowledged"}
    assert not customer.decide(2, "acknowledge")
    assert customer.decide(3, "assign", assignee="kim")
    assert not customer.decide(3, "assign", assignee="kim")
    assert customer.decide(4, "note", note="calls today")
    assert not customer.decide(4, "note", note="calls today")
    assert customer.decide(5, "resolve", outcome="no_answer")
    assert {alert.state for alert in customer.profile.alerts.values()} == {"resolved"}
    assert not customer.decide(6, "resolve", outcome="left")
    assert (customer.case.assignee, customer.case.outcome) == ("kim", "no_answer")
    assert [note.text for note in customer.case.notes] == ["calls today"]


def test_without_leave_to_profile_nothing_of_a_score_stays() -> None:
    """The case stands as long as an alert does; what the score left on it goes."""
    customer = Customer(consent=Consent())
    customer.look(1, 0.8, complaints=2)
    customer.profile.traits["profiling_consent"] = (False, 2 * DAY, b"")
    assert customer.case.value is not None
    denying = Cases(RULES, "EUR", 90 * DAY, 0.0, _Denied())  # type: ignore[arg-type]
    denying.follow(customer.profile, 3 * DAY)
    case = customer.case
    assert (case.risk, case.model, case.reasons, case.value) == (None, "", [], None)


class _Denied:
    def allows(self, profile: Profile, purpose: str) -> bool:
        return False


def test_whose_it_is_the_routes_say_when_it_opens_and_when_a_rule_joins() -> None:
    customer = Customer(routes=ROUTES)
    customer.profile.segments["valuable"] = Stay(0.0)
    customer.look(1, 0.8)
    assert customer.case.owner == "kim"
    del customer.profile.segments["valuable"]
    customer.look(2, 0.8)
    assert customer.case.owner == "kim"  # nobody's work moves because the customer does
    customer.profile.segments["valuable"] = Stay(0.0)
    assert customer.look(3, 0.8, complaints=2) == ["joined"]
    assert customer.case.owner == "Success"


@pytest.mark.parametrize("to", [{"assignee": "lee"}, {"team": "Sales"}])
def test_who_was_given_a_case_keeps_it_until_it_opens_again(to: dict[str, str]) -> None:
    customer = Customer(routes=ROUTES)
    customer.look(1, 0.8)
    assert customer.decide(2, "assign", **to)
    given = ("Sales" if "team" in to else "CRM", to.get("assignee", ""))
    assert (customer.case.owner, customer.case.assignee) == given
    assert customer.case.history[-1].text == (to.get("assignee") or to["team"])
    customer.look(3, 0.8, complaints=2)
    assert (customer.case.owner, customer.case.assignee) == given
    assert customer.decide(4, "resolve", outcome="stayed")
    assert customer.look(6, 0.9, complaints=3) == ["opened"]
    assert (customer.case.owner, customer.case.assignee, customer.case.given) == ("Support", "", 0.0)


def test_a_case_that_is_put_back_to_nobody_is_still_for_the_routes_to_give() -> None:
    customer = Customer(routes=ROUTES)
    customer.look(1, 0.8)
    assert customer.decide(2, "assign", assignee="")
    assert customer.case.given == 0.0
    customer.profile.segments["valuable"] = Stay(0.0)
    assert customer.look(3, 0.8, complaints=2) == ["joined"]
    assert customer.case.owner == "Success"


def test_two_that_became_one_are_routed_anew() -> None:
    customer, other = Customer(routes=ROUTES), Customer(routes=ROUTES)
    customer.look(1, 0.8)
    other.look(2, 0.8, complaints=2)
    assert (customer.case.owner, other.case.owner) == ("CRM", "Support")
    customer.profile.case = join_cases(customer.case, other.case)
    customer.profile.alerts |= other.profile.alerts
    customer.profile.segments["valuable"] = Stay(0.0)
    assert customer.look(3, 0.8, complaints=2) == ["routed"]
    assert (customer.case.owner, customer.case.history[-1].text) == ("Success", "Success")
    assert customer.look(4, 0.8, complaints=2) == []


@given(days=st.permutations([1, 2, 3]), valuable=st.booleans())
@settings(max_examples=12, deadline=None)
def test_the_owner_is_the_same_in_whatever_order_alerts_come(days: list[int], valuable: bool) -> None:
    """Of the rules that it has, also if they are seen at once, as when history is played again."""
    customer, at_once = Customer(routes=ROUTES), Customer(routes=ROUTES)
    for one in (customer, at_once):
        one.profile.segments |= {"valuable": Stay(0.0)} if valuable else {}
    signs = {days[0]: {"risk": 0.8}, days[1]: {"complaints": 2}, days[2]: {"complaints": 3}}
    risk, complaints = 0.1, 0
    for day in (1, 2, 3):
        risk, complaints = signs[day].get("risk", risk), int(signs[day].get("complaints", complaints))
        customer.look(day, risk, complaints)
    at_once.look(3, risk, complaints)
    assert customer.case.owner == at_once.case.owner != ""


def test_history_and_notes_are_bounded() -> None:
    customer = Customer()
    customer.look(1, 0.8)
    for number in range(50):
        customer.decide(2 + number, "assign", assignee=f"a{number}", note=str(number))
    assert (len(customer.case.history), len(customer.case.notes)) == (20, 10)
    assert customer.case.notes[-1].text == "49"
