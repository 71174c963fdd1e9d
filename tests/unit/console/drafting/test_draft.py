"""A plan drafted from events takes these events."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.clients.reach import shipped_plan
from console.drafting.draft import draft
from console.drafting.guesses import Guesses
from console.drafting.like import Particulars
from console.drafting.observed import observe
from plan import Plan, load_plan, parse_plan
from profiles.errors import WrongUse
from streams.offline import read_log
from tests.worlds.b2b import b2b
from tests.worlds.b2b_events import events as of_companies

GUESSES = Guesses([load_plan(shipped_plan(business), {}) for business in ("shop", "b2b")])
NAMESPACE = uuid.UUID(int=7)


def drafted(*events: dict[str, Any]) -> str:
    seen = observe((event.get("source", "server"), event) for event in events)
    return draft(seen, GUESSES, Particulars("Acme", "EUR", "NL"), NAMESPACE, "events.jsonl")


def read(text: str) -> Plan:
    return parse_plan(text, "plan.yaml", {})


def order(**properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Order Completed", "userId": "7", "source": "shop", "properties": properties}


def test_a_whole_business_comes_out_and_takes_its_events():
    """Its only warning is about the keys for trying, and not one of the events is flagged."""
    sent = list(of_companies(b2b(6, 40, 30, seed=6)))
    plan = read(drafted(*sent))
    reading = read_log(((event["source"], orjson.dumps(event), n) for n, event in enumerate(sent, 1)), plan, 9e9)

    assert [warning.path for warning in plan.warnings] == ["sources"]
    assert (reading.rejected, [record for record in reading.records if getattr(record, "violations", None)]) == ({}, [])
    assert {name: bool(source.public) for name, source in plan.file.sources.items()} == {
        "product": True, "server": False, "billing": False, "helpdesk": False, "crm": False,
    }  # fmt: skip
    assert set(plan.file.groups["company"].traits) >= {"name", "employees", "contract_ends"}
    roles = {rule.name: rule.role for rule in plan.rules}
    assert (roles["Invoice Paid"], roles["Subscription Renewed"]) == ("purchase", "subscription_renew")
    assert plan.event("server", "track", "Member Left").spec.member == "left"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 2.5], "type: number"),
        ([1, 2], "type: integer"),
        ([True], "type: boolean"),
        (["2026-01-05T10:00:00Z"], "type: date-time"),
        (["2026-01-05 10:00"], "type: string"),
        (["ada@example.com"], "type: string, format: email, pii: email"),
        (["a", "b"] * 20, "type: string, enum: [\"a\", \"b\"]"),
        (["only"] * 40, "type: string, description"),
        ([f"v{n}" for n in range(40)], "type: string, description"),
        ([{"deep": 1}], "properties: {deep: {type: integer"),
        ([["a"], []], "type: array"),
        ([None, 3], "type: integer"),
        ([3, "x"], "type: id"),
        ([3, True], "# thing: left out"),
    ],
)  # fmt: skip
def test_types_go_by_all_values(values, said):
    """Null is absent, as in a plan."""
    line = next(line for line in drafted(*(order(thing=value) for value in values)).split("\n") if " thing: " in line)

    assert said in line
    assert line.endswith("# guessed") != line.lstrip().startswith("#")


@pytest.mark.parametrize(
    ("event", "properties", "role", "facts"),
    [
        ("Order Completed",
         {"order_id": "1", "revenue": 9.9, "products": [{"quantity": 2, "category": "x"}]}, "purchase",
         {"amount": ("revenue",), "subject": ("order_id",), "quantity": ("products[].quantity",),
          "category": ("products[].category",)}),
        ("purchase", {"transaction_id": "1", "value": "9.90"}, "purchase",
         {"amount": ("value",), "subject": ("transaction_id",)}),
        ("invoice.paid", {"invoiceId": 5, "amount": 5}, "purchase", {"amount": ("amount",), "subject": ("invoiceId",)}),
        ("add_to_cart", {"item_id": "x"}, "cart", {"subject": ("item_id",)}),
        ("NPS Answered", {"score": 9}, "nps", {"rating": ("score",)}),
        ("customer.subscription.deleted", {"subscription_id": "s"}, "subscription_cancel",
         {"subject": ("subscription_id",)}),
        ("Quux Frobbed", {"order_id": "1", "revenue": 5}, "", {}),
        ("Order Completed", {"order.id": "1", "revenue": "n/a"}, "purchase", {}),
    ],
)  # fmt: skip
def test_roles_and_facts_go_by_the_usual_names(event, properties, role, facts):
    """Of Segment, GA4, Stripe, in whatever spelling."""
    rule = read(drafted({**order(**properties), "event": event})).rules[0]
    held = {name: paths for name, paths in rule.spec.facts.model_dump().items() if paths}

    assert (rule.role, held) == (role, facts)


def test_who_is_who_goes_by_what_events_carry():
    """The strongest first; user ids that are addresses are taken as such."""
    person = {
        "type": "identify",
        "userId": "ada@example.com",
        "traits": {"email": "ada@example.com", "phone": "0612345678"},
    }
    page = {"type": "page", "anonymousId": "a1", "context": {"device": {"id": "d1"}}, "source": "web"}
    plan = read(drafted(person, page))

    assert [rule.type for rule in plan.identities] == ["user_id", "email", "phone", "anonymous_id", "device_id"]
    assert [problem.path for problem in plan.warnings] == ["sources", "churn"]
    assert plan.traits["phone"].pii == "phone"
    with pytest.raises(WrongUse, match="who somebody is"):
        drafted({"type": "group", "groupId": "acme"})


NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["<<", "no", "order_id", "a.b", "~", "- x", "{", "consent.x", "currency", "email", "name", "1e5"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]),
        "userId": st.just("7"),
        "source": NAMES,
    },
    optional={
        "event": NAMES | st.sampled_from(["Order Completed", "Member Left", "*"]),
        "properties": st.dictionaries(NAMES, VALUES, max_size=4),
        "traits": st.dictionaries(NAMES, VALUES, max_size=4),
        "groupId": VALUES,
        "anonymousId": VALUES,
        "context": VALUES,
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=5))
def test_whatever_was_sent_makes_a_plan_that_can_be_used(sent):
    """Whatever names and values there are; what has no name is no event."""
    try:
        text = drafted(*sent)
    except WrongUse:
        assert all(event["type"] == "track" for event in sent)
    else:
        read(text)
