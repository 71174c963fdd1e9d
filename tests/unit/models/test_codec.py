"""Structs go through JSON to the bit, and nothing damaged comes back."""

from __future__ import annotations

import numpy as np
import pytest

from models.codec import Array, State, Table, decode, encode
from profiles.errors import Misconfigured


class Kept(State):
    row: Array
    table: Table
    square: Array
    number: float


def kept() -> Kept:
    table = np.zeros((4, 3), dtype=np.int64)
    table[2] = 1, 0, 2**50
    return Kept(np.array([0.1, -0.0, 1e-300, 1 / 3]), table, np.eye(2) / 7, 0.1)


def test_it_reads_back_to_the_same_bits() -> None:
    written = encode(kept())
    again = decode(written, Kept, "it")

    assert encode(again) == written
    for name in ("row", "table", "square"):
        assert getattr(again, name).tobytes() == getattr(kept(), name).tobytes()
    again.row += 1.0  # learning goes on in place
    again.square += 1.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"number":0.1', b'"number":null'),
        (b'"number":0.1', b'"number":1e999'),
        (b'"number":0.1', b'"number":"a"'),
        (b',"number":0.1', b""),
        (b'"number":0.1', b'"number":0.1,"more":1'),
        (b"[0.1,", b"[null,"),
        (b"[0.1,", b'["a",'),
        (b"[0.1,", b"[[0.1],"),
        (b'"square":[2,', b'"square":[' + b"[" * 100_000),
        (b'"square":', b'"square":{"a":1,"b":2},"more":'),
        (b"[2,1,0,", b"[9,1,0,"),
        (b"[2,1,0,", b"[-1,1,0,"),
        (b"[2,1,0,", b"[2,0,"),
        (b"[2,1,0,", b"[2,1.5,0,"),
        (b'"square":[2,"', b'"square":[3,"'),
        (b'"square":[2,"', b'"square":[2,"A'),
        (b"{", b"["),
        (b"}", b""),
        (b'"number"', b'"\xff"'),
    ],
)
def test_what_is_damaged_is_refused(before: bytes, after: bytes) -> None:
    written = encode(kept())
    assert before in written
    with pytest.raises(Misconfigured, match="the checkpoint is damaged"):
        decode(written.replace(before, after), Kept, "the checkpoint")


def test_what_is_spoilt_in_memory_does_not_come_back() -> None:
    """JSON has no such numbers."""
    for spoilt in (float("nan"), float("inf")):
        one = kept()
        one.square[1, 1] = spoilt
        with pytest.raises(Misconfigured):
            decode(encode(one), Kept, "it")
        one = kept()
        one.row[1] = spoilt
        with pytest.raises(Misconfigured):
            decode(encode(one), Kept, "it")
