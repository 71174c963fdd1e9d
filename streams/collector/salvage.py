"""A request that is not JSON as a whole, cut into its members and events by their brackets and quotes.

So that one event which is not JSON costs its sender that event, and not all that came with it. What the pieces hold is
not looked at: each is judged alone afterwards, and a bad one is kept as its bytes.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from streams.collector.json_text import loads

__all__ = ["batch_of", "entries_of", "members_of", "resume"]

_MOST = 200_000
"""Steps of a reading: what is sent packed may hold millions of brackets. A bracket or comma is one, and so are so many
bytes between them:"""
_BYTES = 64

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKET = re.compile(rb'[^"\[\]{}]*+(?:' + _STRING + rb'[^"\[\]{}]*+)*+(.?)', re.DOTALL)
_MARK = re.compile(rb'[^"\[\]{},]*+(?:' + _STRING + rb'[^"\[\]{},]*+)*+(.?)', re.DOTALL)  # a bracket or a comma
_MEMBER = re.compile(rb"\s*+(" + _STRING + rb")\s*+:(.*)", re.DOTALL)
_OTHER = re.compile(rb"[^ \t\r\n]|\Z")
_BATCH = re.compile(rb'"batch"\s*+:\s*+\[')
_NEXT = re.compile(rb',\s*+(?=\{\s*+")')  # before an event
_KEY = re.compile(rb'"writeKey"\s*+:\s*+("[^"\\]*+")')
_END = re.compile(rb"\]\s*+(?:,|\}\Z)")  # of the batch
_LARGEST = 64 * 1024  # bytes of an event that is looked for
_MOST_EVENTS, _MOST_TRIES, _MOST_ENDS = 5_000, 5_000, 20
_MOST_IN_VAIN = 2 * 1024 * 1024  # bytes that are read of what turns out to be no event
_OF_ONE = 5_000  # brackets of an event that is looked for
_DEEPER = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_CLOSES = {b"]": b"[", b"}": b"{"}
_UNREADABLE = object()
_OWN = frozenset({"userId", "anonymousId", "messageId", "context"})  # members of events, and seldom of what these hold
_reader = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers are not looked at


def batch_of(body: bytes) -> tuple[dict[str, bytes], list[bytes]] | None:
    """The members and the events of a batch that is not JSON; None if it cannot be cut.

    Two events with odd quotes look like one whose quotes close, with all between them inside. So where a piece cannot
    be read, both ways to cut are tried, and that counts by which more events can be read.
    """
    members = members_of(body)
    entries = entries_of(members.get("batch", b"")) if members is not None else None
    if members is None or entries is None:
        return resume(body)
    found = [_value_of(entry) for entry in entries[:_MOST_EVENTS]]
    if _UNREADABLE in found and (other := resume(body)) is not None:
        readable = sum(map(_is_event, found))
        if sum(_is_event(_value_of(entry)) for entry in other[1]) > readable:
            return other
    return members, entries


def _value_of(piece: bytes) -> Any:
    try:
        return loads(piece)
    except ValueError:
        return _UNREADABLE


def _is_event(value: Any) -> bool:
    """Whether a value is an event, not what an event holds."""
    return type(value) is dict and not _OWN.isdisjoint(value)


class _Work:
    """How many steps may still be taken, by all readings together that start over in the same bytes."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST

    def spend(self, start: int, end: int) -> None:
        """One step to what stands at the end of these bytes."""
        self.left -= 1 + (end - start) // _BYTES


def members_of(body: bytes) -> dict[str, bytes] | None:
    """The members of the object that a body is, their values as they were sent; None if it cannot be cut into them."""
    if not body.startswith(b"{"):
        return None
    parts = _parts(body, 1, _Work())
    return None if parts is None else _named(parts)


def _named(parts: list[bytes]) -> dict[str, bytes] | None:
    """The members by name; None if one of the parts is no member."""
    found = [_MEMBER.fullmatch(part) for part in parts if part.strip()]
    if None in found:
        return None
    return {match[1][1:-1].decode(errors="replace"): match[2].strip() for match in found if match}


def entries_of(body: bytes) -> list[bytes] | None:
    """The entries of the list that a body is, as they were sent; None if it is none."""
    parts = _parts(body, 1, _Work()) if body.startswith(b"[") else None
    return None if parts is None else [entry for part in parts if (entry := part.strip())]


def _parts(body: bytes, start: int, work: _Work) -> list[bytes] | None:
    """What stands between the commas of the outermost brackets, the first of which opened before `start`; None if
    those do not enclose the rest of the body."""
    parts: list[bytes] = []
    at = start
    while work.left > 0 and (found := _MARK.match(body, at)):
        work.spend(at, found.end())
        at, mark = found.end(), found[1]
        if _DEEPER.get(mark) == 1:
            at = _behind(body, at, work)
            if not at:
                return None
            continue
        if mark not in (b",", b"]", b"}"):  # the end, or a quote that nothing closes, to find which all was read
            work.spend(at, len(body))
            break
        parts.append(body[start : at - 1])
        if mark != b",":
            return parts if at == len(body) else None
        start = at
    return None


def _behind(body: bytes, at: int, work: _Work) -> int:
    """The place behind what the bracket before `at` opens; 0 if it is not closed."""
    depth = 1
    for found in _BRACKET.finditer(body, at):
        work.spend(found.start(), found.end())
        if not (deeper := _DEEPER.get(found[1], 0)):
            work.spend(found.end(), len(body))
            break
        depth += deeper
        if not depth:
            return found.end()
        if work.left <= 0:
            break
    return 0


