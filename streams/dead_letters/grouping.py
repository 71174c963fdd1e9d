"""Rejected events grouped for whoever mends the plan or the sender: by source, reason, event and property.

Ten thousand rejections are usually five mistakes. What is wrong with an event's properties is told by the plan as it is
now: an event that it finds nothing wrong with would pass today, and a replay puts it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import orjson

from plan import Plan
from streams.dead_letters.masking import Masker
from streams.dead_letters.rejections import name_of
from streams.records.rejected import Rejection
from streams.scrub import scrub

__all__ = ["Group", "group_rejections"]

_MOST = 200  # groups; what is beyond counts in none
_NAME = 200  # characters of an event's name that are kept


class Group(msgspec.Struct):
    """Rejected events with the same mistake."""

    source: str
    reason: str
    event: str  # as its sender named it
    property: str  # properties.price; "" where it is no single one
    events: int
    first: str  # RFC 3339
    last: str
    message: str  # of the latest
    passes_now: bool  # the plan finds nothing wrong with the properties of the latest
    position: str  # of the latest in `events.rejected`
    sample: Any  # the latest, masked


def group_rejections(rejections: Iterable[tuple[str, Rejection]], plan: Plan, masker: Masker) -> list[Group]:
    """The groups of rejections (position, rejection), those with the most events first."""
    found: dict[tuple[str, str, str, str], Group] = {}
    latest: dict[int, tuple[str, Rejection]] = {}
    for position, rejection in rejections:
        name = scrub((name_of(rejection.payload, rejection.type) or rejection.event)[:_NAME])
        paths, passes = _wrong(rejection, plan)
        events = 1 + len(rejection.also) + rejection.more
        for path in paths:
            key = rejection.source, rejection.reason, name, path
            group = found.get(key)
            if group is None:
                if len(found) >= _MOST:
                    continue
                group = Group(*key, 0, rejection.at, "", "", passes, "", None)
                found[key] = group
            group.events += events
            group.first = min(group.first, rejection.at)
            if rejection.at >= group.last:
                group.last, group.position, group.passes_now = rejection.at, position, passes
                group.message = scrub(rejection.message)
                latest[id(group)] = position, rejection
    for group in found.values():  # only one of each is masked
        _, rejection = latest[id(group)]
        group.sample = masker.event(rejection.source, rejection.payload)
    return sorted(found.values(), key=lambda group: (-group.events, group.source, group.reason, group.event))


def _wrong(rejection: Rejection, plan: Plan) -> tuple[list[str], bool]:
    """Which properties of an event the plan finds wrong, [""] if none; and whether the event would pass its check."""
    try:
        raw = orjson.loads(rejection.payload)
    except orjson.JSONDecodeError:
        return [""], False
    kind = (rejection.type or raw.get("type")) if isinstance(raw, dict) else None
    if not isinstance(kind, str):
        return [""], False
    name = raw.get("event") if kind == "track" else raw.get("name")
    rule = plan.event(rejection.source, kind, name if isinstance(name, str) else "")
    if rule is None:
        return [""], False
    payload = rule.payload(raw)
    accepted = rule.enforce_on(payload).accepted
    if rejection.reason != "plan_violation":
        return [""], accepted and rejection.reason in ("unplanned", "plan_violation")
    paths = sorted({scrub(_of_all_items(violation.path)) for violation in rule.check(payload)})
    return paths or [""], accepted


def _of_all_items(path: str) -> str:
    """A path without the numbers of a list: products[3].price is the same mistake as products[0].price."""
    shown, rest = "", path
    while "[" in rest:
        before, _, rest = rest.partition("[")
        inside, _, rest = rest.partition("]")
        shown += before + ("[]" if inside.isdigit() else f"[{inside}]")
    return shown + rest
