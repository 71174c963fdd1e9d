"""Which identities an event carries: the plan's rules, applied by a pure function compiled once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from profiles.types import Identity

__all__ = ["BLOCKED", "MAX_LENGTH", "PII", "Extractor", "IdentityRule", "compile_extractor", "extract", "normalise"]

PII = Literal["email", "phone", "name", "address", "ip", "id", "free_text", "none"]
"""What kind of personal data a value is."""

Extractor = Callable[[dict[str, Any]], list[Identity]]

MAX_LENGTH = 500
"""Characters; a longer value is an accident, not an identity."""

BLOCKED: frozenset[str] = frozenset(
    {"", "null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "guest", "n/a", "na", "-", "-1", "0"}
    | {"true", "false", "[object object]", "{}", "[]", "userid", "user_id", "id", "email"}
)
"""Values that careless code sends for nobody. One of them would merge strangers, so they always count as absent."""

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_NOT_PHONE = re.compile(r"[\s().\-/]+")
_PHONE = re.compile(r"\+?[0-9]{5,20}")


class IdentityRule(BaseModel):
    """One type of identity: where it is found, how strong it is, how many of it one customer may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64, description="Name of the identity type.")
    priority: int = Field(ge=1, description="1 is the strongest; at a conflict the weakest identity is dropped.")
    limit: int = Field(100, ge=1, description="How many values of this type one profile may hold.")
    fields: tuple[str, ...] = Field(
        min_length=1, description="Where it is found in a raw event, e.g. userId, traits.email, context.externalIds."
    )
    pii: PII = Field("id", description="Class of personal data; email and phone are normalised as such.")
    description: str = Field("", description="What it is, for people.")

    @field_validator("fields")
    @classmethod
    def _are_paths(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        for path in fields:
            if not _PATH.fullmatch(path):
                raise ValueError(f"'{path}' is not a field path such as 'userId' or 'context.traits.email'")
        return fields


def normalise(value: object, pii: PII, blocked: frozenset[str] | set[str]) -> str | None:
    """The one spelling of an identity value, or None for what identifies nobody.

    Numbers are written out (42.0 as `42`), text is trimmed, e-mail addresses are lower-cased, telephone numbers
    keep only digits and a leading plus. None for booleans, objects, lists, blocked values, all-zero UUIDs, values
    over MAX_LENGTH characters and what is no e-mail address or telephone number where one is expected.

    Args:
        value: as found in the event.
        pii: the rule's class; `email` and `phone` decide the spelling.
        blocked: lower-cased values that count as absent.
    """
    if type(value) is str:
        text = value.strip()
    elif type(value) is int:
        text = str(value)
    elif type(value) is float and math.isfinite(value):
        text = str(int(value)) if value.is_integer() else repr(value)
    else:
        return None
    if pii == "email":
        text = text.lower()
        if not _EMAIL.fullmatch(text):
            return None
    lowered = text.lower()
    if lowered in blocked or len(text) > MAX_LENGTH or (len(text) >= 32 and not text.strip("0-")):
        return None
    if pii == "phone":
        text = _NOT_PHONE.sub("", text)
        text = "+" + text[2:] if text.startswith("00") else text
        return text if _PHONE.fullmatch(text) else None
    if not text.isascii() and not _is_text(text):
        return None
    return text


def compile_extractor(rules: Iterable[IdentityRule], blocked: Iterable[str] = ()) -> Extractor:
    """A function from a raw Segment event to its identities, the strongest first, without repeats.

    `context.externalIds` yields the entries whose `type` is the rule's. In a `group` call `traits` describe the
    group, so they identify nobody.

    Args:
        rules: the plan's identity rules.
        blocked: further values that count as absent, in any case; BLOCKED always does.
    """
    ordered = sorted(rules, key=lambda rule: rule.priority)
    everything = [(rule.type, rule.pii, _getter(rule, path)) for rule in ordered for path in rule.fields]
    of_group = [
        (rule.type, rule.pii, _getter(rule, path))
        for rule in ordered
        for path in rule.fields
        if not path.startswith("traits.")
    ]
    refused = BLOCKED | {value.strip().lower() for value in blocked}

    def extractor(event: dict[str, Any]) -> list[Identity]:
        found: list[Identity] = []
        for kind, pii, get in of_group if event.get("type") == "group" else everything:
            for value in get(event):
                text = normalise(value, pii, refused)
                if text is not None and (identity := (kind, text)) not in found:
                    found.append(identity)
        return found

    return extractor


def extract(event: dict[str, Any], rules: Sequence[IdentityRule], blocked: Iterable[str] = ()) -> list[Identity]:
    """`compile_extractor(rules, blocked)(event)`, for tests and tools; compile once where it is called often."""
    return compile_extractor(rules, blocked)(event)


def _getter(rule: IdentityRule, path: str) -> Callable[[dict[str, Any]], Sequence[object]]:
    """The values at a path, none when it is absent."""
    *parents, last = path.split(".")
    if last == "externalIds":
        return _external_ids(rule.type, parents)
    if not parents:

        def top(event: dict[str, Any]) -> Sequence[object]:
            value = event.get(last)
            return () if value is None else (value,)

        return top

    def nested(event: dict[str, Any]) -> Sequence[object]:
        node: Any = event
        for parent in parents:
            node = node.get(parent)
            if type(node) is not dict:
                return ()
        value = node.get(last)
        return () if value is None else (value,)

    return nested


def _external_ids(kind: str, parents: list[str]) -> Callable[[dict[str, Any]], Sequence[object]]:
    def external(event: dict[str, Any]) -> Sequence[object]:
        node: Any = event
        for parent in parents:
            node = node.get(parent)
            if type(node) is not dict:
                return ()
        entries = node.get("externalIds")
        if type(entries) is not list:
            return ()
        return [entry.get("id") for entry in entries if type(entry) is dict and entry.get("type") == kind]

    return external


def _is_text(text: str) -> bool:
    """False for lone surrogates, which no store can encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
