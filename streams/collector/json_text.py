"""JSON as senders really write it: what a strict parser refuses and can still be read without doubt.

That is a byte order mark and UTF-16, half an emoji, and a number that is none (NaN, Infinity, 1e999), as the standard
libraries of several languages write them. Anything else that is not JSON is refused. The strict parser comes first, so
what is JSON pays nothing.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from profiles.identity.spelling import EXACT

__all__ = ["as_utf8", "loads", "loads_exactly", "loads_leniently", "mend_surrogates"]

_AROUND = b" \t\r\n\0"  # C strings are sent with the null byte at their end
_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")

_HEX = rb"[0-9a-fA-F]{2}"
_SURROGATES = re.compile(
    rb"(?<!\\)(\\+)u[dD](?:[89abAB]" + _HEX + rb"(\\u[dD][c-fC-F]" + _HEX + rb")|[89a-fA-F]" + _HEX + rb")"
)  # with all backslashes before: whether it is an escape at all depends on their number


def loads(raw: bytes) -> Any:
    """The value of JSON bytes. A number that is none is null; among `traits`, where null removes one, it is left out.

    Raises:
        ValueError: it is not JSON; the message says where.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        try:
            return _without_odd_numbers(_odd.decode(mend_surrogates(as_utf8(raw)).decode()))
        except (ValueError, RecursionError):
            raise error from None


def loads_exactly(raw: bytes) -> Any:
    """As `loads`, but numbers that it would round, of 64 bits and more, are their text. Ten times as slow.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return _without_odd_numbers(_exact.decode(mend_surrogates(as_utf8(raw)).decode()))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def loads_leniently(raw: bytes) -> Any:
    """As `loads`, and raw control characters in texts, and bytes that are no UTF-8, are read as they come.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return loads(raw)
    except ValueError as error:
        try:
            text = mend_surrogates(as_utf8(raw)).decode(errors="replace")
            return _without_odd_numbers(_lenient.decode(text))
        except (ValueError, RecursionError):
            raise error from None


def as_utf8(body: bytes) -> bytes:
    """A body without what stands around its JSON, in UTF-8 if its byte order mark says that it is in UTF-16."""
    if body.startswith(_WIDE_MARKS):
        try:
            body = body.decode("utf-16").encode()
        except UnicodeError:
            return body
    return body.removeprefix(_MARK).strip(_AROUND)


def mend_surrogates(body: bytes) -> bytes:
    """Replace lone halves of surrogate pairs by U+FFFD.

    JavaScript writes them when a program has cut a string in the middle of an emoji; JSON parsers refuse them, and
    one such page title would cost the sender the whole batch.
    """
    return _SURROGATES.sub(_mended, body) if rb"\u" in body else body


def _mended(found: re.Match[bytes]) -> bytes:
    """With its lone half replaced, if it has one; after an even number of backslashes the first half is text."""
    is_text, has_second = len(found[1]) % 2 == 0, found[2] is not None
    return found[0][:-6] + rb"\ufffd" if is_text == has_second else found[0]


def _integer(digits: str) -> int | float:
    """As the strict parser reads one, so that the same number is the same in every event."""
    try:
        number: int | float = orjson.loads(digits)
    except orjson.JSONDecodeError:
        return math.nan
    return number


_odd = json.JSONDecoder(parse_int=_integer)  # it reads NaN and Infinity, and 1e999 as infinite
_lenient = json.JSONDecoder(parse_int=_integer, strict=False)


def _exact_integer(digits: str) -> int | str:
    number = _integer(digits)
    return number if type(number) is int else digits


def _exact_float(digits: str) -> float | str:
    number = float(digits)
    return number if abs(number) < EXACT or not math.isfinite(number) else digits


_exact = json.JSONDecoder(parse_int=_exact_integer, parse_float=_exact_float)


def _without_odd_numbers(value: Any) -> Any:
    if type(value) is dict:
        context = value.get("context")
        for holder in (value, context if type(context) is dict else {}):
            if type(traits := holder.get("traits")) is dict:
                holder["traits"] = {name: trait for name, trait in traits.items() if not _is_odd(trait)}
    return _with_nulls(value)


def _with_nulls(value: Any) -> Any:
    if type(value) is dict:
        return {name: _with_nulls(inner) for name, inner in value.items()}
    if type(value) is list:
        return [_with_nulls(inner) for inner in value]
    return None if _is_odd(value) else value


def _is_odd(value: Any) -> bool:
    return type(value) is float and not math.isfinite(value)
