"""What a compiled rule does to an event's properties."""

from __future__ import annotations

import copy

import pytest

from plan import Facts, PlanError
from profiles.types import Terms

PRODUCTS = """
products:
  type: array
  max_items: 3
  description: d
  items:
    type: object
    description: d
    properties:
      sku: {type: id, required: true, description: d}
      price: {type: money, min: 0, description: d}
      quantity: {type: number, min: 0, description: d}
n: {type: number, required: true, description: d}
"""


@pytest.mark.parametrize(
    ("declared", "good", "bad", "told"),
    [
        ("type: string", "x", 3, ("type", "must be a string, not a number")),
        ("type: id", 3, 3.5, ("type", "must be an integer or a string, not a number")),
        ("type: id", "A-1", "", ("length", "must have at least 1 character")),
        ("type: integer", 3, 3.5, ("type", "must be an integer, not a number")),
        ("type: number", 3.5, "3.5", ("type", "must be a number, not a string")),
        ("type: number", 3.5, True, ("type", "must be a number, not a boolean")),
        ("type: boolean", False, 0, ("type", "must be a boolean, not a number")),
        ("type: money", 11.77, "11.77", ("type", "must be a number, not a string")),
        ("type: money", 1e12, 1.1e12, ("range", "must be at most 1000000000000")),
        ("type: money, min: 0", 0.0, -0.01, ("range", "must be at least 0")),
        ("type: date-time", "2026-11-21T19:26:49.210+00:00", "yesterday", ("format", "must be a valid date-time")),
        ("type: string, format: email", "a@b.nl", "nobody", ("format", "must be a valid email")),
        ("type: string, format: uuid", "3b8f4c1e-90d7-5a5b-8a3e-6f1f2c7d9e10", "1", ("format", "must be a valid uuid")),
        ("type: string, format: uri", "https://x.nl/a", "no uri", ("format", "must be a valid uri")),
        ("type: string, format: ipv4", "127.0.0.1", "300.1.1.1", ("format", "must be a valid ipv4")),
        ("type: string, format: currency", "EUR", "EURO", ("enum", "must be an ISO-4217 currency code")),
        ("type: 'string', pattern: '^[A-Z]{2}$'", "NL", "nl", ("pattern", "must match ^[A-Z]{2}$")),
        ("type: string, enum: [a, b]", "a", "c", ("enum", "must be one of a, b")),
        ("type: integer, enum: [1, 2]", 2, 3, ("enum", "must be one of 1, 2")),
        ("type: string, max_length: 2", "ab", "abc", ("length", "must have at most 2 characters")),
        ("type: array, min_items: 1", [1], [], ("length", "must have at least 1 item")),
        ("type: object", {}, [], ("type", "must be an object, not an array")),
    ],
)
def test_each_kind_of_property_is_checked(rule_of, declared, good, bad, told):
    """Null counts as absent, so every optional property accepts it."""
    rule = rule_of(f"p: {{{declared}, description: d}}")

    assert rule.check({"p": good}) == rule.check({"p": None}) == rule.check({}) == []
    assert [tuple(v) for v in rule.check({"p": bad})] == [("properties.p", *reversed(told))]


def test_required_means_present_and_not_null(rule_of):
    """Both are violations, told apart."""
    rule = rule_of("p: {type: string, required: true, description: d}")

    assert [str(v) for v in rule.check({})] == ["properties.p: is required"]
    assert [str(v) for v in rule.check({"p": None})] == ["properties.p: must be a string, not null"]


def test_violations_name_the_place_and_never_the_value(rule_of):
    """A violation travels further than the event may."""
    rule = rule_of(PRODUCTS)

    found = rule.check({"n": "secret", "products": [{"sku": 1}, {"price": -1}, 7]})

    assert sorted(map(str, found)) == [
        "properties.n: must be a number, not a string",
        "properties.products[1].price: must be at least 0",
        "properties.products[1].sku: is required",
        "properties.products[2]: must be an object, not a number",
    ]


@pytest.mark.parametrize("properties", [[], "x", 3, None])
def test_properties_that_are_no_object(rule_of, properties):
    """Whatever a producer writes into the topic is told apart, not raised."""
    for more, accepted in (("enforce: reject", False), ("enforce: flag", True), ("enforce: drop_property", True)):
        outcome = rule_of(PRODUCTS, more=more).enforce_on(properties)

        assert outcome.accepted is accepted
        assert outcome.properties == {}
        assert outcome.violations[0].path == "properties"


