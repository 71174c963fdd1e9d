"""A rejected event as people may see it: its shape, and of its values only what the plan says is not personal.

What was rejected is not as planned, so anything may stand anywhere: a name where the amount should be, an address in a
property that nobody planned. So a value is shown only where the plan knows it, calls it not personal, and it is what
the plan expects there. The rest is masked, each class of personal data in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from plan import EventRule, Plan
from plan.model import Property
from profiles.bounds import excess
from profiles.times import parse_time
from streams.collector.wire import TYPES
from streams.scrub import HIDDEN, mask_email, scrub

__all__ = ["Masker", "mask"]

_TIMES = ("timestamp", "originalTimestamp", "receivedAt", "sentAt")
_IDS = ("userId", "anonymousId", "groupId", "previousId")
_PLAIN = ("version", "channel")  # nobody's, unless a value looks like somebody
_HARMLESS = ("app", "library", "os", "campaign", "locale", "timezone", "screen", "active", "direct")  # of the context
_LARGE = 1_000_000  # a number nobody planned may be a telephone or card number from here on
_LARGEST = 64 * 1024  # bytes of an event of which all is shown
_LONGEST = 4000  # characters of one that is larger, passes other bounds or cannot be read

_RANDOM = re.compile(r"[A-Za-z-]{0,20}[0-9a-f-]{32,64}")
_KEY = re.compile(r'"[^"\\]{1,100}"\s*:')
_VALUE = re.compile(r'"(?:[^"\\]|\\.|\\$)*(?:"|$)|[^\s{}\[\]:,"]+', re.DOTALL)


def mask(value: Any, pii: str) -> Any:
    """A value of a class of personal data, masked; objects and lists keep their shape."""
    if isinstance(value, dict):
        return {scrub(str(key)): mask(inner, pii) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask(inner, pii) for inner in value]
    if value is None or value is True or value is False:
        return value
    text = str(value)
    if pii == "email" and "@" in text:
        return mask_email(text)
    if pii in ("phone", "id") and len(text) >= 8:
        return HIDDEN + text[-2:]
    if pii in ("free_text", "unknown"):
        return f"{HIDDEN} ({len(text)} characters)" if isinstance(value, str) else HIDDEN
    return HIDDEN


class Masker:
    """Masks the events of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._identities = {path: rule.pii for rule in plan.identities for path in rule.fields}

    def event(self, source: str, payload: bytes) -> Any:
        """A raw event without personal data: an object, or the first text of one that cannot be read or passes a bound.

        Never raises, and takes time in proportion to the event at most.
        """
        try:
            raw = orjson.loads(payload) if len(payload) <= _LARGEST else None
        except orjson.JSONDecodeError:
            return _skeleton(payload)
        if raw is None or excess(raw):
            return _skeleton(payload)
        if not isinstance(raw, dict):
            return self._unplanned(raw)
        rule, wrong = self._rule(source, raw)
        shown = {}
        for key, value in raw.items():
            if key in ("properties", "traits"):
                shown[key] = self._payload(key, value, rule, wrong)
            elif key == "context" and isinstance(value, dict):
                shown[key] = self._context(value, rule, wrong)
            else:
                shown[scrub(key)] = self._envelope(key, value)
        return shown

    def _rule(self, source: str, raw: dict[str, Any]) -> tuple[EventRule | None, set[str]]:
        """The event's rule, and where it is broken."""
        kind, name = raw.get("type"), raw.get("event") if raw.get("type") == "track" else raw.get("name")
        if not isinstance(kind, str):
            return None, set()
        rule = self._plan.event(source, kind, name if isinstance(name, str) else "")
        if rule is None:
            return None, set()
        return rule, {violation.path for violation in rule.check(rule.payload(raw))}

    def _envelope(self, key: str, value: Any) -> Any:
        if key in _IDS:
            return mask(value, self._identities.get(key, "id"))
        if key == "type":
            return value if value in TYPES else mask(value, "unknown")
        if key in _TIMES:
            return value if _is_time(value) else mask(value, "unknown")
        if key == "messageId" and not (isinstance(value, str) and _RANDOM.fullmatch(value)):
            return mask(value, "id")  # some producers build it from the customer's number
        if key in ("event", "name", "messageId", *_PLAIN) and isinstance(value, str):
            return scrub(value)
        return self._unplanned(value)

    def _payload(self, where: str, value: Any, rule: EventRule | None, wrong: set[str]) -> Any:
        if not isinstance(value, dict):
            return self._unplanned(value)
        if rule is None or rule.where != where:
            known: Mapping[str, Property] = self._plan.traits if where == "traits" else {}
            return self._object(where, value, known, wrong | {violation.path for violation in self._traits(value)})
        return self._object(where, value, rule.checker.properties, wrong)

    def _traits(self, value: dict[str, Any]) -> list[Any]:
        return self._plan.check_traits(value).violations

    def _context(self, context: dict[str, Any], rule: EventRule | None, wrong: set[str]) -> dict[str, Any]:
        shown = {}
        for key, value in context.items():
            if key == "traits":
                shown[key] = self._payload("traits", value, rule, wrong)
            elif key == "ip":
                shown[key] = mask(value, "ip")
            elif key in _HARMLESS:
                shown[key] = _scrubbed(value)
            else:
                shown[scrub(key)] = self._unplanned(value)
        return shown

    def _object(self, path: str, value: dict[str, Any], known: Mapping[str, Property], wrong: set[str]) -> Any:
        return {scrub(key): self._value(f"{path}.{key}", inner, known.get(key), wrong) for key, inner in value.items()}

    def _value(self, path: str, value: Any, prop: Property | None, wrong: set[str]) -> Any:
        if prop is None:
            return self._unplanned(value)
        if (pii := self._identities.get(path, prop.pii)) != "none":
            return mask(value, pii)
        if path in wrong:
            return self._unplanned(value, shape_only=True)
        if isinstance(value, dict):
            return self._object(path, value, prop.properties or {}, wrong)
        if isinstance(value, list):
            return [self._value(f"{path}[{index}]", inner, prop.items, wrong) for index, inner in enumerate(value)]
        return scrub(value) if isinstance(value, str) else value

    def _unplanned(self, value: Any, *, shape_only: bool = False) -> Any:
        """What the plan does not know there: only its shape, and numbers too small to be somebody's."""
        if isinstance(value, dict):
            return {scrub(key): self._unplanned(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._unplanned(inner) for inner in value]
        if isinstance(value, (int, float)) and (isinstance(value, bool) or (abs(value) < _LARGE or shape_only)):
            return value
        return mask(value, "unknown")


def _scrubbed(value: Any) -> Any:
    if isinstance(value, dict):
        return {scrub(key): _scrubbed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scrubbed(inner) for inner in value]
    return scrub(value) if isinstance(value, str) else value


def _skeleton(payload: bytes) -> str:
    """What is not read as JSON: its punctuation and what look like keys, so that one sees where it breaks."""
    text = payload[: 4 * _LONGEST].decode(errors="replace")[:_LONGEST]
    shown, end = [], 0
    for key in _KEY.finditer(text):
        shown += [_VALUE.sub(HIDDEN, text[end : key.start()]), scrub(key[0])]
        end = key.end()
    return "".join([*shown, _VALUE.sub(HIDDEN, text[end:])])


def _is_time(value: Any) -> bool:
    try:
        parse_time(value)
    except (ValueError, OverflowError):
        return False
    return True
