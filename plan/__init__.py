"""The tracking plan: the contract between those who send events and those who use them."""

from plan.checking.checker import Checker, Outcome
from plan.checking.violations import Violation
from plan.diff import Change, diff_plans
from plan.docs import render_html, render_markdown
from plan.errors import PlanError, Problem
from plan.facts import Facts
from plan.load import USER_ID_KEY, load_plan, parse_plan, parse_segment
from plan.model import ROLES, PlanFile, Property, Trait
from plan.plan import Plan, Source
from plan.rule import EventRule
from plan.trust import Standing

__all__ = [
    "ROLES", "USER_ID_KEY", "Change", "Checker", "EventRule", "Facts", "Outcome", "Plan", "PlanError", "PlanFile",
    "Problem", "Property", "Source", "Standing", "Trait", "Violation", "diff_plans", "load_plan", "parse_plan",
    "parse_segment", "render_html", "render_markdown",
]  # fmt: skip
