"""A small plan to change one thing in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from plan import EventRule, Plan, parse_plan
from tests import REPOSITORY

BASE = """\
name: Small
version: 1
sources:
  web: {description: Web site, write_key: key-of-web, public: false}
  purchase: {description: Orders, write_key: key-of-purchase, public: false}
identities:
  - {type: user_id, priority: 1, limit: 1, fields: [userId]}
  - {type: anonymous_id, priority: 2, fields: [anonymousId, previousId]}
traits:
  email: {type: string, format: email, pii: email, description: Address}
  country: {type: string, enum: [NL, BE], description: Country}
events:
  - {type: page, sources: [web], owner: o, description: d, why: w, role: visit}
  - name: Order Completed
    sources: [purchase]
    owner: o
    description: d
    why: w
    role: purchase
    properties:
      order_id: {type: id, required: true, description: Number}
      revenue: {type: money, required: true, min: 0, description: Worth}
      currency: {type: string, format: currency, description: Currency}
    facts: {amount: revenue, subject: order_id}
segments:
  - {name: dutch, when: {trait: country, is: NL}}
alerts:
  - {name: risk, threshold: 0.8, segment: dutch}
"""


def believing(directory: Path) -> Path:
    """The plan that comes with Rapport, with no source public: for tests of who is who and what is counted.

    Args:
        directory: where the file is written.
    """
    shipped = (REPOSITORY / "tracking_plan.yaml").read_text()
    before, sources, after = re.split(r"^(sources:\n(?:(?:[ #].*)?\n)+)", shipped, maxsplit=1, flags=re.MULTILINE)
    assert sources.count("public: true") == 2  # what the plan shows to everybody says so in the same words
    path = directory / "tracking_plan.yaml"
    path.write_text(before + sources.replace("public: true", "public: false") + after)
    return path


def staying() -> Plan:
    """The plan that comes with Rapport, without `keep`: an identity stays with whoever had it first by arrival."""
    text = re.sub(r"^    keep: (first|last)\n", "", (REPOSITORY / "tracking_plan.yaml").read_text(), flags=re.MULTILINE)
    return parse_plan(text, "tracking_plan.yaml", {})


@pytest.fixture
def plan_of() -> Callable[..., Plan]:
    """The small plan with pieces of its text replaced."""

    def build(*changes: tuple[str, str], environ: dict[str, str] | None = None) -> Plan:
        text = BASE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        return parse_plan(text, "plan.yaml", environ or {})

    return build


@pytest.fixture
def rule_of(plan_of: Callable[..., Plan]) -> Callable[..., EventRule]:
    """A compiled rule with these properties (YAML, one a line), facts and settings."""

    def build(properties: str, facts: str = "{}", more: str = "", plan: str = "") -> EventRule:
        indented = "".join(f"      {line}\n" for line in properties.strip().splitlines())
        event = (
            "  - name: Thing\n    sources: [web]\n    owner: o\n    description: d\n    why: w\n"
            f"    facts: {facts}\n" + (f"    {more}\n" if more else "") + f"    properties:\n{indented}"
        )
        built = plan_of(("events:\n", f"events:\n{event}"), ("version: 1\n", f"version: 1\n{plan}"))
        rule = built.event("web", "track", "Thing")
        assert rule is not None
        return rule

    return build


@pytest.fixture(scope="session")
def shipped() -> Plan:
    """The plan that comes with Rapport."""
    path = REPOSITORY / "tracking_plan.yaml"
    return parse_plan(path.read_text(), str(path), {})
