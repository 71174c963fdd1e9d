"""Check: every event against the tracking plan, which says what becomes of one that is not as planned."""

from __future__ import annotations

from collections.abc import Callable

from profiles.errors import Unacceptable
from streams.plan import Plan
from streams.steps.intake import Intake, Item, each

__all__ = ["check"]


def check(plan: Plan) -> Callable[[Intake], None]:
    """The step."""

    def checked(batch: Intake, item: Item) -> None:
        rule = plan.event(batch.source, item.raw["type"], item.name)
        if rule is None:
            raise Unacceptable("unplanned", plan.why_unplanned(batch.source, item.raw["type"], item.name))
        outcome = rule.enforce_on(rule.payload(item.raw))
        if not outcome.accepted:
            raise Unacceptable("plan_violation", "; ".join(map(str, outcome.violations)))
        item.rule = rule
        item.properties = outcome.properties
        if outcome.violations:
            item.violations = [str(violation) for violation in outcome.violations]

    return each("check", checked)
