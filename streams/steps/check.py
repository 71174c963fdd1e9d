"""Check: every event against the tracking plan, which says what becomes of one that is not as planned; and before that,
ignore: what programs and the house's own people do is kept out of profiles, where everybody can look at it.

An ignored event goes to `events.rejected` as of that step, with its bytes: it is counted, listed, and can be put back
when the plan was wrong about it. It says nothing of its source, so the circuit breaker does not look at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from plan import EventRule, Plan
from profiles.errors import Unacceptable
from profiles.identity.ignored import BOT, INTERNAL
from streams.records.rejected import IGNORE
from streams.steps.intake import Each, Intake, Item

__all__ = ["check", "ignore"]

_TOLD = 20  # violations of one event that are told of: a list may break its rule in every one of thousands of items
_LARGEST_TRAIT = 8 * 1024  # bytes of a trait's value as JSON: it stays in the profile, and travels with each change
_LONGEST_NAME = 200  # characters of a trait's name

_WHY = {
    BOT: "the user agent is a program's; see `ignore` in the plan",
    INTERNAL: "it comes from an address of your own; see `ignore` in the plan",
}


def ignore(plan: Plan) -> list[Each]:
    """The step that takes out what the plan ignores, if that is anything: else events need not pass it."""
    ignored = plan.ignored

    def look(batch: Intake, item: Item) -> None:
        if reason := ignored.why(batch.source, item.raw):
            raise Unacceptable(reason, _WHY[reason])

    return [Each(IGNORE, look)] if ignored else []


def check(plan: Plan) -> Each:
    """The step that applies the plan: reject, flag or clean what is not as planned."""

    def checked(batch: Intake, item: Item) -> None:
        kind = item.raw["type"]
        rule = plan.event(batch.source, kind, item.name)
        if rule is None:
            raise Unacceptable("unplanned", plan.why_unplanned(batch.source, kind, item.name))
        item.rule = rule
        item.properties = payload = rule.payload(item.raw)
        if not rule.is_valid(payload):
            _enforce(rule, item)
        if kind == "identify":
            _leave_out_large(item)

    return Each("check", checked)


def _enforce(rule: EventRule, item: Item) -> None:
    """Do what the plan says about properties that are not as planned."""
    outcome = rule.enforce_on(item.properties)
    if not outcome.accepted:
        raise Unacceptable("plan_violation", "; ".join(_told(outcome.violations)))
    item.properties = outcome.properties
    if outcome.violations:
        item.violations = [*item.violations, *_told(outcome.violations)]


def _told(violations: Sequence[object]) -> list[str]:
    """The first violations in words, none of them longer than a sentence."""
    words = [text if len(text := str(violation)) <= 300 else text[:299] + "…" for violation in violations[:_TOLD]]
    return words if len(violations) <= _TOLD else [*words, f"and {len(violations) - _TOLD} more"]


def _leave_out_large(item: Item) -> None:
    """Leave out traits that are too large for a profile, and remark it: one of them must not cost us the identity."""
    # A dictionary, since there may be thousands of them.
    large = {name: 0 for name, value in item.properties.items() if len(name) > _LONGEST_NAME or _is_large(value)}
    if large:
        item.properties = {name: value for name, value in item.properties.items() if name not in large}
        limits = f"over {_LARGEST_TRAIT} bytes, or its name over {_LONGEST_NAME} characters"
        item.violations = [
            *item.violations,
            *_told([f"traits.{name[:_LONGEST_NAME]}: is left out, {limits}" for name in large]),
        ]


def _is_large(value: Any) -> bool:
    if isinstance(value, str) and 4 * len(value) <= _LARGEST_TRAIT:  # most are: no need to write them
        return False
    return isinstance(value, str | list | dict) and len(orjson.dumps(value)) > _LARGEST_TRAIT
