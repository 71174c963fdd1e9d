"""Mementos: the latest few of each kind of thing that a customer did or was told, each a short row, in their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from profiles.types import Number

__all__ = ["KEPT", "SHORT", "Memento", "add_memento", "join_mementos", "mementos_of", "short"]

KEPT = {
    "csat": 8, "nps": 8, "ces": 8, "review": 8, "contact": 16, "complaint": 8, "inquiry": 8, "search": 8,
    "missing": 8, "bought": 16, "coupon": 8,
}  # fmt: skip
"""How many of each kind stay, the latest. `search`: without a result; `missing`: wanted, and not to be had; `coupon`:
an order for less, by a code or a discount."""

SHORT = 24
"""Characters of a text that is kept as it is."""


class Memento(NamedTuple):
    """One of them. What is all the same is one."""

    at: int  # second; of `search`, `missing` and `bought` the day: several of a day are one
    what: str = ""  # product, topic, department, what was typed
    more: str = ""  # category, channel
    value: Number = 0  # a rating
    mark: bytes = b""  # tells events of one second apart


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, str, str, Number, bytes]]).decode


def short(text: str) -> str:
    """A text as it is kept: its beginning."""
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def mementos_of(held: bytes) -> list[Memento]:
    """Those of one kind, the earliest first."""
    return [Memento(*each) for each in _decode(held)] if held else []


def add_memento(held: bytes, kind: str, memento: Memento) -> bytes:
    """Those of a kind with one more."""
    kept = memento._replace(what=short(memento.what), more=short(memento.more))
    return _encode([kept]) if not held else _latest([*mementos_of(held), kept], kind)


def join_mementos(ours: bytes, theirs: bytes, kind: str) -> bytes:
    """Those of both."""
    if not ours or not theirs or ours == theirs:
        return ours or theirs
    return _latest([*mementos_of(ours), *mementos_of(theirs)], kind)


def _latest(mementos: Iterable[Memento], kind: str) -> bytes:
    return _encode(sorted(set(mementos))[-KEPT[kind] :])
