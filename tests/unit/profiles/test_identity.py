"""Which identities an event carries."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from profiles.identity import IdentityRule, compile_extractor, extract, normalise

USER = IdentityRule(type="user_id", priority=1, limit=1, fields=("userId",))
LOYALTY = IdentityRule(type="loyalty", priority=2, fields=("traits.loyalty", "context.externalIds"))
EMAIL = IdentityRule(
    type="email", priority=3, limit=5, fields=("traits.email", "context.traits.email", "properties.email"), pii="email"
)
PHONE = IdentityRule(type="phone", priority=4, fields=("traits.phone",), pii="phone")
ANONYMOUS = IdentityRule(type="anonymous_id", priority=5, fields=("anonymousId", "previousId"))
RULES = [ANONYMOUS, PHONE, EMAIL, LOYALTY, USER]


def test_identities_come_strongest_first_whatever_the_order_of_the_rules():
    """The rules' priorities decide the order, so that the last identity is the one to drop at a conflict."""
    event = {"anonymousId": "a", "userId": "u", "traits": {"email": "X@Y.nl", "phone": "+31 6 1234"}}

    found = extract(event, RULES)

    assert found == [("user_id", "u"), ("email", "x@y.nl"), ("phone", "+3161234"), ("anonymous_id", "a")]
    assert extract(event, RULES[::-1]) == found


def test_numbers_identify_and_objects_do_not():
    """SDKs send numeric ids; a boolean or an object is an accident."""
    of = compile_extractor([USER])

    assert of({"userId": 42}) == of({"userId": 42.0}) == of({"userId": " 42 "}) == [("user_id", "42")]
    assert of({"userId": 4.5}) == [("user_id", "4.5")]
    for nothing in (True, False, {}, [], {"id": 1}, ["a"], float("nan"), float("inf"), None):
        assert of({"userId": nothing}) == []


@pytest.mark.parametrize(
    "value",
    ["", "  ", "null", "NULL", "undefined", "Anonymous", "-1", "0", "[object Object]", "Not_Authenticated",
     "00000000-0000-0000-0000-000000000000", "0" * 32, "x" * 501, "\ud800"],
)  # fmt: skip
def test_what_careless_code_sends_for_nobody_identifies_nobody(value):
    """One such value would merge strangers."""
    assert extract({"userId": value}, [USER], ["not_authenticated "]) == []


def test_longest_value_still_identifies():
    """Five hundred characters are allowed, and so is text beyond ASCII."""
    assert extract({"userId": "é" * 500}, [USER]) == [("user_id", "é" * 500)]


def test_alias_brings_the_previous_id_as_an_anonymous_one():
    """Alias joins what was collected before login."""
    event = {"type": "alias", "previousId": "before", "userId": "u"}

    assert extract(event, RULES) == [("user_id", "u"), ("anonymous_id", "before")]


def test_traits_of_a_group_are_not_the_customers():
    """A company's address must not join its employees into one customer."""
    event = {
        "type": "group",
        "userId": "u",
        "traits": {"email": "info@corp.nl"},
        "context": {"traits": {"email": "me@corp.nl"}},
    }

    assert extract(event, RULES) == [("user_id", "u"), ("email", "me@corp.nl")]


def test_traits_only_in_the_context_count():
    """rudder-sdk-python sends an identify's traits nowhere else."""
    event = {"type": "identify", "userId": "u", "context": {"traits": {"email": "A@b.nl"}}}

    assert extract(event, RULES) == [("user_id", "u"), ("email", "a@b.nl")]


def test_the_same_value_in_two_places_is_one_identity_and_two_values_are_two():
    """Several addresses of one customer are all kept, each once."""
    event = {
        "traits": {"email": "a@b.nl"},
        "context": {"traits": {"email": "A@B.nl"}},
        "properties": {"email": "c@d.nl"},
    }

    assert extract(event, RULES) == [("email", "a@b.nl"), ("email", "c@d.nl")]


def test_external_ids_count_by_their_type():
    """context.externalIds is a list of typed ids; others and broken entries are left alone."""
    ids = [{"type": "loyalty", "id": 7}, {"type": "ga", "id": "x"}, "junk", {"type": "loyalty"}, None]

    assert extract({"context": {"externalIds": ids}}, RULES) == [("loyalty", "7")]
    assert extract({"context": {"externalIds": "junk"}}, RULES) == []


@pytest.mark.parametrize("broken", [{"traits": None}, {"traits": "x"}, {"context": []}, {"context": {"traits": 3}}, {}])
def test_broken_parents_identify_nobody(broken):
    """An event may be malformed anywhere; extraction never raises."""
    assert extract(broken, RULES) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("+31 (0)6-123.45", "+31612345"),
        ("0031 6 12345", "+31612345"),
        ("06-12345", "0612345"),
        ("call me", None),
        ("12", None),
    ],
)
def test_telephone_numbers_have_one_spelling(sent, kept):
    """Spaces and punctuation do not make another customer."""
    assert normalise(sent, "phone", frozenset()) == kept


@pytest.mark.parametrize("value", ["nobody", "a b@c.nl", "@", "a@", 3])
def test_what_is_no_address_does_not_join_customers(value):
    """A form that sends "none given" for an address must not merge everybody."""
    assert normalise(value, "email", frozenset()) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": 0},
        {"limit": 0},
        {"fields": []},
        {"fields": ["a..b"]},
        {"fields": ["$.x"]},
        {"type": "User"},
        {"more": 1},
    ],
)
def test_rules_that_cannot_work_are_refused(wrong):
    """A rule is checked where it is written."""
    with pytest.raises(ValidationError):
        IdentityRule.model_validate({"type": "x", "priority": 1, "fields": ["userId"], **wrong})
