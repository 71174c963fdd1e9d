"""Structs as JSON that reads back to the same bits: how models are shipped, and how what is learned is kept.

JSON outlives upgrades of the libraries that learn, and people can read it. Arrays are written as lists: of numbers; of
rows that are not zero, in a table of whole numbers; as base64 in a table of others.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from profiles.errors import Misconfigured

__all__ = ["Array", "State", "Table", "decode", "encode"]

Array = NDArray[np.float64]
Table = NDArray[np.int64]

T = TypeVar("T")

_DAMAGED = (msgspec.MsgspecError, ValueError, TypeError, LookupError, OverflowError, RecursionError)


class State(msgspec.Struct, dict=True, forbid_unknown_fields=True):
    """What is kept of something that learns: its fields. Attributes that are no fields are not kept."""


def _plain(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"{type(value)} is not kept")
    if value.ndim == 1:
        return value.tolist()
    if value.dtype == np.int64:
        return [value.shape, *([place, *row] for place, row in enumerate(value.tolist()) if any(row))]
    return [len(value), b64encode(value.astype("<f8").tobytes()).decode()]


def _array(kind: type, plain: Any) -> Any:
    if kind == Table:
        shape, *held = msgspec.convert(plain, list[tuple[int, ...]])
        table = np.zeros(shape, dtype=np.int64)
        for place, *row in held:
            if place < 0 or len(row) != shape[1]:
                raise ValueError("a row is not of its table")
            table[place] = row
        return table
    if not isinstance(plain, list):
        raise TypeError("an array is written as a list")
    if len(plain) == 2 and isinstance(plain[1], str):
        array = np.frombuffer(b64decode(plain[1], validate=True), dtype="<f8").reshape(plain[0], -1).copy()
    else:
        array = np.array(plain, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("numbers are missing or not finite")
    return array


encode = msgspec.json.Encoder(enc_hook=_plain).encode
"""The JSON of a struct."""


def decode(data: bytes | msgspec.Raw, type: type[T], what: str) -> T:
    """The struct that `encode` wrote.

    Args:
        data: the JSON.
        type: of the struct.
        what: it is, for people.

    Raises:
        Misconfigured: it is damaged: something is missing, unknown, of another type or not finite.
    """
    try:
        return msgspec.json.decode(data, type=type, dec_hook=_array)
    except _DAMAGED as error:
        raise Misconfigured(f"{what} is damaged: {error}") from error
