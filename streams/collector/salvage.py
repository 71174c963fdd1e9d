"""A request that is not JSON as a whole, cut into its members and events by their brackets and quotes.

So that one event which is not JSON costs its sender that event, and not all that came with it. What the pieces hold is
not looked at: each is judged alone afterwards, and a bad one is kept as its bytes.
"""

from __future__ import annotations

import itertools
import re

__all__ = ["entries_of", "members_of"]

_MOST = 200_000
"""Brackets and commas that are looked at: what is sent packed may hold millions of them."""

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+(.?)', re.DOTALL)
_MARK = re.compile(rb'[^"\[\]{},]*+(?:' + _STRING + rb'[^"\[\]{},]*+)*+(.?)', re.DOTALL)  # a bracket or a comma
_MEMBER = re.compile(rb"\s*+(" + _STRING + rb")\s*+:(.*)", re.DOTALL)
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def members_of(body: bytes) -> dict[str, bytes] | None:
    """The members of the object that a body is, their values as they were sent; None if it cannot be cut into them."""
    if not body.startswith(b"{"):
        return None
    parts = _parts(body)
    found = [_MEMBER.fullmatch(part) for part in parts or () if part.strip()]
    if parts is None or None in found:
        return None
    return {match[1][1:-1].decode(errors="replace"): match[2].strip() for match in found if match}


def entries_of(body: bytes) -> list[bytes] | None:
    """The entries of the list that a body is, as they were sent; None if it is none."""
    parts = _parts(body) if body.startswith(b"[") else None
    return None if parts is None else [entry for part in parts if (entry := part.strip())]


def _parts(body: bytes) -> list[bytes] | None:
    """What stands between the commas of the outermost brackets; None if those do not enclose the body."""
    parts: list[bytes] = []
    start, at, left = 1, 1, _MOST
    while left > 0 and (found := _MARK.match(body, at)):
        at, mark, left = found.end(), found[1], left - 1
        if _DEEPER.get(mark) == 1:
            at, left = _behind(body, at, left)
            continue
        if mark not in (b",", b"]", b"}"):  # the end, or a quote that nothing closes
            break
        parts.append(body[start : at - 1])
        if mark != b",":
            return parts if at == len(body) else None
        start = at
    return None


def _behind(body: bytes, at: int, left: int) -> tuple[int, int]:
    """The place behind what the bracket before `at` opens, and how many more may be looked at; 0 if not closed."""
    depth = 1
    for found in itertools.islice(_BRACKET.finditer(body, at), left):
        left -= 1
        if not (deeper := _DEEPER.get(found[1], 0)):
            break
        depth += deeper
        if not depth:
            return found.end(), left
    return at, 0
