"""Looking things up in a plan."""

from __future__ import annotations

import pytest

from plan.plan import HASHED


def test_a_write_key_leads_to_its_source(plan_of):
    """And an unknown one to nothing."""
    plan = plan_of(("write_key: key-of-web", "write_key: key-of-web, enabled: false, topic: my.web"))

    assert plan.source_of_key("key-of-purchase").topic == "events.purchase"
    assert plan.source_of_key("key-of-web").topic == "my.web"
    assert not plan.source_of_key("key-of-web").enabled
    assert plan.source_of_key("nope") is None


def test_rules_are_found_by_source_type_and_name(plan_of):
    """A page rule fits any name, unless one is planned for exactly that page."""
    exact = "  - {type: page, name: Home, sources: [web], owner: o, description: d, why: w, role: view}\n"
    plan = plan_of(("events:\n", f"events:\n{exact}"))

    assert plan.event("purchase", "track", "Order Completed").role == "purchase"
    assert plan.event("web", "page", "Home").role == "view"
    assert plan.event("web", "page", "Cart").role == plan.event("web", "page", "").role == "visit"
    assert plan.event("web", "track", "Order Completed") is None
    assert plan.event("web", "screen", "Home") is None
    assert plan.event("nowhere", "page", "Home") is None


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (("web", "track", "Order Completed"),
         "track 'Order Completed' is not planned for source 'web'; it is for purchase"),
        (("purchase", "track", "Order Complete"),
         "track 'Order Complete' is not in the plan; did you mean 'Order Completed'?"),
        (("web", "identify", ""), "identify is not in the plan"),
        (("purchase", "page", "Home"), "page 'Home' is not planned for source 'purchase'; it is for web"),
    ],
)  # fmt: skip
def test_an_unplanned_event_is_explained(plan_of, asked, answer):
    """The sender learns what to mend."""
    assert plan_of().why_unplanned(*asked) == answer


def test_unplanned_events_may_be_flagged_instead(plan_of):
    """Then every event has a rule, which remarks that there is none."""
    rule = plan_of(("version: 1", "version: 1\nunplanned: flag")).event("web", "track", "Anything")
    outcome = rule.enforce_on({"a": 1})

    assert (rule.role, outcome.accepted, outcome.properties) == ("", True, {"a": 1})
    assert [str(v) for v in outcome.violations] == ["event: is not in the plan"]
    assert rule.check({"a": 1}) == outcome.violations
    assert rule.facts({"a": 1}).amount == 0


IDENTIFY = "events:\n  - {type: identify, sources: [web], owner: o, description: d, why: w, enforce: drop_property}\n"


def test_identify_is_checked_against_the_traits(plan_of):
    """Traits of the call win over those of its context, which some SDKs use alone."""
    rule = plan_of(("events:\n", IDENTIFY)).event("web", "identify", "")
    event = {"traits": {"country": "DE", "x": 1}, "context": {"traits": {"country": "NL", "email": "a@b.nl"}}}

    assert rule.payload(event) == {"country": "DE", "email": "a@b.nl", "x": 1}
    outcome = rule.enforce_on(rule.payload(event))
    assert outcome.properties == {"email": "a@b.nl", "x": 1}
    assert [str(v) for v in outcome.violations] == ["traits.country: must be one of NL, BE"]
    assert rule.enforce_on({"email": None}).violations == []  # null removes a trait
    assert rule.pii == {"email": "email"}


def test_payloads_of_any_shape(plan_of):
    """Absent and null are empty; what is no object is left for the check to remark."""
    rule = plan_of(("events:\n", IDENTIFY)).event("web", "identify", "")
    page = plan_of().event("web", "page", "")

    assert rule.payload({}) == rule.payload({"traits": None, "context": {"traits": "x"}}) == {}
    assert rule.payload({"traits": "x", "context": {"traits": {"a": 1}}}) == "x"
    assert page.payload({"properties": None}) == page.payload({}) == {}
    assert page.payload({"properties": [1]}) == [1]


def test_traits_that_ride_along_never_stop_an_event(plan_of):
    """A wrong trait in the context of an order is dropped, and the order counts."""
    outcome = plan_of().check_traits({"country": "DE", "email": "a@b.nl"})

    assert outcome.accepted
    assert outcome.properties == {"email": "a@b.nl"}


MAIL = ("identities:\n", "identities:\n  - {type: mail, priority: 3, fields: [traits.email], pii: email}\n")


def test_an_identity_that_somebody_asks_for_is_the_one_that_events_carry(plan_of):
    """In any spelling; hashed where the rule says so, and by the hash that documents show."""
    plan = plan_of(MAIL)
    (held,) = plan.extract({"traits": {"email": "Ada@Example.com"}})

    assert plan.identity("mail", " ada@example.com") == plan.identity("mail", f"{HASHED}{held[1]}") == held
    assert "ada" not in held[1]
    assert plan.identity("user_id", 42.0) == ("user_id", "42")
    assert plan.identity("user_id", f"{HASHED}{held[1]}") == ("user_id", f"{HASHED}{held[1]}")  # held plainly


@pytest.mark.parametrize(
    ("kind", "value"), [("mail", "nobody"), ("mail", f"{HASHED}short"), ("user_id", "null"), ("iban", "NL00")]
)
def test_what_identifies_nobody_cannot_be_asked_for(plan_of, kind, value):
    """A blocked value, a wrong form, a type that is not planned."""
    assert plan_of(MAIL).identity(kind, value) is None


def test_another_key_gives_other_identities(plan_of):
    """So that two installations, or a stolen copy, cannot be compared without their keys."""
    event = {"traits": {"email": "ada@example.com"}}

    assert plan_of(MAIL).extract(event) != plan_of(MAIL, environ={"RAPPORT_PII_KEY": "x" * 16}).extract(event)


def test_no_event_can_carry_a_hash_in_place_of_a_value(plan_of):
    """Only people who ask may write one: a sender who has seen a hash must not become its owner."""
    assert plan_of(MAIL).extract({"traits": {"email": f"{HASHED}{'x' * 22}"}}) == []


def test_identities_and_blocked_values_come_from_the_plan(plan_of):
    """The plan's own blocked values count on top of the usual ones."""
    plan = plan_of(("version: 1", "version: 1\nblocked: [Kiosk ]"))

    assert plan.extract({"userId": "KIOSK", "anonymousId": "a"}) == [("anonymous_id", "a")]
    assert {"kiosk", "null"} <= plan.blocked


def test_what_a_repeat_does_is_of_the_role(plan_of):
    """Whichever of its events says so; the usual is not told."""
    assert plan_of(("role: purchase", "role: purchase\n    on_repeat: first")).on_repeat == {"purchase": "first"}
    assert plan_of(("role: purchase", "role: purchase\n    on_repeat: last")).on_repeat == {}