def resume(body: bytes) -> tuple[dict[str, bytes], list[bytes]] | None:
    """The members and the events of a batch in which an event's quotes or brackets do not close.

    Going on where the next event begins that can be read, all before is one piece. Nothing is taken of a body that may
    have been cut off: its end must be in sight, behind a good event, an odd quote, or a bracket that nothing closes.

    What stands around the batch may be what cannot be read. It is the `context` then, so that no event is taken for one
    of a customer who consents.
    """
    head = _BATCH.search(body)
    if head is None or not body.endswith(b"}"):
        return None
    events: list[bytes] = []
    around = _Around(body, head)
    clean = True  # all events so far are good: a bracket that closes is the batch's
    at, bad, left, tries = head.end(), -1, _MOST_IN_VAIN, 0
    while left > 0 and tries < _MOST_TRIES and len(events) < _MOST_EVENTS:
        at = _past_spaces(body, at)
        end, vain = _event_end(body, at, within=bad >= 0)
        left -= vain
        if end:
            if bad >= 0:
                events.append(body[bad:at].rstrip(b", \r\n\t"))
                bad = -1
            events.append(body[at:end])
            at = _past_spaces(body, end)
            if body[at : at + 1] == b",":
                at += 1
                continue
            if (members := around.members(at)) is not None:
                return members, events
            if clean and body[at : at + 1] == b"]":
                return None if _is_cut_off(body, at) else (_unreadable(body, head, at), events)
        clean = False
        tries += 1
        bad = at if bad < 0 else bad
        if (found := _NEXT.search(body, at + 1)) is not None:
            at = found.end()
            continue
        for close in list(_END.finditer(body, max(at, len(body) - _LARGEST)))[-_MOST_ENDS:]:
            end = close.start()
            if _is_of_batch(body, at, end, around.work) and (members := around.members(end)) is not None:
                piece = body[bad:end].strip()  # from behind the batch, or of an event that holds others
                return members | ({"context": piece} if piece.startswith(b"]") else {}), [*events, piece]
        return None
    return None


def _is_of_batch(body: bytes, last: int, end: int, work: _Work) -> bool:
    """Whether a bracket surely closes the batch, not a list of its `last` event, of which the rest was cut off."""
    work.spend(last, end)
    if work.left <= 0:
        return False
    if (body.count(b'"', last, end) - body.count(rb"\"", last, end)) % 2:
        return True
    opened: list[bytes] = []
    for found in itertools.islice(_BRACKET.finditer(body, last, end), _OF_ONE):
        work.left -= 1
        if found[1] == b'"':  # nothing closes it, which a count tells only where no backslash is written twice
            return True
        if (deeper := _DEEPER.get(found[1], 0)) > 0:
            opened.append(found[1])
        elif deeper and opened:
            opened.pop()
    return opened[-1:] != [b"["]


def _is_cut_off(body: bytes, at: int) -> bool:
    """Whether what stands behind the batch, which ends here, may lack its end, or may be of another batch."""
    rest = body[at + 1 :]
    if _BATCH.search(rest):
        return True
    if (rest.count(b'"') - rest.count(rb"\"")) % 2:
        return False
    opened = [b"{"]
    for found in itertools.islice(_BRACKET.finditer(rest), _OF_ONE):
        if _DEEPER.get(found[1], 0) > 0:
            if not opened:  # a second request
                return True
            opened.append(found[1])
        elif found[1] and (not opened or _CLOSES.get(found[1]) != opened.pop()):
            return False
    return bool(opened)


def _unreadable(body: bytes, head: re.Match[bytes], at: int) -> dict[str, bytes]:
    """The members around a batch that cannot be told apart: a key, and all of it as a context, which is no JSON."""
    around = body[at:] + body[: head.end()]
    key = _KEY.search(around)
    return {"context": around} | ({"writeKey": key[1]} if key else {})


def _past_spaces(body: bytes, at: int) -> int:
    found = _OTHER.search(body, at)
    return found.start() if found else at


def _event_end(body: bytes, at: int, *, within: bool) -> tuple[int, int]:
    """Where the event that begins here ends, 0 if there is none that can be read; and how much was read in vain.

    `within` a bad event an object may be a part of that: it must look like an event.
    """
    if body[at : at + 1] != b"{":
        return 0, 0
    try:  # as Latin-1, of which a character is a byte; it stops where it cannot go on
        _, end = _reader.raw_decode(body[at : at + _LARGEST].decode("latin-1"))
    except json.JSONDecodeError as error:
        return 0, error.pos
    except (ValueError, RecursionError):
        return 0, _LARGEST
    value = _value_of(body[at : at + end])
    return (at + end, 0) if value is not _UNREADABLE and (_is_event(value) or not within) else (0, end)


class _Around:
    """The members around a batch, for each bracket that may close it.

    What stands before the batch is read once, and what stands behind by all tries together within one bound: a body may
    hold thousands of such brackets.
    """

    def __init__(self, body: bytes, head: re.Match[bytes]) -> None:
        self._body = body
        self._before = members_of(body[: head.end()] + b"]}")
        self.work = _Work()

    def members(self, at: int) -> dict[str, bytes] | None:
        """The members if the batch ends here; None if these are none, or too much was looked at for others."""
        if self._before is None or self._body[at : at + 1] != b"]":
            return None
        behind = _parts(self._body, at + 1, self.work)
        members = _named(behind[1:]) if behind is not None else None
        return None if members is None else self._before | members
