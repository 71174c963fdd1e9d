"""What holds for any event and any text."""

from __future__ import annotations

import copy
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from plan import Facts, Plan, PlanError, parse_plan
from profiles.identity.extract import InexactNumber
from profiles.identity.placeholders import Placeholders
from tests import REPOSITORY

TEXT = (REPOSITORY / "tracking_plan.yaml").read_text()
PLAN = parse_plan(TEXT, "plan.yaml", {})
STRICT = parse_plan(re.sub(r"enforce: \w+", "enforce: drop_property", TEXT), "plan.yaml", {})
NAMES = sorted({name for rule in PLAN.rules for name in rule.schema["properties"]} | {"x"})

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["EUR", "plus"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
PROPERTIES = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8)


def rules(plan: Plan):
    return st.integers(0, len(plan.rules) - 1).map(lambda index: plan.rules[index])


@given(rules(PLAN), JSON | PROPERTIES)
@settings(max_examples=100, deadline=None)
def test_any_payload_gets_an_answer(rule, payload):
    """Checking never raises, never changes what was sent, and facts are always of their types."""
    before = copy.deepcopy(payload)
    outcome = rule.enforce_on(payload)

    assert repr(payload) == repr(before)
    assert bool(outcome.violations) is not rule.validator.is_valid(payload)
    assert isinstance(outcome.properties, dict)
    facts = rule.facts(outcome.properties)
    assert isinstance(facts, Facts)
    assert isinstance(facts.amount, int)
    assert abs(facts.amount) < 2**63


@given(rules(STRICT), PROPERTIES)
@settings(max_examples=100, deadline=None)
def test_dropping_leaves_nothing_wrong_but_what_is_missing(rule, payload):
    """What goes on is valid, up to required properties that there are none of."""
    outcome = rule.enforce_on(payload)

    assert outcome.accepted
    assert {(v.kind, v.path.count(".")) for v in rule.check(outcome.properties)} <= {("required", 1)}
    assert set(outcome.properties) <= set(payload)


@given(st.dictionaries(st.sampled_from(["userId", "anonymousId", "traits", "context", "type", "previousId"]), JSON))
@settings(max_examples=80, deadline=None)
def test_any_event_gives_identities_that_can_be_stored(event):
    """What it finds is text; nothing is raised but that a number stands for several customers."""
    try:
        found = PLAN.extract(event)
    except InexactNumber:
        return
    for kind, value in found:
        assert kind
        assert 0 < len(value.encode()) <= 2000
        assert Placeholders(PLAN.file.blocked).reason(value) is None


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 30), st.text("{}[]:,-&*!'\"\n #abc123", max_size=6))
@settings(max_examples=15, deadline=None)
def test_a_damaged_plan_is_a_plan_error_or_a_plan(start, length, put):
    """Whatever a slip of the keyboard does, it is told with its file."""
    problems = []
    try:
        parse_plan(TEXT[:start] + put + TEXT[start + length :], "plan.yaml", {})
    except PlanError as error:
        problems = error.problems

    assert all(str(problem).startswith("plan.yaml") for problem in problems)