def test_reject_flag_and_drop(rule_of):
    """The three ways to enforce, per event and per plan."""
    good, bad = {"n": 1}, {"n": "x", "other": 2}

    for rule, kept, accepted in (
        (rule_of(PRODUCTS), bad, False),
        (rule_of(PRODUCTS, more="enforce: flag"), bad, True),
        (rule_of(PRODUCTS, plan="enforce: flag\n"), bad, True),
        (rule_of(PRODUCTS, more="enforce: drop_property"), {"other": 2}, True),
    ):
        assert rule.enforce_on(good) == (good, [], True)
        assert rule.enforce_on(bad) == (kept, rule.check(bad), accepted)


def test_dropping_takes_only_what_is_wrong(rule_of):
    """An item without what it must have goes as a whole; a wrong price goes alone; the sender's object stays."""
    rule = rule_of(PRODUCTS, more="enforce: drop_property")
    sent = {"n": 1, "products": [{"price": 1}, {"sku": "a", "price": -1}, {"sku": {}, "price": 1}]}
    before = copy.deepcopy(sent)

    outcome = rule.enforce_on(sent)

    assert outcome.properties == {"n": 1, "products": [{"sku": "a"}]}
    assert outcome.accepted
    assert [v.path for v in outcome.violations] == [
        "properties.products[0].sku", "properties.products[1].price", "properties.products[2].sku",
    ]  # fmt: skip
    assert sent == before


def test_dropping_a_required_property_leaves_a_flag(rule_of):
    """There is nothing left to drop, so the event goes on with its violations."""
    outcome = rule_of(PRODUCTS, more="enforce: drop_property").enforce_on({"n": "x", "products": [1, 2, 3, 4]})

    assert outcome.properties == {}
    assert outcome.accepted
    assert {v.kind for v in outcome.violations} == {"type", "length"}


def test_what_is_not_planned_is_kept_flagged_dropped_or_rejected(rule_of):
    """`extra` is about unplanned properties only, also inside objects."""
    sent = {"n": 1, "x": 1, "products": [{"sku": "a", "y": 1}]}

    assert rule_of(PRODUCTS).enforce_on(sent) == (sent, [], True)
    for extra, kept, accepted in (
        ("flag", sent, True),
        ("drop", {"n": 1, "products": [{"sku": "a"}]}, True),
        ("reject", sent, False),
    ):
        outcome = rule_of(PRODUCTS, more=f"extra: {extra}").enforce_on(sent)

        assert (outcome.properties, outcome.accepted) == (kept, accepted)
        assert sorted(map(str, outcome.violations)) == [
            "properties.products[0].y: is not in the plan", "properties.x: is not in the plan",
        ]  # fmt: skip


def test_an_object_without_described_properties_is_free(rule_of):
    """Nobody said what belongs into it."""
    assert rule_of("o: {type: object, description: d}", more="extra: reject").check({"o": {"a": {"b": 1}}}) == []


MONEY = """
revenue: {type: money, description: d}
total: {type: money, currency: paid_in, description: d}
paid_in: {type: string, description: d}
currency: {type: string, format: currency, description: d}
quantity: {type: number, description: d}
order_id: {type: id, description: d}
score: {type: integer, description: d}
lines:
  type: array
  description: d
  items: {type: object, description: d, properties: {n: {type: integer, description: d}}}
deep:
  type: object
  description: d
  properties: {paid: {type: money, description: d}, currency: {type: string, description: d}}
"""


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, Facts()),
        ({"revenue": 11.77}, Facts(amount=1177, currency="EUR")),
        ({"revenue": 0.0, "currency": "USD"}, Facts(amount=0, currency="USD")),
        ({"revenue": 500, "currency": "JPY"}, Facts(amount=500, currency="JPY")),
        ({"revenue": 1.5, "currency": "KWD"}, Facts(amount=1500, currency="KWD")),
        ({"revenue": 2, "currency": " usd "}, Facts(amount=200, currency="USD")),
        ({"revenue": 2, "currency": "beads"}, Facts()),
        ({"revenue": 2, "currency": 3}, Facts()),
        ({"revenue": None, "total": 3, "paid_in": "GBP", "currency": "USD"}, Facts(amount=300, currency="GBP")),
        ({"revenue": "12"}, Facts()),
        ({"revenue": True}, Facts()),
        ({"revenue": float("nan")}, Facts()),
        ({"revenue": float("inf")}, Facts()),
        ({"revenue": 10**30}, Facts()),
        ({"quantity": 3}, Facts(quantity=3.0)),
        ({"quantity": None, "lines": [{"n": 2}, {}, {"n": None}, {"n": "x"}, 7]}, Facts(quantity=6.0)),
        ({"lines": []}, Facts()),
        ({"lines": {}}, Facts()),
        ({"quantity": 10**400}, Facts()),
        ({"order_id": 17}, Facts(subject="17")),
        ({"order_id": "A 17"}, Facts(subject="A 17")),
        ({"order_id": ["x"]}, Facts()),
        ({"score": 4}, Facts(rating=4.0)),
        ({"score": 0}, Facts(rating=0.0)),
        ({"score": "4"}, Facts()),
    ],
)
def test_facts_are_exact_and_never_raise(rule_of, properties, expected):
    """Also for a flagged event, whose properties may be anything."""
    rule = rule_of(
        MONEY,
        facts="{amount: [revenue, total], quantity: [quantity, 'lines[].n'], subject: order_id, rating: score}",
    )

    assert rule.facts(properties) == expected


