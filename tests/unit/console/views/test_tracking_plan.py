"""The plan as people read it: where each entry is used, what a search keeps, what everybody may see."""

from __future__ import annotations

from console.views.tracking_plan import plan_view
from tests.console.support_api import PLAN

VIEW = plan_view(PLAN)


def test_it_says_which_rules_look_at_an_entry() -> None:
    events = {event.name: event for event in VIEW.events}
    traits = {trait.path: trait for trait in VIEW.traits}
    segments = {rule.name: rule for rule in VIEW.segments}

    assert "unhappy" in events["Complaint Received"].used_in
    assert traits["plan"].used_in == ["subscriber"]
    assert "valuable_customer_at_risk" in segments["valuable"].used_in
    assert events["Email Link Clicked"].used_in == ["responds_to_offers"]
    assert events["Order Shipped"].used_in == []


def test_it_says_who_gets_a_case() -> None:
    routes = [(route.words, route.owner) for route in VIEW.routes]

    assert routes[0] == ("has left", "CRM")
    assert ("severity critical and in segment valuable or value_at_risk", "Customer success") in routes
    assert [route.owner for route in VIEW.narrowed("critical success").routes] == ["Customer success"]


def test_a_search_keeps_what_has_all_words() -> None:
    found = VIEW.narrowed("Silent  subscriber")

    assert [rule.name for rule in found.segments] == ["silent_subscriber"]
    assert found.events == []
    assert VIEW.narrowed("no such thing").traits == []


def test_only_what_is_marked_is_for_everybody() -> None:
    shown = VIEW.published()

    assert {purpose.name for purpose in shown.purposes} == {"analytics", "profiling", "outreach"}
    assert {event.name for event in shown.events} == {event.name for event in VIEW.events if event.public}
    assert 0 < len(shown.events) < len(VIEW.events)
    assert (shown.segments, shown.alerts, shown.routes, shown.sources, shown.identities) == ([], [], [], [], [])
