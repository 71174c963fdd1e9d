"""How figures of the API's documents are written on a terminal: money, shares, times, names of identities."""

from __future__ import annotations

from typing import Any

from profiles.times import rfc3339

__all__ = ["COLOURS", "counted", "identity", "minute", "money", "percent", "second"]

COLOURS = {"low": "green", "medium": "yellow", "high": "red"}
"""Of the bands of the churn risk."""


def money(amount: dict[str, Any]) -> str:
    """As in "1,234.50 EUR"."""
    return f"{float(amount['amount']):,.2f} {amount['currency']}"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in whole per cent; a dash where there is none."""
    return "–" if share is None else f"{share:.0%}"


def minute(time: str) -> str:
    """An RFC 3339 time to the minute, UTC."""
    return time[:16].replace("T", " ")


def second(time: float) -> str:
    """Seconds since the epoch as in "2026-11-29 18:46:14 UTC"."""
    return f"{rfc3339(time)[:19].replace('T', ' ')} UTC"


def counted(number: int, noun: str, many: str = "") -> str:
    """As in "1 customer" and "1,178 customers"."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def identity(document: dict[str, Any]) -> str:
    """As commands take it: `user_id:42`, `email:hashed:HASH`."""
    return f"{document['type']}:{'hashed:' * document['hashed']}{document['value']}"
