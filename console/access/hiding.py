"""A personal value written so that only one who knows it recognises it."""

from __future__ import annotations

from typing import Any

from streams.dead_letters.masking import mask

__all__ = ["hidden"]

_INITIALS = 4  # of a name
_LONG_ENOUGH = 8  # characters of a telephone number of which some may be shown


def hidden(value: Any, pii: str) -> Any:
    """A value of a class of personal data: `d…@example.com`, `+31 … 42`, `D. W.`; of others at most its end."""
    text = value.strip() if isinstance(value, str) else ""
    if pii == "email" and "@" in text[1:]:
        return f"{text[0]}…@{text.rpartition('@')[2]}"
    if pii == "phone" and text.startswith("+") and len(text) >= _LONG_ENOUGH:
        return f"{text[:3]} … {text[-2:]}"
    if pii == "name" and text:
        return " ".join(f"{word[0]}." for word in text.split()[:_INITIALS])
    return mask(value, pii)
