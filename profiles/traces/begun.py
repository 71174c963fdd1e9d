"""Days on which a customer came, the latest: when on each they came first, how, and from where. Eight bytes a day.

Of a day the first coming stays, of several of one second the smallest; so neither order nor splits show.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from profiles.types import Event

__all__ = [
    "CHANNELS", "DAYS", "DEVICES", "EARLIEST", "LATEST", "ORIGINS", "Begun", "begun_of", "code_of", "join_begun",
    "key_of", "note_begun",
]  # fmt: skip

DAYS = 64
"""How many stay, the latest."""

ORIGINS = ("", "direct", "campaign", "contact", "search", "referral")
"""From where they came. Rows name them by their place, as the others: append, never reorder."""

CHANNELS = (
    "", "web", "app", "phone", "email", "chat", "store", "post", "sms", "push", "social", "partner", "visit", "other",
)  # fmt: skip

DEVICES = ("", "mobile", "tablet", "desktop", "tv")

_ROW = 8  # day in two bytes, second in four, origin and device in one, channel in one

EARLIEST, LATEST = 2 * 86_400.0, 2.0**32
"""Seconds between which a coming is told."""


class Begun(NamedTuple):
    """How a day began."""

    day: int  # since 1970, by the clocks of the plan's zone
    second: int
    origin: str
    channel: str
    device: str


@cache
def code_of(origin: str, channel: str, device: str) -> bytes:
    """The end of a row. What has no place of its own is as if it were not known, a channel is another one."""
    return bytes(
        (
            (ORIGINS.index(origin) if origin in ORIGINS else 0) << 3
            | (DEVICES.index(device) if device in DEVICES else 0),
            CHANNELS.index(channel if channel in CHANNELS else "other"),
        )
    )


def key_of(day: int, time: float) -> bytes:
    """The beginning of a row; a time must lie between EARLIEST and LATEST."""
    return (day << 32 | int(time)).to_bytes(6, "big")


def note_begun(held: bytes, key: bytes, code: Callable[[Event], bytes], event: Event) -> bytes:
    """The days with one more coming.

    Args:
        held: the days.
        key: of the coming.
        code: answers how an event began a day, which is asked only where it may be the first: mostly it is not.
        event: of the coming.
    """
    last = held[-_ROW:-2]
    if key[:2] > last[:2]:
        return (held if len(held) < _ROW * DAYS else held[_ROW:]) + key + code(event)
    if key[:2] == last[:2]:
        at = len(held) - _ROW
    else:
        at = 0
        while held[at : at + 2] < key[:2]:
            at += _ROW
        if held[at : at + 2] != key[:2]:
            return (held[:at] + key + code(event) + held[at:])[-_ROW * DAYS :]
    if held[at : at + 6] < key:
        return held
    row = key + code(event)
    return held if held[at : at + _ROW] <= row else held[:at] + row + held[at + _ROW :]


def begun_of(held: bytes) -> list[Begun]:
    """The days, the earliest first."""
    found = []
    for at in range(0, len(held), _ROW):
        first, channel = held[at + 6], held[at + 7]
        found.append(
            Begun(
                int.from_bytes(held[at : at + 2], "big"),
                int.from_bytes(held[at + 2 : at + 6], "big"),
                ORIGINS[first >> 3],
                CHANNELS[channel],
                DEVICES[first & 7],
            )
        )
    return found


def join_begun(ours: bytes, theirs: bytes) -> bytes:
    """The days of both."""
    if not ours or not theirs or ours == theirs:
        return ours or theirs
    first: dict[bytes, bytes] = {}
    for held in (ours, theirs):
        for at in range(0, len(held), _ROW):
            row = held[at : at + _ROW]
            first[row[:2]] = min(row, first.get(row[:2], row))
    return b"".join(first[key] for key in sorted(first))[-_ROW * DAYS :]
