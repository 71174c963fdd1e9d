"""Routes of cases against the rest of the plan: does what they name exist, and can each of them be reached?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from models.cases.routes import Route, When
from models.conditions.rules import AlertRule, Grain, SegmentRule, of_grain
from models.conditions.vocabulary import suggest
from plan.model import GroupSpec, Property, Trait
from plan.source_map import Location

__all__ = ["route_problems", "route_warnings"]

_PLURAL: Mapping[Grain, str] = {"customer": "customers", "company": "companies"}


def route_problems(
    routes: Mapping[int, Route],
    *,
    alerts: Collection[AlertRule],
    alert_names: Collection[str],
    segments: Collection[SegmentRule],
    segment_names: Collection[str],
    traits: Mapping[str, Trait],
    trait_names: Collection[str],
    groups: Mapping[str, GroupSpec],
) -> Iterator[tuple[Location, str]]:
    """What cannot be meant.

    Args:
        routes: those that parsed, by their place.
        alerts, segments, traits: the same; of segments those that every plan has, too.
        alert_names, segment_names, trait_names: all that the plan declares.
        groups: what the plan calls companies, with their traits.
    """
    theirs = {name: trait for group in groups.values() for name, trait in group.traits.items()}
    for index, route in routes.items():
        here, when = ("routes", index, "when"), route.when
        of_others: Grain | None = when.grain and ("customer" if when.grain == "company" else "company")
        strangers = (
            {rule.name for rule in of_grain(alerts, of_others)} if of_others else (),
            {rule.name for rule in of_grain(segments, of_others)} if of_others else (),
        )
        yield from _names((*here, "rule"), "alert", when.rule or (), alert_names, strangers[0], of_others)
        yield from _names((*here, "segment"), "segment", when.segment or (), segment_names, strangers[1], of_others)
        ours: list[tuple[Mapping[str, Property], Collection[str]]] = []
        if when.grain != "company":
            ours.append((traits, trait_names))
        if when.grain != "customer" and groups:
            ours.append((theirs, theirs))
        for trait, values in when.traits.items():
            yield from _trait((*here, "traits", trait), trait, values, ours)
        if when.company is not None and not groups:
            yield (*here, "company"), "the plan has no `groups`, so nobody is a member of anything"
        if when.grain == "company" and not groups:
            yield (*here, "grain"), "the plan has no `groups`, so there is no company"


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
    here: Location,
    what: str,
    names: Collection[str],
    known: Collection[str],
    strangers: Collection[str],
    of_others: Grain | None,
) -> Iterator[tuple[Location, str]]:
    for name in names:
        if name not in known:
            yield here, f"there is no {what} '{name}'{suggest(name, known)}"
        elif name in strangers:
            other, ours = _PLURAL[of_others or "company"], _PLURAL["company" if of_others == "customer" else "customer"]
            yield here, f"{what} '{name}' is about {other}, and the route takes cases of {ours}"


def _trait(
    here: Location,
    name: str,
    values: Collection[Any],
    ours: Sequence[tuple[Mapping[str, Property], Collection[str]]],
) -> Iterator[tuple[Location, str]]:
    """What is wrong with a trait: it is none of those that `ours` have, parsed and declared, or never has a value."""
    known = [traits for traits, names in ours if name in names]
    if not known:
        declared = sorted({each for _, names in ours for each in names})
        yield here, f"there is no trait '{name}'{suggest(name, declared)}"
        return
    possible = [traits[name].enum if name in traits else None for traits in known]
    if not all(possible):
        return
    told = [each for values in possible for each in values or ()]
    for value in values:
        if value not in told:
            yield here, f"trait '{name}' is never {value!r}; it is one of {', '.join(map(str, dict.fromkeys(told)))}"
