"""Segments that every plan has unless it says otherwise: by value (RFM), the top tenth, and those that are learned.

The value segments divide all who ordered by the quintiles of how lately and how often. Quintiles move with the
customers; with the hysteresis of a group, 1.9 % of the customers change their segment in a week (CDNOW, edges of every
week). Their conditions do not overlap, as a group keeps whoever may stay. In a plan they come first, so its own rules
may use them; a rule of the plan with the same name takes the place of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.conditions.rules import SegmentRule
from profiles.consent import INTERNAL

__all__ = ["BUILTIN", "INTERNAL_SEGMENT", "LEARNED", "VALUE", "with_builtin", "with_internal"]

VALUE, LEARNED = "rfm", "learned"
"""The groups: a customer is in at most one segment of each."""

_ONE_ORDER = {"count": "purchase", "at_least": 1, "at_most": 1}
_MORE = {"count": "purchase", "at_least": 2}


def _value(name: str, description: str, *conditions: dict[str, Any]) -> SegmentRule:
    return SegmentRule.model_validate(
        {"name": name, "description": description, "when": {"all": list(conditions)}, "group": VALUE}
    )


def _rfm(**quintiles: str | int | list[int]) -> dict[str, Any]:
    return {"rfm": quintiles}


BUILTIN: tuple[SegmentRule, ...] = (
    _value(
        "champions",
        "Order often and lately: the best fifth by recency, the best two by frequency",
        _MORE,
        _rfm(recency=5, frequency="at least 4"),
    ),
    _value(
        "loyal_customers",
        "Order often, the last time not long ago",
        _MORE,
        _rfm(recency=[3, 4], frequency="at least 4"),
    ),
    _value(
        "lapsing_loyal",
        "Ordered often, and have not for long: the ones to win back",
        _MORE,
        _rfm(recency="at most 2", frequency="at least 4"),
    ),
    _value(
        "potential_loyalists",
        "Ordered again, lately, and may become loyal",
        _MORE,
        _rfm(recency="at least 4", frequency="at most 3"),
    ),
    _value(
        "need_attention",
        "Ordered a few times, and begin to fade",
        _MORE,
        _rfm(recency=3, frequency="at most 3"),
    ),
    _value(
        "hibernating",
        "Ordered a few times, long ago",
        _MORE,
        _rfm(recency="at most 2", frequency="at most 3"),
    ),
    _value("new_one_timers", "Ordered once, lately", _ONE_ORDER, _rfm(recency="at least 4")),
    _value("cooling_one_timers", "Ordered once, some time ago", _ONE_ORDER, _rfm(recency=3)),
    _value("lost_one_timers", "Ordered once, long ago", _ONE_ORDER, _rfm(recency="at most 2")),
    SegmentRule.model_validate(
        {
            "name": "top_value",
            "description": "The tenth of the customers who brought the most, after refunds",
            "when": {"quantile": "net", "top": 0.1},
        }
    ),
    *(
        SegmentRule.model_validate(
            {
                "name": f"learned_{number}",
                "description": f"Learned segment {number}: customers alike in how lately, how often and for how much",
                "when": {"cluster": number},
                "group": LEARNED,
            }
        )
        for number in range(1, 6)
    ),
)
"""In the order in which they come in a plan."""


INTERNAL_SEGMENT = "internal"
"""The one segment of the house's own people; only plans that say who these are have it."""


def with_internal(rules: Sequence[SegmentRule]) -> list[SegmentRule]:
    """The rules, and last that of the house's own people."""
    described = "Your own people, kept out of all other segments, of risk, alerts and models"
    rule = {"name": INTERNAL_SEGMENT, "description": described, "when": {"trait": INTERNAL, "is": True}}
    return [*(each for each in rules if each.name != INTERNAL_SEGMENT), SegmentRule.model_validate(rule)]


def with_builtin(rules: Sequence[SegmentRule]) -> list[SegmentRule]:
    """A plan's rules with the built-in ones before them, without those that the plan defines itself."""
    own = {rule.name for rule in rules}
    return [*(rule for rule in BUILTIN if rule.name not in own), *rules]
