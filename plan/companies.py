"""Whose an event is beside its customer's: the company that it names, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import structs

from plan.model import GroupSpec
from plan.rule import EventRule
from profiles.identity.placeholders import Placeholders
from profiles.identity.spelling import normalise
from profiles.types import Event, Grouping

__all__ = ["GroupOf", "Unname", "group_of", "named_in", "unname"]

GroupOf = Callable[[Mapping[str, Any], EventRule, Mapping[str, Any]], Grouping | None]
"""From a raw event, its rule and its checked payload to the company; None if it names none."""


Unname = Callable[[Event], Event]
"""From an event that names a company to the same without that, and without what it says of it."""


def unname(spec: GroupSpec) -> Unname:
    """A function that takes the company out of events, for it was erased. They stay their customer's.

    Args:
        spec: of the plan.
    """
    paths = [tuple(path.split(".")) for path in spec.id]
    told = {path[1:] for path in paths if path[0] in ("properties", "traits")}
    traits = {*told, *(path[2:] for path in paths if path[:2] == ("context", "traits"))}
    context = {path[1:] for path in paths if path[0] == "context"} | {("groupId",)}
    hidden = {".".join(path) for path in told}

    def take_out(event: Event) -> Event:
        of_company = event.type == "group"  # whose payload is what is said of the company
        return structs.replace(
            event,
            group=Grouping("", event.group is not None and event.group.left),
            properties={} if of_company else _without(event.properties, told),
            traits=_without(event.traits, traits),
            context=_without(event.context, context),
            shown={} if of_company else {name: held for name, held in event.shown.items() if name not in hidden},
        )

    return take_out


def named_in(spec: GroupSpec) -> frozenset[str]:
    """The traits of customers in which events name their company."""
    paths = [path.removeprefix("context.") for path in spec.id]
    return frozenset(path.removeprefix("traits.") for path in paths if path.startswith("traits."))


def _without(held: dict[str, Any], paths: Collection[tuple[str, ...]]) -> dict[str, Any]:
    """A payload without what is at these paths; the same one if nothing is."""
    for path in paths:
        if path and path[0] in held:
            held = {name: value for name, value in held.items() if name != path[0]}
    return held


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
