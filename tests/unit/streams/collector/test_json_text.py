"""JSON as senders really write it: what can be read without doubt is read, anything else is refused."""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.body import Limits
from streams.collector.json_text import as_utf8, loads, loads_exactly, mend_surrogates

LIMITS = Limits()


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a":NaN,"b":[Infinity,-Infinity,1e999,-1e999]}', {"a": None, "b": [None] * 4}),
        (
            b'{"traits":{"a":NaN,"b":1},"context":{"traits":{"c":1e999}}}',
            {"traits": {"b": 1}, "context": {"traits": {}}},
        ),
        (b'\xef\xbb\xbf{"a":"NaN"}\0', {"a": "NaN"}),
        (rb'{"a":"\ud83d","b":NaN}', {"a": "\ufffd", "b": None}),
        (b"NaN", None),
        (b'{"a":NaN,"b":' + b"9" * 400 + b"}", {"a": None, "b": None}),
        (b'{"a":NaN,"b":18446744073709551615}', {"a": None, "b": 2**64 - 1}),
    ],
)
def test_what_is_nearly_json_is_read(raw: bytes, value: Any) -> None:
    assert loads(raw) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nan", b"{'a':1}", b'{"a":1,}', b'{"a":undefined}', b'{"a":"x\ny"}', b'{"a":"Jos\xe9"}',
        b'{"a":01}', b'{"a":NaN,"b":"\t"}', rb'{"a":"\x41"}', b"[" * 30_000, b'{"a":' * 30_000, b"\xff\xfe\x00",
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"column|truncated|empty|char"):
        loads(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


def _nulled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _nulled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_nulled(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(json_values)
def test_a_number_that_is_none_changes_no_other_value(value: Any) -> None:
    """Whatever Python writes as JSON is read as if it had written null for them."""
    held = {"a": value, "b": math.nan}

    assert loads(json.dumps(held).encode()) == loads(json.dumps(_nulled(held)).encode())


def test_numbers_that_would_be_rounded_are_text_where_digits_count() -> None:
    """And all else is as it is without."""
    raw = b'{"a":[18446744073709551615,18446744073709551616,-9223372036854775809,1.5e300,2.5,NaN],"b":"\\ud83d"}'

    assert loads_exactly(raw)["a"] == [2**64 - 1, "18446744073709551616", "-9223372036854775809", "1.5e300", 2.5, None]
    assert loads_exactly(raw)["b"] == loads(raw)["b"]
    for broken in (b"[" * 100_000, b"{"):
        with pytest.raises(ValueError, match=r"."):
            loads_exactly(broken)


def test_utf_16_is_read_by_its_mark() -> None:
    assert as_utf8('{"a":"é"}'.encode("utf-16-le")) != as_utf8('{"a":"é"}'.encode("utf-16")) == '{"a":"é"}'.encode()


_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


@given(
    st.lists(st.sampled_from(["\\", "\\\\", "\\ud83d", "\\uDE00", "ud83d", "\\u", "d8", "00", "a", '"']), max_size=30)
)
def test_every_escape_is_looked_at_from_the_left(parts: list[str]) -> None:
    """As when one goes through the text escape by escape."""
    text = "".join(parts).encode()

    assert mend_surrogates(text) == _ESCAPES.sub(lambda m: rb"\ufffd" if len(m[0]) == 6 else m[0], text)


@pytest.mark.parametrize("unit", ["\\\\", "\\\\a", "\\", "\\u", "\\\\u", "\\u00e4"])
def test_backslashes_in_a_large_body_cost_next_to_nothing(unit: str) -> None:
    """Four megabytes of them are four kilobytes of gzip, and are looked at before their sender is known."""
    body = (unit * (LIMITS.body // len(unit)) + r"\u").encode()

    began = time.thread_time()
    mend_surrogates(body)

    assert time.thread_time() - began < 1
