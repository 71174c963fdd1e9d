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
    """Those of its context count alone: beside others they may be of the user before."""
    rule = plan_of(("events:\n", IDENTIFY)).event("web", "identify", "")
    event = {"traits": {"country": "DE", "x": 1}, "context": {"traits": {"country": "NL", "email": "a@b.nl"}}}

    assert rule.payload(event) == {"country": "DE", "x": 1}
    assert rule.payload({**event, "traits": {}}) == {"country": "NL", "email": "a@b.nl"}
    outcome = rule.enforce_on(rule.payload(event))
    assert outcome.properties == {"x": 1}
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
    plan = plan_of(("version: 1", "version: 1\nblocked: [Kiosk ]\nunblocked: [guest]"))

    assert plan.extract({"userId": "KIOSK", "anonymousId": "a"}) == [("anonymous_id", "a")]
    assert plan.extract({"userId": "Guest"}) == [("user_id", "Guest")]


def test_what_a_repeat_does_is_of_the_role(plan_of):
    """Whichever of its events says so; the usual is not told."""
    assert plan_of(("role: purchase", "role: purchase\n    on_repeat: first")).on_repeat == {"purchase": "first"}
    assert plan_of(("role: purchase", "role: purchase\n    on_repeat: last")).on_repeat == {}


@pytest.mark.parametrize(
    ("spec", "good", "bad"),
    [
        ("type: string, format: email", ["ada@example.com", "<Ada@example.com>"], ["n/a@n/a", "no@no"]),
        ("type: id, pattern: '^[0-9]{8}$'", [12345678, "\u200b12345678", "12345678.0"], ["no card", "1234"]),
        ("type: string, format: uuid", ["3b8f4c1e-90d7-5a5b-8a3e-6f1f2c7d9e10"], ["soon"]),
        ("type: string, max_length: 3", ["abc"], ["abcd"]),
    ],
)  # fmt: skip
def test_what_fails_its_traits_own_format_identifies_nobody(plan_of, spec, good, bad):
    """People write anything into a field that they have to fill, and many write the same."""
    pii = "email" if "format: email" in spec else "id"
    plan = plan_of(
        ("traits:\n", f"traits:\n  card: {{{spec}, description: d}}\n"),
        ("identities:\n", f"identities:\n  - {{type: card, priority: 3, fields: [traits.card], pii: {pii}}}\n"),
    )

    for value in good:
        assert len(plan.extract({"traits": {"card": value}})) == 1, value
    for value in bad:
        assert plan.extract({"traits": {"card": value}}) == [], value


ADDRESSES = [{"type": "identify", "userId": user} for user in ("Mail.User@Example.com", "mail.user@example.com")]


def test_user_ids_that_are_addresses_have_one_spelling_where_the_plan_says_so(plan_of):
    """All of them with `pii: email`; where others are numbers, by a stronger identity that takes the same field."""
    one, other = (plan_of().extract(event) for event in ADDRESSES)
    assert one != other
    all_of_them = plan_of(("fields: [userId]", "fields: [userId], pii: email, held: plain"))
    assert [all_of_them.extract(event) for event in ADDRESSES] == [[("user_id", "mail.user@example.com")]] * 2
    rules = "identities:\n  - {type: login, priority: 1, fields: [userId], pii: email}\n"
    some = plan_of(("priority: 1", "priority: 3"), ("identities:\n", rules))
    assert len({some.home(some.extract(event)[0]) for event in ADDRESSES}) == 1
    assert some.extract({"userId": "42"}) == [("user_id", "42")]


def test_rates_hold_from_the_beginning_of_their_day(plan_of):
    """In the plan's currency, until a later entry."""
    table = "[{since: 2026-01-01, rates: {USD: 0.5}}, {since: 2026-02-01, rates: {USD: 0.8, JPY: 0.01}}]"
    rates = plan_of(("version: 1", f"version: 1\nrates: {table}")).rates
    january, february = 1_767_225_600.0, 1_769_904_000.0

    assert plan_of().rates is None
    assert [rates.worth(1000, "USD", time) for time in (january - 1, january, february - 1, february)] == [
        0,
        500,
        500,
        800,
    ]
    assert rates.worth(1000, "JPY", february) == 1000
    assert rates.worth(1000, "GBP", february) == 0


def test_what_a_profile_keeps_follows_from_the_whole_plan(shipped):
    """Who plays a log by the plan has all of it: a part that was left out would be a feature that is never seen."""
    limits = shipped.limits

    assert limits.parts >= {"complaint?:price", "purchase?:discount", "delivered?:late"}
    assert limits.narrowed.keys() >= {"complaint", "purchase", "delivered"}
    assert (limits.windows, limits.rates, limits.persons) == (shipped.windows, shipped.rates, shipped.trust.persons)