@pytest.mark.parametrize(
    ("properties", "category"),
    [
        ({}, ""),
        ({"kind": " Food "}, "Food"),
        ({"kind": 7}, ""),
        ({"kind": "x" * 101}, ""),
        ({"lines": [{"kind": "Books"}, {"kind": "Food"}, 3, {"kind": "Food"}, {"kind": 4}]}, "Food"),
        ({"lines": [{"kind": "Books"}, {"kind": "Food"}]}, "Books"),
        ({"lines": [{}]}, ""),
        ({"lines": "Food"}, ""),
    ],
)
def test_the_category_of_an_order_is_that_of_most_of_its_products(rule_of, properties, category):
    """Of equals the first; what is no text counts for nothing."""
    rule = rule_of(
        """
kind: {type: string, description: d}
lines:
  type: array
  description: d
  items: {type: object, description: d, properties: {kind: {type: string, description: d}}}
""",
        facts="{category: [kind, 'lines[].kind']}",
    )

    assert rule.facts(properties) == Facts(category=category)


def test_money_inside_an_object_takes_the_currency_beside_it(rule_of):
    """Not the one at the top."""
    rule = rule_of(MONEY, facts="{amount: deep.paid}")

    assert rule.facts({"deep": {"paid": 1, "currency": "JPY"}, "currency": "USD"}) == Facts(1, "JPY")
    assert rule.facts({"deep": 3}) == Facts()


@pytest.mark.parametrize(
    ("properties", "terms"),
    [
        ({"price": 120, "period": "Yearly", "until": "2026-03-01"}, Terms(1772323200, "year", None, 10_00)),
        ({"price": 120, "period": "year", "people": 3.0, "until": "soon"}, Terms(None, "year", 3, 10_00)),
        ({"price": 120}, None),  # what it is for, nobody says
        ({"price": "120", "period": 7, "people": -1, "until": 1772323200.5}, Terms(1772323200.5)),
        ({}, None),
    ],
)
def test_an_event_of_a_subscription_tells_its_terms(rule_of, properties, terms):
    """What it says, and what its price comes to a month; a plan gives no other event such facts."""
    planned = """
price: {type: money, description: d}
period: {type: string, description: d}
people: {type: integer, description: d}
until: {type: date-time, description: d}
"""
    facts = "{amount: price, interval: period, seats: people, ends: until}"

    assert rule_of(planned, facts=facts, more="role: subscription_change").facts(properties).terms == terms
    with pytest.raises(PlanError, match="is for what happens to a subscription"):
        rule_of(planned, facts=facts, more="role: visit")


def test_what_a_subscription_brings_a_month_is_its_amount_if_no_other_is_told(rule_of):
    rule = rule_of(MONEY, facts="{mrr: deep.paid}", more="role: subscription_change")

    facts = rule.facts({"deep": {"paid": 12, "currency": "USD"}})
    assert (facts.amount, facts.currency, facts.terms) == (12_00, "USD", Terms(mrr=12_00))


def test_an_event_without_facts_costs_nothing(rule_of):
    """One shared, immutable answer."""
    rule = rule_of(MONEY)

    assert rule.facts({"revenue": 3}) is rule.facts({})


def test_personal_data_is_known_by_path(rule_of):
    """Also inside objects and lists."""
    rule = rule_of(
        """
a: {type: string, pii: email, description: d}
b:
  type: array
  description: d
  items: {type: object, description: d, properties: {c: {type: string, pii: name, description: d}}}
d: {type: object, pii: address, description: d, properties: {e: {type: string, pii: address, description: d}}}
f: {type: string, description: d}
"""
    )

    assert rule.pii == {"a": "email", "b[].c": "name", "d": "address", "d.e": "address"}


def test_the_schema_is_plain_json_schema(rule_of):
    """Other tools can use it."""
    rule = rule_of("p: {type: string, required: true, description: d}\nq: {type: integer, min: 1, description: e}")

    assert rule.schema == {
        "type": "object",
        "properties": {
            "p": {"type": "string", "description": "d"},
            "q": {"type": ["integer", "null"], "minimum": 1, "description": "e"},
        },
        "required": ["p"],
    }
