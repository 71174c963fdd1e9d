"""Which identities an event carries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from pydantic import ValidationError

from profiles.identity.extract import Extractor, IdentityRule, compile_extractor, compile_spellings
from profiles.identity.secrets import hashed
from profiles.types import Identity

KEY = b"a key of the tests"
USER = IdentityRule(type="user_id", priority=1, limit=1, fields=("userId",))
LOYALTY = IdentityRule(type="loyalty", priority=2, fields=("traits.loyalty", "context.externalIds"))
EMAIL = IdentityRule(
    type="email", priority=3, fields=("traits.email", "context.traits.email", "properties.email"), pii="email",
    held="plain",
)  # fmt: skip
PHONE = IdentityRule(type="phone", priority=4, fields=("traits.phone",), pii="phone", held="plain")
ANONYMOUS = IdentityRule(type="anonymous_id", priority=5, fields=("anonymousId", "previousId"))
RULES = [ANONYMOUS, PHONE, EMAIL, LOYALTY, USER]


def compiled(rules: Iterable[IdentityRule], blocked: Iterable[str] = ()) -> Extractor:
    rules = list(rules)
    return compile_extractor(rules, compile_spellings(rules, blocked, key=KEY, region="NL"))


def extract(event: dict[str, Any], rules: Iterable[IdentityRule], blocked: Iterable[str] = ()) -> list[Identity]:
    return compiled(rules, blocked)(event)


def test_identities_come_strongest_first_whatever_the_order_of_the_rules():
    """The rules' priorities decide the order, so that the last identity is the one to drop at a conflict."""
    event = {"anonymousId": "a", "userId": "u", "traits": {"email": "X@Y.nl", "phone": "06 1234 5678"}}

    found = extract(event, RULES)

    assert found == [("user_id", "u"), ("email", "x@y.nl"), ("phone", "+31612345678"), ("anonymous_id", "a")]
    assert extract(event, RULES[::-1]) == found


def test_numbers_identify_and_objects_do_not():
    """SDKs send numeric ids; a boolean or an object is an accident."""
    of = compiled([USER])

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
    ("entry", "counts"),
    [
        ({"collection": "users", "encoding": "none"}, True),
        ({"collection": None, "encoding": None}, True),
        ({"collection": "accounts"}, False),
        ({"collection": ["users"]}, False),
        ({"encoding": "base64"}, False),
    ],
)
def test_external_ids_count_for_users_and_as_they_are(entry, counts):
    """An account's id would make its employees one; an id in an encoding would be another than the id itself."""
    event = {"context": {"externalIds": [{"type": "loyalty", "id": "7", **entry}]}}

    assert extract(event, RULES) == ([("loyalty", "7")] if counts else [])


def test_external_ids_are_of_the_plans_types_only():
    """A type that takes none from there, and a type that nobody planned, identify nobody."""
    ids = [{"type": "user_id", "id": "u"}, {"type": "facebook", "id": "f"}]

    assert extract({"context": {"externalIds": ids}}, RULES) == []


def test_personal_data_is_held_hashed_unless_the_rule_says_otherwise():
    """By class; the same address gives the same hash wherever it is found and however it is written."""
    hash_email = EMAIL.model_copy(update={"held": None})
    ids = IdentityRule(type="iban", priority=9, fields=("traits.iban",), held="hashed")
    event = {"traits": {"email": " Ada@Example.com ", "iban": 42}, "context": {"traits": {"email": "ada@example.com"}}}

    assert extract(event, [hash_email, ids]) == [
        ("email", hashed(KEY, "email", "ada@example.com")),
        ("iban", hashed(KEY, "iban", "42")),
    ]
    assert {pii: IdentityRule(type="x", priority=1, fields=("userId",), pii=pii).hashed for pii in
            ("email", "phone", "name", "address", "ip", "free_text", "id", "none")} == {
        "email": True, "phone": True, "name": True, "address": True, "ip": True, "free_text": True,
        "id": False, "none": False,
    }  # fmt: skip


def test_a_blocked_value_is_meant_in_every_spelling():
    """Whoever blocks the number of the shop's own desk writes it as it is printed there."""
    of = compiled([PHONE.model_copy(update={"held": "hashed"}), EMAIL], ["020 123 4567", "Desk@Bücher.example"])

    assert of({"traits": {"phone": "+31 20 1234567", "email": "desk@xn--bcher-kva.example"}}) == []
    assert len(of({"traits": {"phone": "+31 20 1234568"}})) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": 0},
        {"limit": 0},
        {"fields": []},
        {"fields": ["a..b"]},
        {"fields": ["$.x"]},
        {"type": "User"},
        {"held": "secret"},
        {"more": 1},
    ],
)
def test_rules_that_cannot_work_are_refused(wrong):
    """A rule is checked where it is written."""
    with pytest.raises(ValidationError):
        IdentityRule.model_validate({"type": "x", "priority": 1, "fields": ["userId"], **wrong})
