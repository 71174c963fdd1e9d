"""docs/tracking-plan.md is complete and its example works."""

from __future__ import annotations

import os
import re

import pytest

from console.clients.reach import shipped_plan
from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.tree import BY_KEY
from models.segments.builtin import BUILTIN
from plan import ROLES, PlanFile, Property, Trait, parse_plan
from plan.model import ConsentSpec, EventSpec, FactsSpec, GroupSpec, SourceSpec
from profiles.identity.extract import IdentityRule
from tests import REPOSITORY

GUIDE = (REPOSITORY / "docs" / "tracking-plan.md").read_text()


@pytest.mark.parametrize(
    "model",
    [
        PlanFile,
        SourceSpec,
        IdentityRule,
        Property,
        Trait,
        GroupSpec,
        ConsentSpec,
        EventSpec,
        FactsSpec,
        SegmentRule,
        AlertRule,
    ],
)
def test_every_key_is_documented(model):
    """A key that nobody can find does not exist."""
    assert {key for key in model.model_fields if f"`{key}`" not in GUIDE} == set()


def test_every_role_is_documented():
    """Roles are the words that plans share with profiles."""
    assert {role for role in ROLES if f"`{role}`" not in GUIDE} == set()


def test_every_condition_is_documented():
    """With all it may say."""
    text = GUIDE.split("### Conditions")[1].split("\n##")[0]
    keys = {key: model.model_fields for key, model in BY_KEY.items()}

    assert {key for key, model in BY_KEY.items() if f"{{{key}: " not in text or not model.examples} == set()
    assert {
        (kind, alias)
        for kind, fields in keys.items()
        for name, field in fields.items()
        if (alias := field.alias or name) not in ("above", "below", "margin") and f"{alias}" not in text
    } == set()


def test_every_built_in_segment_is_documented():
    """By name; the learned ones by the first and the last."""
    assert {rule.name for rule in BUILTIN if f"`{rule.name}`" not in GUIDE} == {"learned_2", "learned_3", "learned_4"}


def test_the_example_is_a_plan():
    """Copied from the page, it works."""
    example, *parts = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)

    plan = parse_plan(example, "example", {})

    assert plan.event("web", "track", "Order Completed").role == "purchase"
    assert [problem.path for problem in plan.warnings] == ["sources"]
    for part in parts:
        parse_plan(example + part, "example", {})


@pytest.mark.parametrize("business", ["shop", "b2b"])
def test_every_plan_that_comes_with_rapport_is_documented(business):
    """Where it lies, and how one of your own begins like it."""
    beginning = GUIDE.split("\n## ")[0]

    assert f"({os.path.relpath(shipped_plan(business).resolve(), REPOSITORY / 'docs')})" in beginning
    assert business in beginning.split("rapport plan new --like b2b")[1].split("\n")[0]
