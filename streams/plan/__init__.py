"""The tracking plan: the contract between those who send events and those who use them."""

from streams.plan.checker import Checker, Outcome
from streams.plan.diff import Change, diff_plans
from streams.plan.docs import render_html, render_markdown
from streams.plan.errors import PlanError, Problem
from streams.plan.facts import Facts
from streams.plan.load import load_plan, parse_plan, parse_segment
from streams.plan.model import ROLES, PlanFile, Property, Trait
from streams.plan.plan import Plan, Source
from streams.plan.rule import EventRule
from streams.plan.violations import Violation

__all__ = [
    "ROLES", "Change", "Checker", "EventRule", "Facts", "Outcome", "Plan", "PlanError", "PlanFile", "Problem",
    "Property", "Source", "Trait", "Violation", "diff_plans", "load_plan", "parse_plan", "parse_segment",
    "render_html", "render_markdown",
]  # fmt: skip
