"""Messages as they are sent: as their schemas say, with no more than the customer allows and the payload asks for."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from msgspec import structs

from plan import parse_plan
from profiles.types import Alert, Case, Profile, Score
from streams.records.deliveries import Entry, Letter
from streams.sinks.deciding.rendering import Renderer
from streams.sinks.messages import Lever, schemas, written
from tests.build import T0
from tests.plans import BASE

PLAN = parse_plan(BASE, "plan.yaml", {})
REASON = {"text": "Quiet", "effect": "raises", "contribution": 1.5, "feature": "recency", "value": 3.0, "cause": False}
TOLD = {
    "state": "open",
    "opened": "2023-11-14T22:13:20.000000Z",
    "reasons": [REASON],
    "by": None,
    "note": "secret note",
}


def customer(**more):
    return Profile(
        "p",
        identities={"user_id": {"42": T0, "7": T0 - 9}, "anonymous_id": {"b@example.com": T0}},
        **{"traits": {"name": ("Daan Weber", T0, b""), "email": ("daan@example.com", T0, b"")}, **more},
        score=Score(0.81, "high", T0, "hazard-1"),
        case=Case("cs", "retention", "new", T0, T0, {"risk": T0}, owner="CRM", assignee="kim", value=65804),
        alerts={"risk": Alert("a1", "risk", "open", T0, T0, 0.81)},
    )


def opened(type="alert.opened", name="a1", **more):
    return Entry(f"{name}:{type}", type, T0, "p", name, "risk", "CRM", "warning", 65804, 1, told=TOLD, **more)


def letter(*entries, mode="single", **more):
    return Letter("s", "m1", mode, list(entries), T0, **more)


def rendered(made, profile=None, **options):
    bodies = Renderer(PLAN, "https://cdp.example.com", **options).render(made, {"p": profile or customer()}, T0)
    for body in bodies:
        told = json.loads(written(body))
        name = told["schema"].split(".")[1].split("/")[0]
        jsonschema_rs.validator_for(schemas()[f"{name}.json"]).validate(told)
    return [json.loads(written(body)) for body in bodies]


def test_a_full_payload_says_who_and_why_and_no_address():
    (told,) = rendered(letter(opened()))
    data = told["data"]
    assert data["customer"]["label"] == "Daan Weber"
    assert data["customer"]["ids"] == {"user_id": "7"}
    assert data["customer"]["url"] == "https://cdp.example.com/c/p"
    assert data["value"]["at_risk"] == {"amount": "658.04", "currency": "EUR", "minor": 65804}
    assert (data["risk"]["value"], data["reasons"][0]["text"]) == (0.81, "Quiet")
    assert (data["owner"], data["case"]) == ({"team": "CRM", "user": "kim"}, "cs")
    assert "example.com" not in json.dumps(told).replace("cdp.example.com", "")


def test_a_full_payload_says_what_may_be_done_and_where():
    levers = {"p": [Lever("order", "An order today", 0.41)]}
    renderer = Renderer(PLAN, "https://cdp.example.com")
    (body,) = renderer.render(letter(opened()), {"p": customer()}, T0, levers)
    data = json.loads(written(body))["data"]
    assert data["would_lower"] == [{"action": "order", "text": "An order today", "risk": 0.41}]
    assert data["suggested_action"] == "Get in touch"
    assert data["links"] == {"acknowledge": "https://cdp.example.com/c/p#next"}
    denied = customer(traits={"consent.profiling": (False, T0, b"")})
    (body,) = renderer.render(letter(opened()), {"p": denied}, T0, levers)
    assert json.loads(written(body))["data"]["would_lower"] is None
    (thin,) = Renderer(PLAN, "https://cdp.example.com", thin=True).render(
        letter(opened()), {"p": customer()}, T0, levers
    )
    data = json.loads(written(thin))["data"]
    assert (data["would_lower"], data["suggested_action"]) == (None, None)
    over = structs.replace(opened("alert.cleared"), told=TOLD | {"state": "cleared"})
    (told,) = rendered(letter(over))
    assert told["data"]["links"]["acknowledge"] is told["data"]["suggested_action"] is None


def test_a_thin_payload_says_neither():
    (told,) = rendered(letter(opened()), thin=True)
    assert told["data"]["customer"]["label"] is told["data"]["customer"]["ids"] is told["data"]["reasons"] is None
    assert told["data"]["note"] is None
    assert told["data"]["risk"]["value"] == 0.81
    assert "Daan" not in json.dumps(told)


def test_without_profiling_there_is_no_risk_no_reason_and_no_value():
    denied = customer(traits={"consent.profiling": (False, T0, b"")})
    (told,) = rendered(letter(opened()), denied)
    assert told["data"]["risk"] is told["data"]["reasons"] is told["data"]["value"] is None
    assert told["data"]["customer"]["consent"] == {"outreach": "granted", "profiling": "denied"}


@pytest.mark.parametrize("type", ["alert.opened", "alert.acknowledged", "segment.entered"])
def test_who_no_longer_wants_to_be_reached_is_in_no_message_but_the_end(type):
    denied = customer(traits={"consent.outreach": (False, T0, b"")})
    assert rendered(letter(opened(type)), denied) == []
    assert len(rendered(letter(opened("alert.cleared")), denied)) == 1


def test_who_was_erased_is_in_none():
    assert Renderer(PLAN).render(letter(opened(), opened("alert.cleared")), {}, T0) == []


def test_several_are_a_message_each_and_a_digest_one():
    entries = [opened(), opened(name="a2"), opened("alert.cleared", "a3")]
    assert len(rendered(letter(*entries, mode="joined"))) == 3
    (told,) = rendered(letter(*entries, mode="digest", total=7, more=5, more_value=100, ended=1, still=4))
    data = told["data"]
    assert [one["id"] for one in data["alerts"]] == ["a1", "a2"]
    assert (data["total"], data["ended"], data["still_open"], data["owner"]) == (7, 1, 4, "CRM")
    assert data["value_at_risk"]["minor"] == 2 * 65804 + 100


def test_a_digest_of_which_nobody_is_left_is_none():
    denied = customer(traits={"consent.outreach": (False, T0, b"")})
    assert rendered(letter(opened(), mode="digest", total=1), denied) == []


def test_a_move_and_news():
    (move,) = rendered(letter(Entry("m1", "segment.exited", T0, "p", "dutch", told={"reason": "census"})))
    assert (move["data"]["change"], move["data"]["segment"]["name"], move["data"]["reason"]) == (
        "exited",
        "dutch",
        "census",
    )
    news = Entry("n1", "model.notice", T0, told={"text": "hazard is the champion", "kind": "champion"})
    (told,) = rendered(letter(news, mode="notice"))
    assert (told["type"], told["data"]["text"]) == ("model.notice", "hazard is the champion")
