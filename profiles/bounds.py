"""Bounds on the shape of data from outside: levels of nesting, number of keys, length of names.

They are looked at before anything is done with it, so that no sender chooses how long our code works: what comes
after may recurse, and take time for each key and each character of a name. Bytes are bounded where they come in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = ["KEYS", "LEVELS", "NAME", "Excess", "excess", "may_exceed"]

LEVELS = 32
"""Of nesting; what is much deeper could not be written again."""

KEYS = 5_000
"""Of all objects of one event or body together: an order of a thousand products has some."""

NAME = 500
"""Characters of a key, and of the name of an event: every profile shows those of its latest events."""

_SHORTEST = 4  # bytes of JSON that a key takes with its value, such as "":1
_PIECE = NAME // 2


class Excess(NamedTuple):
    """A bound that is passed."""

    reason: str  # nested_too_deeply, too_many_keys, name_too_long
    message: str  # what there is, after "has"


def excess(value: Any, *, levels: int = LEVELS, keys: int = KEYS, name: int = NAME) -> Excess | None:
    """The first bound that decoded JSON passes, None if it keeps all of them.

    Goes level by level, and no further than a bound: nothing sent may exhaust our stack or our patience.
    """
    level, depth, count = [value], 0, 0
    while level:
        depth += 1
        if depth > levels:
            return Excess("nested_too_deeply", f"more than {levels} levels of nesting")
        inside: list[Iterable[Any]] = []
        for outer in level:
            if type(outer) is dict:
                count += len(outer)
                if count > keys:
                    return Excess("too_many_keys", f"more than {keys} keys")
                if outer and (longest := max(map(len, outer))) > name:
                    return Excess("name_too_long", f"a key of {longest} characters; {name} at most")
                inside.append(outer.values())
            elif type(outer) is list:
                inside.append(outer)
        level = [inner for values in inside for inner in values if type(inner) is dict or type(inner) is list]
    return None


def may_exceed(raw: bytes) -> bool:
    """Whether JSON may pass the bounds at all, told by its bytes: of usual events a quick look says that it cannot."""
    size = len(raw)
    if size > KEYS * _SHORTEST or (size > NAME and b"\\" in raw):
        return True
    for start in range(0, size - _PIECE + 1, _PIECE):  # a name that is too long fills one of these pieces
        if raw.find(b'"', start, start + _PIECE) < 0:
            return True
    # Looking for the first of a kind is quick, counting not.
    return raw.count(b"{") + (raw.count(b"[") if b"[" in raw else 0) > LEVELS
