"""Routes of cases against the rest of the plan: does what they name exist, and can each of them be reached?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from models.cases.routes import Route, When
from models.conditions.rules import AlertRule, SegmentRule, of_grain
from models.conditions.vocabulary import suggest
from plan.model import Trait
from plan.source_map import Location

__all__ = ["route_problems", "route_warnings"]


def route_problems(
    routes: Mapping[int, Route],
    *,
    alerts: Collection[AlertRule],
    alert_names: Collection[str],
    segments: Collection[SegmentRule],
    segment_names: Collection[str],
    traits: Mapping[str, Trait],
    trait_names: Collection[str],
    groups: Collection[str],
) -> Iterator[tuple[Location, str]]:
    """What cannot be meant.

    Args:
        routes: those that parsed, by their place.
        alerts, segments, traits: the same; of segments those that every plan has, too.
        alert_names, segment_names, trait_names: all that the plan declares.
        groups: what the plan calls companies.
    """
    strangers = (
        {rule.name for rule in of_grain(alerts, "company")},
        {rule.name for rule in of_grain(segments, "company")},
    )
    for index, route in routes.items():
        here, when = ("routes", index, "when"), route.when
        yield from _names((*here, "rule"), "alert", when.rule or (), alert_names, strangers[0])
        yield from _names((*here, "segment"), "segment", when.segment or (), segment_names, strangers[1])
        for trait, values in when.traits.items():
            yield from _trait((*here, "traits", trait), trait, values, traits, trait_names)
        if when.company is not None and not groups:
            yield (*here, "company"), "the plan has no `groups`, so nobody is a member of anything"


def route_warnings(routes: Mapping[int, Route]) -> Iterator[tuple[Location, str]]:
    """What is allowed, but says nothing."""
    seen: list[When] = []
    for index, route in routes.items():
        if any(when.is_all for when in seen):
            yield ("routes", index), "comes behind a route that takes every case, so nothing ever goes there"
            return
        if route.when in seen:
            yield ("routes", index), "an earlier route takes the same cases, so nothing ever goes there"
        seen.append(route.when)


def _names(
    here: Location, what: str, names: Collection[str], known: Collection[str], of_companies: Collection[str]
) -> Iterator[tuple[Location, str]]:
    for name in names:
        if name not in known:
            yield here, f"there is no {what} '{name}'{suggest(name, known)}"
        elif name in of_companies:
            yield here, f"{what} '{name}' is about companies, which have no cases"


def _trait(
    here: Location, name: str, values: Collection[Any], traits: Mapping[str, Trait], known: Collection[str]
) -> Iterator[tuple[Location, str]]:
    if name not in known:
        yield here, f"there is no trait '{name}'{suggest(name, known)}"
    possible = traits[name].enum if name in traits else None
    for value in values if possible else ():
        if value not in (possible or ()):
            yield here, f"trait '{name}' is never {value!r}; it is one of {', '.join(map(str, possible or ()))}"
