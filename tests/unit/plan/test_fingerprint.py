"""A rule's fingerprint changes with all that decides it, and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from plan import Plan, parse_plan
from plan.fingerprint import fingerprint, rules_of
from tests.plans import BASE

SEGMENTS: list[dict[str, Any]] = [
    {"name": "buyers", "when": {"count": "purchase", "at_least": 1}},
    {"name": "fans", "when": {"all": [{"segment": "buyers"}, {"count": "visit", "at_least": 9}]}},
    {"name": "gold", "group": "tier", "when": {"count": "purchase", "at_least": 9}},
    {"name": "silver", "group": "tier", "when": {"count": "purchase", "at_least": 5}},
    {"name": "other", "when": {"count": "visit", "at_least": 3}},
]
ALERTS: list[dict[str, Any]] = [
    {"name": "fan_lost", "threshold": 0.6, "segment": "fans"},
    {"name": "other_lost", "threshold": 0.6, "segment": "other"},
    {"name": "anybody", "threshold": 0.6},
]
EVERYTHING = {*(rule["name"] for rule in SEGMENTS), *(rule["name"] for rule in ALERTS)}


def plan(**more: Any) -> Plan:
    """A plan with the segments and alerts above."""
    parts = {"segments": SEGMENTS, "alerts": ALERTS, "builtin_segments": False}
    return parse_plan(yaml.safe_dump(yaml.safe_load(BASE) | parts | more), "plan.yaml", {})


def changed(**more: Any) -> set[str]:
    """The rules whose fingerprint is another one in a plan with these parts."""
    before, after = rules_of(plan()), rules_of(plan(**more))
    maps = ((before.segments, after.segments), (before.alerts, after.alerts))
    return {name for old, new in maps for name in {*old, *new} if old.get(name) != new.get(name)}


def with_rule(rules: list[dict[str, Any]], name: str, **more: Any) -> list[dict[str, Any]]:
    """The rules, one of them with other fields."""
    return [rule | more if rule["name"] == name else rule for rule in rules]


def test_the_same_plan_has_the_same_fingerprints() -> None:
    assert changed() == set()
    assert fingerprint(plan()) == fingerprint(plan())
    assert fingerprint(plan()) != fingerprint(plan(segments=SEGMENTS[:-1], alerts=ALERTS[:1]))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"segments": with_rule(SEGMENTS, "buyers", margin=0.3)}, {"buyers", "fans", "fan_lost"}),
        ({"segments": with_rule(SEGMENTS, "silver", exit={"count": "visit", "at_least": 1})}, {"gold", "silver"}),
        ({"segments": [*SEGMENTS[:2], SEGMENTS[3], SEGMENTS[2], SEGMENTS[4]]}, {"gold", "silver"}),
        ({"segments": SEGMENTS[-1:], "alerts": ALERTS[1:]}, {"buyers", "fans", "gold", "silver", "fan_lost"}),
        ({"alerts": with_rule(ALERTS, "anybody", cooldown="1d")}, {"anybody"}),
        ({"segments": with_rule(SEGMENTS, "other", description="Who else."), "version": 99}, set()),
        ({"alerts": with_rule(ALERTS, "anybody", channel="#care", owner="crm")}, set()),
        ({"currency": "USD"}, EVERYTHING),
        ({"churn": {"bands": {"medium": 0.3, "high": 0.9}}}, EVERYTHING),
    ],
)
def test_what_decides_a_rule_changes_its_fingerprint(parts: dict[str, Any], expected: set[str]) -> None:
    """Also of those that refer to it, and of its whole group; words for people do not."""
    assert changed(**parts) == expected
