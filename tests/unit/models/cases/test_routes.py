"""To whom cases go: the first route that matches, whatever it looks at."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from models.cases.routes import Route, Routes, When, severest
from models.conditions.rules import AlertRule
from profiles.types import Affiliation, Case, Member, Profile, Stay

RULES = [
    AlertRule(name="risky", threshold=0.6, severity="info", owner="CRM"),
    AlertRule(name="complains", threshold=0.5, severity="critical", owner="Support"),
    AlertRule(name="silent", threshold=0.5, severity="critical"),
]


def customer() -> Profile:
    found = Profile("p" * 22, traits={"country": ("BE", 1.0, b""), "vip": (True, 1.0, b""), "level": (2.0, 1.0, b"")})
    found.segments = {"valuable": Stay(1.0)}
    members = {"acme": Member(1.0, 2.0, Profile("")), "zen": Member(3.0, 9.0, Profile(""))}
    found.affiliation = Affiliation(members)
    return found


def case(*rules: str, kind: str = "retention") -> Case:
    return Case("cs_x_1", kind, "new", 1.0, 1.0, {rule: float(at) for at, rule in enumerate(rules)})


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({}, True),
        ({"rule": "complains"}, True), ({"rule": ["silent", "risky"]}, True), ({"rule": "silent"}, False),
        ({"severity": "critical"}, True), ({"severity": ["warning", "info"]}, False),
        ({"kind": "retention"}, True), ({"kind": "win_back"}, False),
        ({"segment": ["loyal", "valuable"]}, True), ({"segment": "loyal"}, False),
        ({"company": "zen"}, True), ({"company": "acme"}, False), ({"company": ["nobody"]}, False),
        ({"traits": {"country": ["NL", "BE"]}}, True), ({"traits": {"country": "NL"}}, False),
        ({"traits": {"vip": True, "level": 2}}, True), ({"traits": {"vip": 1}}, False), ({"traits": {"age": 1}}, False),
        ({"severity": "critical", "segment": "loyal"}, False),
    ],
)  # fmt: skip
def test_all_that_a_route_says_must_be_so(when: dict[str, Any], matches: bool) -> None:
    route = Route.model_validate({"when": when, "owner": "here"})
    found = Routes([route], []).owner(customer(), case("risky", "complains"), 5.0)
    assert found == "" or matches
    assert Routes([route], RULES).owner(customer(), case("risky", "complains"), 5.0) == (
        "here" if matches else "Support"
    )


def test_the_first_that_matches_counts_and_else_the_owner_of_the_severest_rule() -> None:
    routes = [Route.model_validate({"when": {"segment": "valuable"}, "owner": owner}) for owner in ("first", "second")]
    assert Routes(routes, RULES).owner(customer(), case("complains"), 5.0) == "first"
    assert Routes((), RULES).owner(customer(), case("risky", "complains"), 5.0) == "Support"
    assert Routes((), RULES).owner(customer(), case("silent", "risky"), 5.0) == "CRM"  # the severest that names one
    assert Routes((), RULES).owner(customer(), case("silent", "gone"), 5.0) == ""
    assert severest(["gone"], {}) is None


def test_a_route_is_said_in_words_and_knows_no_other_keys() -> None:
    when = When.model_validate({"kind": "win_back", "severity": ["critical", "warning"], "traits": {"vip": True}})
    assert when.in_words() == "has left and severity critical or warning and vip is yes"
    assert When().in_words() == "any case"
    for wrong in ({"severity": "severe"}, {"rule": []}, {"region": "BE"}, {"kind": "other"}, {"traits": {"x": []}}):
        with pytest.raises(ValidationError):
            When.model_validate(wrong)
