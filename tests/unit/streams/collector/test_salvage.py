"""A request that is not JSON as a whole: what can be told apart is, and each piece is as it was sent."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.body import Limits
from streams.collector.salvage import entries_of, members_of
from streams.collector.wire import Envelope, open_batch

texts = st.text(st.sampled_from('ab"\\[]{},: \n\u00e9'), max_size=8)
values = st.recursive(
    st.none() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
events = st.dictionaries(texts, values, max_size=4).map(lambda event: json.dumps(event).encode())
WRONG = [
    b"NaN", b"-Infinity", b"undefined", b"None", b"01", b"+1", b".5", b"0x1F", b"", b"1 2", b"'a'", b"[1,]", b'{"a" 1}',
    b"{a:1}", b'"\n"', b'"\0"', b'"\xe9"', rb'"\x41"', rb'"\ud83d"', b"[" * 2_000 + b"]" * 2_000, b"\xef\xbb\xbf1",
]  # fmt: skip
bad = st.builds(lambda wrong, rest: b'{"wrong":' + wrong + b',"rest":' + rest + b"}", st.sampled_from(WRONG), events)
spaces = st.sampled_from([b"", b" ", b"\r\n\t"])


@given(st.lists(events | bad, min_size=1, max_size=6), spaces, st.permutations(["batch", "context", "writeKey"]))
def test_no_event_harms_another(sent: list[bytes], space: bytes, order: list[str]) -> None:
    """Whatever is wrong with some, each comes out as its own bytes, in order, with what the batch says for all."""
    members = {
        "batch": b"[" + (space + b"," + space).join(sent) + b"]",
        "context": b'{"locale":"],[{"}',
        "writeKey": b'"k"',
    }
    body = b"{" + (space + b",").join(b'"%s":%s' % (name.encode(), members[name]) for name in order) + space + b"}"

    assert open_batch(body, Limits()) == Envelope(
        [raw.replace(rb"\ud83d", rb"\ufffd") for raw in sent], "k", context={"locale": "],[{"}
    )


@given(st.dictionaries(st.text("abc", max_size=3), values, max_size=4), st.lists(values, max_size=4))
def test_json_is_cut_as_it_is_read(held: dict[str, Any], listed: list[Any]) -> None:
    """The pieces of what is JSON are the JSON of its pieces."""
    members, entries = members_of(json.dumps(held).encode()), entries_of(json.dumps(listed).encode())

    assert members is not None
    assert {name: json.loads(raw) for name, raw in members.items()} == held
    assert entries is not None
    assert [json.loads(raw) for raw in entries] == listed


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{", b"[1", b"[1]]", b"[1] 2", b'["a]', b'["\\"]', b"[[1]", b"1", b'"[]"', b"x[]"]
)
def test_what_is_no_list_is_not_cut(body: bytes) -> None:
    assert entries_of(body) is None
    assert members_of(body.replace(b"[", b"{").replace(b"]", b"}")) is None


@pytest.mark.parametrize("body", [b"{1:2}", b'{"a"}', b'{"a" 1}', b"{a:1}"])
def test_an_object_has_names(body: bytes) -> None:
    assert members_of(body) is None


@pytest.mark.parametrize("unit", [b"[],", b"[", b'"",', b'"\\"', b"{}", b"[1,[", b'{"a":[', b"a", b'"', b"]", b"\\"])
def test_millions_of_brackets_cost_next_to_nothing(unit: bytes) -> None:
    """Four megabytes of them are four kilobytes of gzip."""
    body = b'{"batch":[' + unit * (Limits().body // len(unit)) + b"]}"

    began = time.thread_time()
    found = members_of(body)
    entries_of((found or {}).get("batch", body[9:]))

    assert time.thread_time() - began < 0.5
