"""What the topics say that may concern a sink: states of alerts, what people did with cases, moves, news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from profiles.times import parse_time
from streams.records.told import MODEL_NEWS

__all__ = ["FRESH", "Heard", "hear"]

FRESH = 3600.0
"""Seconds after which what happened is of the past, and told in a digest at most."""

_STATES: Final = {
    "open": "alert.opened", "acknowledged": "alert.acknowledged", "resolved": "alert.resolved",
    "cleared": "alert.cleared",
}  # fmt: skip
_OF_CASES: Final = {"assigned": "alert.assigned", "snoozed": "alert.snoozed", "woken": "alert.woken"}


class Heard(NamedTuple):
    """Something that was told on a topic."""

    id: str
    type: str  # as a message to a sink has it
    at: float  # when it happened; of an alert that opens, when it opened
    profile: str = ""
    about: str = ""  # alert, segment
    rule: str = ""
    told: Mapping[str, Any] = {}
    past: bool = False  # it was found in events of the past


def hear(base: str, key: bytes | None, value: bytes | None) -> Heard | None:
    """What a record says; None if it says nothing to anybody outside.

    Args:
        base: the topic's name without prefix.
        key: of the record.
        value: of the record.

    Raises:
        ValueError: it cannot be read.
    """
    if value is None:
        return None
    try:
        told = orjson.loads(value)
        if base == "alerts":
            return _notice(told) if key == MODEL_NEWS else _alert(told)
        return _case(told) if base == "cases" else _move(told)
    except (KeyError, TypeError, AttributeError, msgspec.DecodeError) as error:
        raise ValueError(f"is no such record ({type(error).__name__}: {error})") from error


def _alert(told: dict[str, Any]) -> Heard | None:
    alert = told["alert"]
    if alert["held_out"] or (type_ := _STATES.get(alert["state"])) is None:
        return None
    at = parse_time(alert["opened"] if type_ == "alert.opened" else alert["changed"])
    found = alert.get("found") == "load"
    return Heard(told["id"], type_, at, told["profile"], alert["id"], alert["rule"], alert, found)


def _case(told: dict[str, Any]) -> Heard | None:
    case = told["case"]
    action = str(told["id"]).rsplit(":", 2)[1]
    if (type_ := _OF_CASES.get(action)) is None:
        return None
    last: dict[str, Any] = next((entry for entry in reversed(case["history"]) if entry["action"] == action), {})
    if type_ == "alert.woken" and last.get("text") in ("rule", "complaint", "risk"):
        type_ = "alert.worsened"
    said = {
        "case": case["id"], "assignee": case["assignee"], "owner": case["owner"], "until": case["until"],
        "by": last.get("by"), "text": last.get("text"),
    }  # fmt: skip
    return Heard(told["id"], type_, parse_time(case["changed"]), told["profile"], told=said)


def _move(told: dict[str, Any]) -> Heard:
    said: dict[str, Any] = {name: told[name] for name in ("reason", "population") if name in told}
    return Heard(
        told["id"], f"segment.{told['change']}", parse_time(told["at"]), told["profile"], told["segment"], told=said
    )


def _notice(told: dict[str, Any]) -> Heard:
    return Heard(told["id"], "model.notice", parse_time(told["at"]), told=told["notice"])
