"""What outsiders send: strategies for JSON, events and times that nobody has planned."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

__all__ = ["EXAMPLES", "events", "fuzzing", "json_values", "records"]

EXAMPLES = int(os.environ.get("RAPPORT_FUZZ_EXAMPLES", "25"))
"""How many examples each property is tried with."""

fuzzing = settings(
    max_examples=EXAMPLES,
    derandomize="RAPPORT_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""The same examples every time, unless a longer run is asked for."""

NAMES = ["Order Completed", "Order Refunded", "Product Viewed", "Ticket Opened", "Ticket Solved", "CSAT Answered"]
PROPERTIES = [
    "order_id",
    "revenue",
    "total",
    "currency",
    "products",
    "quantity",
    "rating",
    "ticket_id",
    "price",
    "value",
]

texts = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Co", "Lo"]), max_size=20),
    st.sampled_from(["", "null", "\0", "\ud800", "\U0010ffff", "e\u0301" * 30, "'\"\\", "../..", "%00", "{p000}:meta"]),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=3), st.sampled_from([600, 3_000, 9_000])),
)
numbers = st.one_of(
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**31, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), 10**400, 0.1, -0.0, 5e-324, 1.7e308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
keys = st.one_of(st.text(max_size=12), st.sampled_from([*PROPERTIES, "", "__proto__", "a.b", "\0", "k" * 5_000]))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
times = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    st.sampled_from(
        [
            "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-23:59", "2016-12-31T23:59:60Z", "2026-02-30", "2026-01-01", "20260101", "2026-W01-1",
            "2026-01-01T00:00:00+99:99", "-2026-01-01", "1e3", "", "now", 0, -1, 1e11, 1e300, 2**64, -(2**64), True,
        ]
    ),
)  # fmt: skip
ids = st.one_of(st.sampled_from(["u1", "u2", "a1", "x@example.com", 7, 7.0, 1e300, 2**64]), texts)
lists = st.sampled_from([[1] * 9_000, [{}] * 4_000, [[]] * 9_000, [{"type": "user_id", "id": "u1"}] * 900])


def _fields(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields, each mostly as known and sometimes anything."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(value, value, value, json_values) for name, value in known.items()}
    )


properties = st.one_of(
    st.dictionaries(keys, json_values, max_size=6),
    st.dictionaries(st.sampled_from(PROPERTIES), st.one_of(json_values, lists), max_size=4),
    st.just({"order_id": "o1", "revenue": 12.5, "currency": "EUR", "products": [{"product_id": "p1", "quantity": 2}]}),
)
traits = st.one_of(
    st.dictionaries(keys, json_values, max_size=6),
    st.dictionaries(st.sampled_from(["email", "phone", "firstName", "birthday", "age", "address"]), json_values),
    st.builds(lambda value: {f"t{n}": value for n in range(400)}, st.sampled_from([1, "x" * 40])),
)
contexts = _fields(
    traits=traits, ip=texts, device=json_values, externalIds=lists, direct=st.booleans(), page=json_values
)

events = _fields(
    type=st.sampled_from(["track", "track", "identify", "page", "screen", "group", "alias"]),
    event=st.one_of(st.sampled_from(NAMES), texts),
    name=texts,
    userId=ids,
    anonymousId=ids,
    groupId=ids,
    previousId=ids,
    messageId=ids,
    timestamp=times,
    originalTimestamp=times,
    sentAt=times,
    receivedAt=times,
    context=contexts,
    integrations=st.dictionaries(keys, json_values, max_size=3),
    properties=properties,
    traits=traits,
)  # fmt: skip
"""One event, odd in any of its fields. Lone halves of surrogate pairs survive `json.dumps` as escapes."""


def _event_bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


BROKEN = [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\x1f\x8b", b"NaN", b'{"type":NaN}', b'{"a":1e400}',
    b"\0" * 99,
    b"[" * 50_000, b'{"a":' * 9_000, b'{"type":"track","type":"page","userId":"u1","userId":"u2","name":"twice"}',
    b'{"type":"track","event":"Product Viewed","userId":"\xed\xa0\x80"}', b"1" * 5_000, b'"' + b"\\ud800" * 99 + b'"',
    b'{"type":"track","event":"Product Viewed","userId":"u1","properties":{"a":' + b"9" * 5_000 + b"}}",
]  # fmt: skip

records = st.one_of(
    events.map(_event_bytes), events.map(_event_bytes), st.binary(max_size=200), st.sampled_from(BROKEN)
)
"""What a producer may write straight to a source topic."""
