"""A request that is not JSON as a whole, cut into its members and events by their brackets and quotes.

So that one event which is not JSON costs its sender that event, and not all that came with it. What the pieces hold is
not looked at: each is judged alone afterwards, and a bad one is kept as its bytes.
"""

from __future__ import annotations

import itertools
import re

from streams.collector.json_text import loads

__all__ = ["entries_of", "members_of", "resume"]

_MOST = 200_000
"""Brackets and commas that are looked at: what is sent packed may hold millions of them."""

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+(.?)', re.DOTALL)
_MARK = re.compile(rb'[^"\[\]{},]*+(?:' + _STRING + rb'[^"\[\]{},]*+)*+(.?)', re.DOTALL)  # a bracket or a comma
_MEMBER = re.compile(rb"\s*+(" + _STRING + rb")\s*+:(.*)", re.DOTALL)
_OTHER = re.compile(rb"[^ \t\r\n]|\Z")
_BATCH = re.compile(rb'"batch"\s*+:\s*+\[')
_NEXT = re.compile(rb',\s*+(?=\{\s*+")')  # before an event
_END = re.compile(rb"\]\s*+(?:,|\}\Z)")  # of the batch
_LARGEST = 64 * 1024  # bytes of an event that is looked for
_MOST_EVENTS, _MOST_TRIES, _MOST_ENDS = 5_000, 50, 20
_OF_ONE = 5_000  # brackets of an event that is looked for
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
            at, left = _behind(body, at, left, len(body))
            continue
        if mark not in (b",", b"]", b"}"):  # the end, or a quote that nothing closes
            break
        parts.append(body[start : at - 1])
        if mark != b",":
            return parts if at == len(body) else None
        start = at
    return None


def _behind(body: bytes, at: int, left: int, end: int) -> tuple[int, int]:
    """The place behind what the bracket before `at` opens, and how many more may be looked at; 0 if not closed."""
    depth = 1
    for found in itertools.islice(_BRACKET.finditer(body, at, end), left):
        left -= 1
        if not (deeper := _DEEPER.get(found[1], 0)):
            break
        depth += deeper
        if not depth:
            return found.end(), left
    return at, 0


def resume(body: bytes) -> tuple[dict[str, bytes], list[bytes]] | None:
    """The members and the events of a batch in which an event's quotes or brackets do not close.

    Going on where the next event begins that can be read, all before is one piece. Nothing is taken of a body that may
    have been cut off: its end must be in sight, behind a good event or an odd quote.
    """
    head = _BATCH.search(body)
    if head is None or not body.endswith(b"}"):
        return None
    events: list[bytes] = []
    at, bad, tries = head.end(), -1, 0
    while tries < _MOST_TRIES and len(events) < _MOST_EVENTS:
        at = _past_spaces(body, at)
        if (end := _event_end(body, at)) > 0:
            if bad >= 0:
                events.append(body[bad:at].rstrip(b", \r\n\t"))
                bad = -1
            events.append(body[at:end])
            at = _past_spaces(body, end)
            if body[at : at + 1] == b",":
                at += 1
                continue
            if (members := _around(body, head, at)) is not None:
                return members, events
        tries += 1
        bad = at if bad < 0 else bad
        if (found := _NEXT.search(body, at + 1)) is not None:
            at = found.end()
            continue
        for close in list(_END.finditer(body, max(bad, len(body) - _LARGEST)))[-_MOST_ENDS:]:
            end = close.start()
            quotes = body.count(b'"', bad, end) - body.count(rb"\"", bad, end)
            if quotes % 2 and (members := _around(body, head, end)) is not None:
                return members, [*events, body[bad:end].strip()]
        return None
    return None


def _past_spaces(body: bytes, at: int) -> int:
    found = _OTHER.search(body, at)
    return found.start() if found else at


def _event_end(body: bytes, at: int) -> int:
    """Where the event that begins here ends; 0 if there is none that can be read."""
    if body[at : at + 1] != b"{":
        return 0
    end, left = _behind(body, at + 1, _OF_ONE, at + _LARGEST)
    if not left:
        return 0
    try:
        loads(body[at:end])
    except ValueError:
        return 0
    return end


def _around(body: bytes, head: re.Match[bytes], at: int) -> dict[str, bytes] | None:
    """The members around the batch, which ends at a bracket here; None if these are none."""
    if body[at : at + 1] != b"]":
        return None
    return members_of(body[: head.end()] + body[at:])
