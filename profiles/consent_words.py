"""How answers about consent are spelt: by forms and consent managers, by the IAB's framework, by a browser's signal."""

from __future__ import annotations

import base64
import binascii

__all__ = ["answer", "says_nothing", "tcf_purposes"]

_YES = frozenset(
    {
        "true", "t", "yes", "y", "1", "on", "granted", "grant", "given", "allow", "allowed", "accept", "accepted",
        "agree", "agreed", "consented", "optin", "optedin", "in", "active", "alwaysactive", "enabled", "subscribed",
    }
)  # fmt: skip
_NO = frozenset(
    {
        "false", "f", "no", "n", "0", "off", "denied", "deny", "disallow", "disallowed", "reject", "rejected", "refuse",
        "refused", "decline", "declined", "withdrawn", "withdraw", "revoked", "revoke", "objected", "optout",
        "optedout", "out", "inactive", "disabled", "unsubscribed", "never",
    }
)  # fmt: skip
_BETWEEN = str.maketrans("", "", " \t\r\n-_.")

_TCF_VERSION = 2
_PURPOSES_AT = 152  # bits of a TC string before its 24 purposes
_PURPOSES = 24


def says_nothing(value: object) -> bool:
    """Whether a value is no answer at all: null, or empty."""
    return value is None or value in ("", [], {})


def answer(value: object) -> bool | None:
    """Yes or no; None for what is neither. Text counts, since forms and tag managers make text of everything."""
    if type(value) is bool:
        return value
    if type(value) is int or type(value) is float:
        return bool(value) if value in (0, 1) else None
    if type(value) is not str or len(value) > 100:
        return None
    word = value.lower().translate(_BETWEEN)
    return True if word in _YES else False if word in _NO else None


def tcf_purposes(text: object) -> frozenset[int]:
    """The purposes that somebody has consented to, by a TC string of version 2, alone or as a section of a GPP string.

    The core segment begins with 152 bits about the string, followed by one bit for each of 24 purposes, as in "Consent
    string and vendor list formats v2" of IAB Europe's Transparency and Consent Framework.

    Raises:
        ValueError: it is no such string.
    """
    if type(text) is not str or len(text) > 10_000:
        raise ValueError("not text of a usual length")
    section = next((part for part in text.strip().split("~") if part.startswith("C")), "")
    core = section.partition(".")[0]
    try:
        held = base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not a TC string") from None
    bits = int.from_bytes(held)
    size = 8 * len(held)
    if size < _PURPOSES_AT + _PURPOSES or bits >> (size - 6) != _TCF_VERSION:
        raise ValueError("not a TC string of version 2")
    consents = bits >> (size - _PURPOSES_AT - _PURPOSES) & (1 << _PURPOSES) - 1
    return frozenset(number for number in range(1, _PURPOSES + 1) if consents >> (_PURPOSES - number) & 1)
