"""Whose an event is beside its customer's: the company that it names, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from plan.model import GroupSpec
from plan.rule import EventRule
from profiles.identity.placeholders import Placeholders
from profiles.identity.spelling import normalise
from profiles.types import Grouping

__all__ = ["GroupOf", "group_of"]

GroupOf = Callable[[Mapping[str, Any], EventRule, Mapping[str, Any]], Grouping | None]
"""From a raw event, its rule and its checked payload to the company; None if it names none."""


def group_of(spec: GroupSpec, placeholders: Placeholders) -> GroupOf:
    """A function that finds the company of an event, with every path resolved beforehand.

    Args:
        spec: of the plan.
        placeholders: values that name nobody.
    """
    paths = [tuple(path.split(".")) for path in spec.id]
    planned = frozenset(spec.traits)

    @lru_cache(maxsize=20_000, typed=True)  # from 2^53 on a float names nobody, and equals an int that does
    def spell(value: str | float) -> str | None:
        return normalise(value, "none", placeholders)

    def find(raw: Mapping[str, Any], rule: EventRule, payload: Mapping[str, Any]) -> Grouping | None:
        for path in paths:
            value = _at(raw, path)
            if type(value) in (str, int, float) and (key := spell(value)) is not None:
                break
        else:
            return None
        is_call = rule.type == "group"
        traits = {name: held for name, held in payload.items() if name in planned} if is_call else {}
        return Grouping(key, rule.spec.member == "left", traits)

    return find


def _at(node: Any, path: Sequence[str]) -> Any:
    for name in path:
        if type(node) is not dict:
            return None
        node = node.get(name)
    return node
