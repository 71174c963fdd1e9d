"""The one spelling of an identity's value, so that one customer is not two because of a capital or a space."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Set as AbstractSet
from typing import Literal

import idna

__all__ = ["BLOCKED", "MAX_LENGTH", "PII", "as_text", "normalise"]

PII = Literal["email", "phone", "name", "address", "ip", "id", "free_text", "none"]
"""What kind of personal data a value is."""

MAX_LENGTH = 500
"""Characters; a longer value is an accident, not an identity."""

BLOCKED: frozenset[str] = frozenset(
    {"", "null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "guest", "n/a", "na", "-", "-1", "0"}
    | {"true", "false", "[object object]", "{}", "[]", "userid", "user_id", "id", "email"}
)
"""Values that careless code sends for nobody. One of them would merge strangers, so they always count as absent."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def normalise(value: object, pii: PII, blocked: AbstractSet[str], region: str | None = None) -> str | None:
    """The one spelling of an identity value, or None for what identifies nobody.

    Numbers are written out (42.0 as `42`) and text is trimmed and composed (Unicode's NFC). E-mail addresses are
    lower-cased and their domains written in ASCII (IDNA); `ada+shop@example.com` stays another address than
    `ada@example.com`, since only its provider knows whether they are one box. Telephone numbers become E.164.

    None for booleans, objects, lists, blocked values, all-zero UUIDs, values over MAX_LENGTH characters, what no store
    can encode, and what is no e-mail address or telephone number where one is expected.

    Args:
        value: as found in the event.
        pii: the rule's class; `email` and `phone` decide the spelling.
        blocked: values that count as absent, in lower case and in their one spelling.
        region: where telephone numbers without a country code are from.
    """
    text = as_text(value)
    if text is None:
        return None
    if not text.isascii():
        if not _is_encodable(text):
            return None
        text = unicodedata.normalize("NFC", text)
    if pii == "email":
        text = _address(text)
    elif pii == "phone":
        from profiles.identity.phone import e164  # noqa: PLC0415  (only plans with telephone numbers wait for its tables)

        text = e164(text, region)
    if text is None or text.lower() in blocked or (len(text) >= 32 and not text.strip("0-")):
        return None
    return text


def as_text(value: object) -> str | None:
    """A string trimmed, a number written out; None for anything else and for what is too long."""
    if type(value) is str:
        text = value.strip()
    elif type(value) is int:
        text = str(value)
    elif type(value) is float and math.isfinite(value):
        text = str(int(value)) if value.is_integer() else repr(value)
    else:
        return None
    return text if len(text) <= MAX_LENGTH else None


def _address(text: str) -> str | None:
    text = text.lower()
    if not _EMAIL.fullmatch(text):
        return None
    if text.isascii():
        return text
    local, _, domain = unicodedata.normalize("NFC", text).rpartition("@")
    try:
        return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return None


def _is_encodable(text: str) -> bool:
    """False for lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
