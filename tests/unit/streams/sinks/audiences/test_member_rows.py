"""Who may be in a table, and what of them."""

from __future__ import annotations

from hashlib import sha256

import pyarrow as pa
import pytest

from profiles.consent import INTERNAL
from profiles.types import Claims
from streams.sinks.audiences.member_rows import Change, MemberRows, digests, moves
from tests.audiences import member, plan_with
from tests.build import T0


def rows(plan):
    return MemberRows(plan, plan.file.audiences)


def test_only_what_the_plan_lets_out_leaves_and_hashed_in_its_one_spelling():
    profile = member(1, country="NL", email=" Ada@Example.com", age=7)
    profile.identities["anonymous_id"] = {"a-1": T0}

    told = rows(plan_with()).row(profile, "dutch")

    assert told == {
        "profile": "p000001",
        "since": int((T0 + 1) * 1e6),
        "id_user_id": ["u1"],
        "trait_country": "NL",
        "trait_email": sha256(b"ada@example.com").hexdigest(),
    }


def test_an_identity_leaves_as_sha256_where_the_plan_says_so():
    plan = plan_with("{segments: [dutch], identities: {user_id: sha256}}")

    assert rows(plan).row(member(1), "dutch")["id_user_id"] == [sha256(b"u1").hexdigest()]


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("integer", 3.5, None),
        ("integer", True, None),
        ("integer", 2**70, None),
        ("number", 3, 3.0),
        ("number", "3", None),
        ("number", float("inf"), None),
        ("boolean", False, False),
        ("boolean", "no", None),
        ("string", 7, "7"),
        ("string", "7", "7"),
        ("array", ["b", 1], '["b",1]'),
        ("date-time", "2026-01-01", "2026-01-01"),
    ],
)
def test_a_trait_is_of_the_planned_type_or_empty(kind, value, held):
    plan = plan_with(
        "{segments: [dutch], traits: {size: plain}}",
        ("traits:\n", f"traits:\n  size: {{type: {kind}, description: d}}\n"),
    )
    made = rows(plan)

    table = made.table([made.row(member(1, size=value), "dutch")])

    assert table["trait_size"].to_pylist() == [held]
    assert type(table["trait_size"].to_pylist()[0]) is type(held)


def test_who_may_not_be_told_of_is_in_no_table():
    made = rows(plan_with())
    merged, denied, internal, elsewhere = member(1), member(2), member(3), member(4, segment="")
    merged.redirect = "p000009"
    denied.traits["consent.outreach"] = (False, T0, b"12345678")
    internal.traits[INTERNAL] = (True, T0, b"12345678")

    assert made.reason(member(5), "dutch") is None
    assert made.reason(None, "dutch") == "gone"
    assert made.reason(merged, "dutch") == "gone"
    assert made.reason(elsewhere, "dutch") == "segment"
    assert made.reason(denied, "dutch") == "outreach"
    assert made.reason(internal, "dutch") == "outreach"


def test_who_says_nothing_is_treated_as_the_plan_says():
    denies = "consent:\n  outreach: {description: d, default: denied, owner: o, basis: b, trait: mail}\ntraits:\n"
    made = rows(plan_with("{segments: [dutch]}", ("traits:\n", f"{denies}  mail: {{type: boolean, description: d}}\n")))
    willing = member(2)
    willing.traits["consent.outreach"] = (True, T0, b"12345678")

    assert made.reason(member(1), "dutch") == "outreach"
    assert made.reason(willing, "dutch") is None


def test_who_is_left_alone_is_in_no_table():
    plan = plan_with("{segments: [dutch]}", ("events:\n", "churn: {hold_out: 0.5}\nevents:\n"))
    made = rows(plan)

    reasons = [made.reason(member(number), "dutch") for number in range(400)]

    assert 150 < reasons.count("held_out") < 250
    assert reasons.count("held_out") + reasons.count(None) == 400


def test_a_trait_that_is_only_claimed_of_somebody_known_does_not_leave():
    profile = member(1)
    profile.claims = Claims(traits={"country": ("BE", T0, b"12345678")}, known=True)

    assert rows(plan_with()).row(profile, "dutch")["trait_country"] is None


def test_two_tables_differ_by_who_is_in_them_and_what_is_told():
    made = rows(plan_with())
    before = made.table([made.row(member(n, country="NL"), "dutch") for n in (1, 2, 3)])
    after = made.table([made.row(member(n, country="BE" if n == 2 else "NL"), "dutch") for n in (2, 3, 4)])

    found = list(moves(digests(before), digests(after), lambda id_: int(id_[1:]), {"p000001": "gone"}))

    assert found == [
        Change("p000001", "left", reason="gone"),
        Change("p000002", "changed", 2),
        Change("p000004", "entered", 4),
    ]
    assert digests(before) == digests(pa.concat_tables([before.slice(2), before.slice(0, 2)]))
