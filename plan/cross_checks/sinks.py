"""Sinks against the rest of the plan: does what routes and sinks name exist, and is any of them told anything?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from models.cases.routes import Route
from models.conditions.rules import AlertRule, SegmentRule, of_grain
from models.conditions.vocabulary import suggest
from plan.sinks.kinds import SegmentStyleSink
from plan.sinks.sink import Sink
from plan.source_map import Location

__all__ = ["sink_problems", "sink_warnings"]


def sink_problems(
    sinks: Mapping[str, Sink],
    routes: Mapping[int, Route],
    *,
    sink_names: Collection[str],
    segments: Collection[SegmentRule],
    segment_names: Collection[str],
    identity_types: Collection[str],
) -> Iterator[tuple[Location, str]]:
    """What cannot be meant.

    Args:
        sinks, routes, segments: those that parsed; of segments those that every plan has, too.
        sink_names, segment_names, identity_types: all that the plan declares.
    """
    for index, route in routes.items():
        named: list[tuple[Location, str]] = [
            (("routes", index, "sinks", number), name) for number, name in enumerate(route.sinks)
        ]
        if route.escalate is not None:
            named.append((("routes", index, "escalate", "to"), route.escalate.to))
        for here, name in named:
            if name not in sink_names:
                yield here, f"there is no sink '{name}'{suggest(name, sink_names)}"
            elif name in sinks and "alert.*" not in sinks[name].families:
                yield here, f"sink '{name}' is of type {sinks[name].type}, which takes no alerts"
    of_companies = {rule.name for rule in of_grain(segments, "company")}
    for name, sink in sinks.items():
        for number, segment in enumerate(sink.segments or ()):
            place = ("sinks", name, "segments", number)
            if segment not in segment_names:
                yield place, f"there is no segment '{segment}'{suggest(segment, segment_names)}"
            elif segment in of_companies:
                yield place, f"segment '{segment}' is about companies, whose moves are not told to sinks"
        for number, kind in enumerate(sink.ids if isinstance(sink, SegmentStyleSink) else ()):
            if kind not in identity_types:
                yield ("sinks", name, "ids", number), f"there is no identity '{kind}'{suggest(kind, identity_types)}"


def sink_warnings(
    sinks: Mapping[str, Sink], routes: Mapping[int, Route], alerts: Mapping[int, AlertRule]
) -> Iterator[tuple[Location, str]]:
    """What is allowed, but tells nobody anything."""
    if not sinks:
        return
    channels = {rule.channel for rule in alerts.values()}
    led_to = {name for route in routes.values() for name in route.sinks} | channels
    led_to |= {route.escalate.to for route in routes.values() if route.escalate is not None}
    for name, sink in sinks.items():
        if name not in led_to and any(sink.wants(message) for message in ("alert.opened", "alert.digest")):
            yield ("sinks", name), "no route and no alert's `channel` leads here, so it is told of no alert"
    if led_to and not any(route.when.is_all and route.sinks for route in routes.values()):
        yield ("routes",), "no route takes every case to a sink, so alerts that none matches are told nobody"
