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
        # "+31 (0)6 …" writes the number for callers from abroad and from home at once.
        text = text.replace("(0)", "") if text[:1] == "+" or text[:2] == "00" else text
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
    # An object that several paths go through (`context.traits`) is looked up once per event.
    parents = sorted({tuple(path.split(".")[:-1]) for rule in ordered for path in rule.fields})
    fields = [
        (rule.type, rule.pii, parents.index(tuple(path.split(".")[:-1])), path.split(".")[-1])
        for rule in ordered
        for path in rule.fields
    ]
    refused = BLOCKED | {value.strip().lower() for value in blocked}

    def extractor(event: dict[str, Any]) -> list[Identity]:
        group = event.get("type") == "group"
        nodes = [None if group and parent == ("traits",) else _node(event, parent) for parent in parents]
        found: list[Identity] = []
        for kind, pii, parent, key in fields:
            if (node := nodes[parent]) is None or (value := node.get(key)) is None:
                continue
            for candidate in _external_ids(value, kind) if key == "externalIds" else (value,):
                text = normalise(candidate, pii, refused)
                if text is not None and (identity := (kind, text)) not in found:
                    found.append(identity)
        return found

    return extractor


def extract(event: dict[str, Any], rules: Sequence[IdentityRule], blocked: Iterable[str] = ()) -> list[Identity]:
    """`compile_extractor(rules, blocked)(event)`, for tests and tools; compile once where it is called often."""
    return compile_extractor(rules, blocked)(event)


def _node(event: dict[str, Any], parent: tuple[str, ...]) -> dict[str, Any] | None:
    """The object at a path; None if there is none."""
    node: Any = event
    for part in parent:
        node = node.get(part)
        if type(node) is not dict:
            return None
    return node  # type: ignore[no-any-return]  # an event is parsed JSON


def _external_ids(entries: object, kind: str) -> list[object]:
    """The ids of one type among `context.externalIds`."""
    if type(entries) is not list:
        return []
    return [entry.get("id") for entry in entries if type(entry) is dict and entry.get("type") == kind]


def _is_text(text: str) -> bool:
    """False for lone surrogates, which no store can encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
