"""What other systems believe who read `segment.changes`, `alerts` and `cases`, against what the profiles are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from profiles.cases.joining import STANDING
from profiles.types import OPEN, Alert, Profile

__all__ = ["TOLD_TWICE", "TOLD_WRONGLY", "wrong_outputs"]

TOLD_TWICE, TOLD_WRONGLY = "told twice", "told wrongly"


def wrong_outputs(
    changes: Iterable[bytes], alerts: Iterable[bytes], cases: Iterable[bytes], profiles: Mapping[str, Profile]
) -> Iterator[tuple[str, str]]:
    """Each thing that is told twice or wrongly, and in words, if every message is believed once.

    Args:
        changes: the values of `segment.changes`, those of a partition in order.
        alerts: those of `alerts`.
        cases: those of `cases`.
        profiles: as they are; tombstones left out.
    """
    yield from _wrong_changes(_once(changes), profiles)
    yield from _wrong_alerts(_once(alerts), profiles)
    yield from _wrong_cases(_once(cases), profiles)


def _wrong_changes(messages: Iterable[Mapping[str, Any]], profiles: Mapping[str, Profile]) -> Iterator[tuple[str, str]]:
    inside: defaultdict[str, set[str]] = defaultdict(set)
    heard: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for message in messages:
        who, segment, change = message["profile"], message["segment"], message["change"]
        if (change == "entered") == (segment in inside[who]):
            yield TOLD_TWICE, f"{who} {change} {segment}: {message['id']}"
        (inside[who].add if change == "entered" else inside[who].discard)(segment)
        heard[who, segment].append(f"{message['at']} {change}")
    for id_ in inside.keys() | profiles.keys():
        held = profiles[id_].segments.keys() if id_ in profiles else set()
        for segment in inside[id_] ^ held:
            is_ = "in" if segment in held else "not in"
            yield TOLD_WRONGLY, f"{id_} is {is_} {segment}, others heard {heard[id_, segment]}"


def _wrong_alerts(messages: Iterable[Mapping[str, Any]], profiles: Mapping[str, Profile]) -> Iterator[tuple[str, str]]:
    latest: dict[str, Mapping[str, Any]] = {}
    standing: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # (profile, rule) → ids
    heard: defaultdict[str, list[str]] = defaultdict(list)
    # A merge takes an alert to another partition: its messages are in order by their times.
    for message in sorted((one for one in messages if "alert" in one), key=_by_change):
        alert = message["alert"]
        ids = standing[alert["profile"], alert["rule"]]
        if alert["id"] in latest:  # whose it is was said last
            standing[latest[alert["id"]]["profile"], alert["rule"]].discard(alert["id"])
        if alert["state"] in OPEN and ids - {alert["id"]}:
            others = [heard[other] for other in ids - {alert["id"]}]
            yield TOLD_TWICE, f"{alert['profile']} {alert['rule']}: {message['id']} beside {others}"
        heard[alert["id"]].append(message["id"])
        (ids.add if alert["state"] in OPEN else ids.discard)(alert["id"])
        latest[alert["id"]] = alert
    held: dict[str, Alert] = {alert.id: alert for profile in profiles.values() for alert in profile.alerts.values()}
    for id_, alert in latest.items():
        state = held[id_].state if id_ in held else None
        if state != alert["state"] and (state is not None or alert["state"] in OPEN):
            yield TOLD_WRONGLY, f"{alert['profile']} {alert['rule']}: told {alert['state']}, is {state}"
    for id_, one in held.items():
        if id_ not in latest and not one.untold:
            yield TOLD_WRONGLY, f"alert {id_} of {one.rule} is {one.state}, and was told to nobody"


def _wrong_cases(messages: Iterable[Mapping[str, Any]], profiles: Mapping[str, Profile]) -> Iterator[tuple[str, str]]:
    latest: dict[str, Mapping[str, Any]] = {}
    for message in sorted(messages, key=lambda one: one["case"]["changed"]):  # a merge takes a case elsewhere, too
        latest[message["case"]["id"]] = message["case"]
    held = {profile.case.id: profile.case for profile in profiles.values() if profile.case is not None}
    for id_, case in latest.items():
        state = held[id_].state if id_ in held else None
        if state != case["state"] and (state is not None or case["state"] in STANDING):
            yield TOLD_WRONGLY, f"{case['profile']}: case {id_}: told {case['state']}, is {state}"
    for id_, one in held.items():
        if id_ not in latest:
            yield TOLD_WRONGLY, f"case {id_} is {one.state}, and was told to nobody"


def _by_change(message: Mapping[str, Any]) -> tuple[str, bool]:
    return message["alert"]["changed"], message["alert"]["state"] not in OPEN


def _once(values: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The messages, each once: what is delivered again has the id that it had."""
    seen: set[str] = set()
    for value in values:
        message = json.loads(value)
        if message["id"] not in seen:
            seen.add(message["id"])
            yield message
