"""A withdrawal of consent in an event that the collector rejects: it goes on, and nothing else of the event counts.

It is the event as it was sent, under a type of ours, which no sender's event can have: the collector rejects it.
"""

from __future__ import annotations

from typing import Any

__all__ = ["WITHDRAWAL", "type_of", "withdrawal_of"]

WITHDRAWAL = "withdrawal"
"""The type of such an event, and the reason for which ingest passes it to the step `withdraw`."""

_OF = "of"


def withdrawal_of(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """The event under our type.

    Args:
        event: as it was sent.
        kind: its type, by the path or by what it says itself.
    """
    return event | {"type": WITHDRAWAL, _OF: kind}


def type_of(event: dict[str, Any]) -> str:
    """The type that the sender gave an event; "" for one without."""
    kind = event.get("type")
    if kind == WITHDRAWAL:
        kind = event.get(_OF)
    return kind if type(kind) is str else ""
