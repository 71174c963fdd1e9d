"""A request that is not JSON as a whole: what can be told apart is, and each piece is as it was sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.body import Limits, Refused
from streams.collector.salvage import batch_of, entries_of, members_of, resume
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


UNCLOSED = [
    b'{"a":"5" screen"}',
    b'{"userId":"x,"event":"E"}',
    b'{"a":"\\\\""}',
    b'{"a',
    b'"x',
    b'{"a":1',
    b'{"a":[1,2}',
]
unclosed = st.sampled_from(UNCLOSED)
known = st.builds(lambda user: b'{"userId":"%b","list":[{"a":1},{"b":2}]}' % user, st.sampled_from([b"u", b"v", b"w"]))


@given(st.lists(known, max_size=4), unclosed, st.lists(known, min_size=1, max_size=4), st.booleans())
def test_an_event_that_does_not_close_harms_none_that_is_whole(
    before: list[bytes], wrong: bytes, after: list[bytes], more: bool
) -> None:
    """The next one is where the reading goes on; all between is one piece, kept as it was sent."""
    rest = b',"writeKey":"k","context":{"a":[1]}' if more else b""
    body = b'{"batch":[' + b", ".join([*before, wrong, *after]) + b"]" + rest + b"}"

    envelope = open_batch(body, Limits())

    assert envelope == Envelope([*before, wrong, *after], "k" if more else "", context={"a": [1]} if more else {})


ODD = b'{"type":"track","userId":"u","event":"5" tall"}'
GOOD = b'{"type":"track","userId":"u","event":"E","properties":{"products":[{"id":1},{"id":2}]}}'
MISSPELT = b'{"type":"track","userId":"u","sum":1,5,"products":[{"id":1},{"id":2,"type":"shoe"}]}'


@given(st.lists(st.sampled_from([GOOD, GOOD, ODD, MISSPELT]), max_size=12))
def test_two_events_with_odd_quotes_do_not_swallow_what_is_between_them(sent: list[bytes]) -> None:
    """Their quotes close each other; nor is an event torn up that is only misspelt."""
    events = open_batch(b'{"batch":[' + b",".join([GOOD, *sent, GOOD]) + b"]}", Limits()).events

    assert events.count(GOOD) == sent.count(GOOD) + 2
    if ODD not in sent:
        assert events == [GOOD, *sent, GOOD]


def test_a_batch_may_hold_any_number_of_odd_quotes() -> None:
    sent = [ODD, GOOD] * 1_250
    began = time.thread_time()

    assert open_batch(b'{"batch":[' + b",".join(sent) + b"]}", Limits()).events == sent

    assert time.thread_time() - began < 3


@pytest.mark.parametrize("rest", [b"", b',"sentAt":"2027-01-15T08:00:00Z"'])
@pytest.mark.parametrize(
    "wrong", [b'{"userId":"u"', b'{"userId":"u","context":{"a":[1]', b'{"l":[{"a":1}]', b'{"a":1}}']
)
def test_the_last_event_may_be_the_one_with_an_odd_bracket(wrong: bytes, rest: bytes) -> None:
    """One that opens what the batch's end cannot close."""
    assert open_batch(b'{"batch":[' + GOOD + b"," + wrong + b"]" + rest + b"}", Limits()).events[0] == GOOD


@pytest.mark.parametrize("wrong", UNCLOSED[:2])
def test_the_last_event_may_be_the_one_with_an_odd_quote(wrong: bytes) -> None:
    assert open_batch(b'{"batch":[{"userId":"u"},' + wrong + b"]}", Limits()).events == [b'{"userId":"u"}', wrong]


@given(st.lists(known, min_size=1, max_size=3), st.integers(1, 200))
def test_of_a_body_that_was_cut_off_nothing_is_taken(sent: list[bytes], cut: int) -> None:
    """Nobody would send the rest again after a 200."""
    body = b'{"batch":[' + b",".join(sent) + b"]}"

    with pytest.raises(Refused):
        open_batch(body[:-cut] or b"{", Limits())


@pytest.mark.parametrize("before", [b"", GOOD + b",", ODD + b",", b'{"a":[1,2},', b'{"a":1,', MISSPELT + b","])
@pytest.mark.parametrize("cut", [b'{"u":"v","l":[1', b'{"u":{"l":[{"x":1},{"y":[2', b'{"u":"]}","l":[['])
def test_the_end_of_a_list_is_not_taken_for_that_of_the_batch(before: bytes, cut: bytes) -> None:
    """Where the body was cut off behind one."""
    with pytest.raises(Refused):
        open_batch(b'{"batch":[' + before + cut + b"]}", Limits())


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


@pytest.mark.parametrize(
    "unit",
    [
        b"[],",
        b"[",
        b'"",',
        b'"\\"',
        b"{}",
        b"[1,[",
        b'{"a":[',
        b"a",
        b'"',
        b"]",
        b"\\",
        b',{"',
        b',{"a":1}',
        b"],",
        b" ",
    ],
)
def test_millions_of_brackets_cost_next_to_nothing(unit: bytes) -> None:
    """Four megabytes of them are four kilobytes of gzip."""
    body = b'{"batch":[' + unit * (Limits().body // len(unit)) + b"]}"

    began = time.thread_time()
    found = members_of(body)
    entries_of((found or {}).get("batch", body[9:]))
    resume(body)

    assert time.thread_time() - began < 10  # some tenths; minutes if each bracket made the reading start over


EVENT_THEN_END = b'{"userId":1}],'


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: b'{"batch":[{"userId":1 x "\\\\""' + b'\\"' * 4 * n + b"[" + b"]," * 20 + b" 1]}",
        lambda n: b'{"a":[' + b"[]," * 10 * n + b'1],"batch":[{bad,' + EVENT_THEN_END * n + b" 1}",
        lambda n: b'{"a":"' + b'\\"' * 120 * n + b'","batch":[{bad,' + EVENT_THEN_END * n + b" 1}",
        lambda n: b'{"batch":[{bad,' + b'{"userId":1}],[,' * 3 * n + b" 1}",
        lambda n: b'{"batch":[{bad,' + b'{"userId":1}],[,' * n + b'"' + b'\\"' * 40 * n + b'" 1}',
        lambda n: b'{"batch":[{bad,' + b'{"userId":1}],[,' * n + b'"' + b'\\"' * 40 * n + b" 1}",
    ],
    ids=["odd quotes", "brackets before", "a text before", "brackets behind", "a text behind", "no end of a text"],
)
def test_a_body_four_times_as_long_is_no_sixteen_times_the_work(hostile: Callable[[int], bytes]) -> None:
    """Where each quote, or each bracket that may close the batch, could make the reading start over."""

    def cost(size: int) -> float:
        body = hostile(size)
        began = time.thread_time()
        batch_of(body)
        return time.thread_time() - began

    assert cost(2_000) < 8 * cost(500) + 0.2
