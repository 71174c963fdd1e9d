"""docs/tracking-plan.md is complete and its example works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from profiles.identity import IdentityRule
from streams.plan import ROLES, PlanFile, Property, Trait, parse_plan
from streams.plan.model import ConsentSpec, EventSpec, FactsSpec, SourceSpec

GUIDE = (Path(__file__).parents[4] / "docs" / "tracking-plan.md").read_text()


@pytest.mark.parametrize(
    "model", [PlanFile, SourceSpec, IdentityRule, Property, Trait, ConsentSpec, EventSpec, FactsSpec]
)
def test_every_key_is_documented(model):
    """A key that nobody can find does not exist."""
    assert {key for key in model.model_fields if f"`{key}`" not in GUIDE} == set()


def test_every_role_is_documented():
    """Roles are the words that plans share with profiles."""
    assert {role for role in ROLES if f"`{role}`" not in GUIDE} == set()


def test_the_example_is_a_plan():
    """Copied from the page, it works."""
    (example,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)

    plan = parse_plan(example, "example", {})

    assert plan.event("web", "track", "Order Completed").role == "purchase"
    assert [problem.path for problem in plan.warnings] == ["sources"]
