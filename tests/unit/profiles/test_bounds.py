"""Bounds on the shape of what comes from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.bounds import KEYS, LEVELS, NAME, excess, may_exceed


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if levels % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (nested(LEVELS), None),
        (nested(LEVELS + 1), "nested_too_deeply"),
        (nested(900), "nested_too_deeply"),
        ({str(number): 1 for number in range(KEYS)}, None),
        ({str(number): 1 for number in range(KEYS + 1)}, "too_many_keys"),
        ([{"a": 1}] * (KEYS + 1), "too_many_keys"),
        ({"k" * NAME: 1}, None),
        ({"a": {"k" * (NAME + 1): 1}}, "name_too_long"),
        ({"a": [{'"' * (NAME + 1): 1}]}, "name_too_long"),
        ({"a": {"é" * (NAME + 1): 1}}, "name_too_long"),
        ({"a": "v" * 100_000}, None),
        ([1] * 100_000, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_bound(value: Any, reason: str | None) -> None:
    """Up to it, and past it."""
    found = excess(value)

    assert (found and found.reason) == reason
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert reason is None or may_exceed(text.encode()), "a quick look must never miss it"


keys = st.one_of(st.text(max_size=6), st.text(min_size=60, max_size=90))
values = st.recursive(
    st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)


@given(values, st.booleans())
def test_the_quick_look_misses_nothing(value: Any, escaped: bool) -> None:
    """Wrapped into more and more, until it passes a bound."""
    for levels in (0, 10, 28):
        wrapped = value
        for _ in range(levels):
            wrapped = {"k" * levels * 16: wrapped}
        if excess(wrapped):
            assert may_exceed(json.dumps(wrapped, ensure_ascii=escaped).encode())


def test_usual_events_are_not_gone_through() -> None:
    event = {
        "type": "track",
        "event": "Product Viewed",
        "userId": "u1",
        "properties": {"url": "https://shop/" + "p" * 90},
    }
    assert not may_exceed(json.dumps(event).encode())
