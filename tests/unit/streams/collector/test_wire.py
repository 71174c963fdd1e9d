"""Segment's wire format: what is accepted, what is refused and why, and the four times of an event."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.errors import Unacceptable
from profiles.identity.extract import IdentityRule, compile_extractor, compile_spellings
from profiles.identity.secrets import hashed
from profiles.times import parse_time, rfc3339
from streams.collector.body import Body, Limits, Refused
from streams.collector.wire import (
    Envelope,
    basic_key,
    occurred_at,
    open_batch,
    open_single,
    stamp,
)

RECEIVED = 1_800_000_000.0  # 2027-01-15T08:00:00Z
LIMITS = Limits()
RULES = [
    IdentityRule(type="user_id", priority=1, fields=("userId", "previousId")),
    IdentityRule(type="email", priority=2, fields=("traits.email", "context.traits.email"), pii="email"),
    IdentityRule(type="anonymous_id", priority=3, fields=("anonymousId",)),
]
EXTRACT = compile_extractor(RULES, compile_spellings(RULES, key=b"key"))


def stamped(event: Any, *, kind: str = "", ip: str = "", browser: bool = False, **shared: Any) -> dict[str, Any]:
    """The event as it would be in Kafka."""
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    envelope = Envelope([raw], type=kind, **shared)
    _, value = stamp(raw, envelope, received=RECEIVED, identities=EXTRACT, limits=LIMITS, ip=ip, browser=browser)
    result: dict[str, Any] = json.loads(value)
    return result


def reason(event: Any, **arguments: Any) -> str:
    """Why the event is refused."""
    with pytest.raises(Unacceptable) as caught:
        stamped(event, **arguments)
    return caught.value.reason


def read(*chunks: bytes, limits: Limits = LIMITS) -> bytes:
    body = Body(limits)
    for chunk in chunks:
        body.feed(chunk)
    return body.finish()


# The body


@given(st.binary(min_size=1, max_size=2000), st.booleans(), st.lists(st.integers(0, 2000), max_size=6))
def test_any_split_of_a_body_gives_the_same_bytes(plain: bytes, zipped: bool, cuts: list[int]) -> None:
    """However the network cuts a body, compressed or not, what comes out is what was sent."""
    plain = b"{" + plain
    sent = gzip.compress(plain) if zipped else plain
    edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]

    assert plain == read(*(sent[a:b] for a, b in itertools.pairwise(edges)))


def test_gzip_of_several_members_is_one_body() -> None:
    """Gzip files may be joined by concatenation."""
    assert read(gzip.compress(b'{"a"') + gzip.compress(b":1}")) == b'{"a":1}'


@pytest.mark.parametrize("cut", [3, 15, -1])
def test_truncated_gzip_is_refused(cut: int) -> None:
    """Half a body is not a body, wherever it ends."""
    with pytest.raises(Refused) as caught:
        read(gzip.compress(b'{"batch": []}' * 50)[:cut])

    assert (caught.value.status, caught.value.code) == (400, "invalid_gzip")


def test_damaged_gzip_is_refused() -> None:
    """A wrong checksum is noticed."""
    sent = bytearray(gzip.compress(b'{"batch": []}' * 50))
    sent[-6] ^= 0xFF

    with pytest.raises(Refused, match="broken"):
        read(bytes(sent))


@pytest.mark.parametrize("body", [b"", b"  \n", gzip.compress(b"", mtime=0)])
def test_an_empty_body_is_refused(body: bytes) -> None:
    """Nothing at all is a mistake of the sender."""
    with pytest.raises(Refused) as caught:
        read(body)

    assert (caught.value.status, caught.value.code) == (400, "empty_body")


def test_a_zip_bomb_stops_at_the_limit() -> None:
    """Decompression ends one byte past the limit; the 100 MB never exist."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(100)), packer.flush()])
    assert len(bomb) < LIMITS.request
    tracemalloc.start()

    with pytest.raises(Refused) as caught:
        read(bomb)

    assert (caught.value.status, caught.value.code) == (413, "request_too_large")
    assert tracemalloc.get_traced_memory()[1] < 3 * LIMITS.body
    tracemalloc.stop()


def test_a_stalled_bomb_holds_what_it_has_sent() -> None:
    """Sixteen senders of 4 KB each must not hold the room of all others until their time is up."""
    body = Body(LIMITS)
    body.feed(gzip.compress(bytes(4_000_000))[:-1])

    assert len(body) < 10_000


def test_many_tiny_members_are_read_in_time() -> None:
    """25,000 gzip members in one request: what follows each is copied, but only a little of it."""
    started = time.perf_counter()
    read((gzip.compress(b" ") * 30_000)[: 21 * 24_000] + gzip.compress(b"{}"))
    assert time.perf_counter() - started < 60


def test_the_request_limit_is_exact() -> None:
    """500 KB pass, one byte more does not."""
    assert LIMITS.request == len(read(b"x" * LIMITS.request))
    with pytest.raises(Refused, match="over 512000 bytes"):
        read(b"x" * LIMITS.request, b"x")


# The envelope


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b'{"batch": [{"a": 1}', 400, "invalid_json"),
        (b'{"batch": [{"a": 1}]} {}', 400, "invalid_json"),
        (b'{"batch": [NaN], "writeKey": 5}', 400, "invalid_request"),
        (b'{"batch": NaN}', 400, "invalid_json"),
        (b'{"batch": ' + b"[" * 100_000, 400, "invalid_json"),
        (b"[]", 400, "invalid_request"),
        (b'"text"', 400, "invalid_request"),
        (b'{"batch": {}}', 400, "invalid_request"),
        (b'{"batch": [1], "context": 5}', 400, "invalid_request"),
        (b'{"batch": [1], "writeKey": 5}', 400, "invalid_request"),
        (b'{"batch": []}', 400, "empty_batch"),
        (b'{"batch": null}', 400, "empty_batch"),
        (b"{}", 400, "empty_batch"),
        (b'{"batch": [' + b"1," * 2500 + b"1]}", 413, "too_many_events"),
    ],
)
def test_a_batch_that_cannot_be_opened_says_why(body: bytes, status: int, code: str) -> None:
    """Each way to be unreadable has its code."""
    with pytest.raises(Refused) as caught:
        open_batch(body, LIMITS)

    assert (status, code) == (caught.value.status, caught.value.code)


def test_a_batch_keeps_the_bytes_of_each_event() -> None:
    """What is rejected later can be kept exactly as it was sent."""
    envelope = open_batch(b'{"writeKey":"k","sentAt":"2027-01-15T08:00:00Z","batch":[ {"a" : 1.50}, 7 ,null]}', LIMITS)

    assert envelope.events == [b'{"a" : 1.50}', b"7", b"null"]
    assert (envelope.write_key, envelope.sent_at) == ("k", RECEIVED)


def test_half_an_emoji_does_not_cost_the_batch() -> None:
    """JavaScript writes lone surrogates; they become the replacement character, whole emojis and text stay."""
    body = rb'{"batch":[{"userId":"u","type":"track","event":"a\ud83d","ok":"\ud83d\ude00 \\ud83d \udc00"}]}'

    (raw,) = open_batch(body, LIMITS).events

    assert {"event": "a�", "ok": "\U0001f600 \\ud83d �"}.items() <= stamped(raw).items()


def test_what_is_not_json_costs_its_sender_one_event() -> None:
    """What stands around it counts, wherever it stands; the bad ones are kept as they were sent."""
    bad = [
        b'{"firstName":"two\nlines"}',
        b'{"name":"Jos\xe9"}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":undefined}',
        b'{a:"}]"}',
    ]
    good = b'{"userId":"u"}'
    body = (
        b'\xef\xbb\xbf{"writeKey":"k","batch":[' + b" , ".join([good, *bad, good]) + b'],"context":{"a":NaN},"sentAt":'
    )

    envelope = open_batch(body + b'"2027-01-15T08:00:00Z"}\r\n\0', LIMITS)

    assert envelope == Envelope([good, *bad, good], "k", RECEIVED, {"a": None})
    assert [reason(raw) for raw in bad] == ["invalid_json"] * len(bad)


@pytest.mark.parametrize("name", ["context", "integrations"])
def test_what_a_batch_shares_is_read_as_it_comes(name: str) -> None:
    """A control character or another encoding in it costs none of the events."""
    shared = b'{"page":{"title":"two\nlines \t Jos\xe9"}}'

    envelope = open_batch(b'{"writeKey":"k","batch":[{"userId":"u"}],"%b":%b}' % (name.encode(), shared), LIMITS)

    assert getattr(envelope, name) == {"page": {"title": "two\nlines \t Jos\ufffd"}}
    assert (envelope.events, envelope.write_key, envelope.flaw) == ([b'{"userId":"u"}'], "k", "")


def test_what_a_batch_shares_and_nobody_can_read_rejects_its_events_with_their_bytes() -> None:
    """It may say what the customer does not consent to, so none goes on without it; and none is lost."""
    event = b'{"type":"track","event":"E","userId":"u"}'

    envelope = open_batch(b'{"writeKey":"k","batch":[%b],"context":{"consent":nope}}' % event, LIMITS)

    assert (envelope.events, envelope.write_key) == ([event], "k")
    with pytest.raises(Unacceptable, match="'context' of its batch is not JSON") as refused:
        stamp(event, envelope, received=RECEIVED, identities=EXTRACT, limits=LIMITS)
    assert refused.value.reason == "invalid_json"


def test_a_single_event_that_is_not_json_is_kept_too() -> None:
    """Its write key is found all the same, so that it can be told from whom it came."""
    body = b'{"writeKey":"k","userId":"u","name":"two\nlines"}'

    assert open_single(body, "track") == Envelope([body], "k", type="track")
    assert reason(body) == "invalid_json"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_costs_nothing(encoding: str) -> None:
    """Windows writes one in front, in its own encoding sometimes."""
    envelope = open_batch('{"batch":[{"name":"José"}]}'.encode(encoding), LIMITS)

    assert envelope.events == ['{"name":"José"}'.encode()]


def test_a_single_event_must_be_an_object() -> None:
    """The body of /v1/track is one event."""
    assert open_single(b'{"writeKey":"k"}', "track").write_key == "k"
    with pytest.raises(Refused, match="wrong shape"):
        open_single(b"[]", "track")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Basic " + base64.b64encode(b"key:").decode(), "key"),
        ("basic " + base64.b64encode(b"key").decode(), "key"),
        ("Basic " + base64.b64encode(b"key:secret").decode(), "key"),
        ("Basic " + base64.b64encode(b":").decode(), ""),
        ("Basic %%%", ""),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), ""),
        ("Bearer token", ""),
        ("", ""),
    ],
)
def test_the_write_key_of_basic_authorization(header: str, key: str) -> None:
    """With or without the colon; anything else is no write key."""
    assert key == basic_key(header)


# The event


def test_an_event_is_stamped() -> None:
    """Ids are strings, nulls are gone at the top level only, the batch's context is merged under the event's."""
    event = {
        "type": "identify",
        "userId": 42,
        "anonymousId": None,
        "groupId": 7.0,
        "traits": {"email": None, "plan": "gold"},
        "context": {"app": {"name": "own"}},
        "writeKey": "secret",
        "messageId": "m-1",
    }

    result = stamped(event, context={"app": {"name": "batch"}, "locale": "de"}, integrations={"All": True})

    assert result == {
        "type": "identify",
        "userId": "42",
        "groupId": "7",
        "traits": {"email": None, "plan": "gold"},
        "context": {"app": {"name": "own"}, "locale": "de"},
        "integrations": {"All": True},
        "messageId": "m-1",
        "receivedAt": "2027-01-15T08:00:00Z",
        "timestamp": "2027-01-15T08:00:00Z",
    }


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"userId": "u", "anonymousId": "a"}, b"u"),
        ({"userId": "", "anonymousId": "a"}, b"a"),
        ({"userId": "null", "anonymousId": "a"}, b"a"),
        ({"traits": {"email": "A@B.C"}, "anonymousId": "a"}, hashed(b"key", "email", "a@b.c").encode()),
        ({"previousId": "p"}, b"p"),
    ],
)
def test_the_key_is_the_strongest_identity(event: dict[str, Any], key: bytes) -> None:
    """So that one sender's events stay in order; an address is not read off the key."""
    raw = json.dumps({"type": "identify"} | event).encode()

    assert key == stamp(raw, Envelope([raw]), received=RECEIVED, identities=EXTRACT, limits=LIMITS)[0]


def test_a_missing_message_id_is_assigned() -> None:
    """Each event gets its own: without an id nobody can tell a repeat from a second event."""
    first, second = (stamped({"type": "page", "userId": "u", "messageId": ""})["messageId"] for _ in range(2))

    assert first != second
    assert len(first) == 36


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b'{"type":"track","userId":"u","v":tru}', "invalid_json"),
        (b'{"type":"track","userId":"\xff"}', "invalid_json"),
        (7, "not_an_object"),
        (None, "not_an_object"),
        ({"type": "track", "userId": "u", "properties": [1]}, "not_an_object"),
        ({"type": "track", "userId": "u", "context": "x"}, "not_an_object"),
        ({"userId": "u"}, "unknown_type"),
        ({"type": "Track", "userId": "u"}, "unknown_type"),
        ({"type": ["track"], "userId": "u"}, "unknown_type"),
        ({"type": "track"}, "no_identity"),
        ({"type": "track", "userId": None, "anonymousId": ""}, "no_identity"),
        ({"type": "track", "userId": "undefined"}, "no_identity"),
        ({"type": "track", "userId": True}, "invalid_id"),
        ({"type": "track", "userId": {"id": 1}}, "invalid_id"),
        ({"type": "track", "userId": "u", "messageId": "m" * 101}, "invalid_message_id"),
        ({"type": "track", "userId": "u", "note": "x" * 32_768}, "event_too_large"),
    ],
)
def test_an_event_that_cannot_be_accepted_says_why(event: Any, expected: str) -> None:
    """Each way to be unacceptable has its reason."""
    assert expected == reason(event)


@pytest.mark.parametrize("empty", [[], "", None, {}])
def test_an_empty_array_of_php_is_an_empty_object(empty: Any) -> None:
    """In an event and for a batch: PHP writes a map without members as a list."""
    event = {"type": "track", "userId": "u", "properties": empty, "traits": empty, "context": empty}

    result = stamped(
        event | {"integrations": empty},
        context=open_batch(
            json.dumps({"batch": [1], "context": empty, "integrations": empty}).encode(), LIMITS
        ).context,
    )

    assert {name: result.get(name) or {} for name in event} == {name: value or {} for name, value in event.items()}


def test_an_empty_array_of_php_may_be_in_a_context() -> None:
    """Where an object belongs: a list of external ids stays one."""
    context = {"traits": [], "device": [], "page": [], "externalIds": [], "locale": "nl", "screens": [1]}

    result = stamped({"type": "track", "userId": "u", "context": context, "properties": {"tags": []}})

    assert result["context"] == context | {"traits": {}, "device": {}, "page": {}}
    assert result["properties"] == {"tags": []}


def test_a_number_that_is_none_is_null() -> None:
    """Python writes them, and JSON has none; the rest of the event counts. A trait is not removed by it."""
    raw = (
        b'{"type":"identify","userId":"u","groupId":NaN,"properties":{"price":NaN,"sizes":[1,-Infinity,1e999]},'
        b'"traits":{"value":NaN,"old":null,"x":{"y":NaN}},"context":{"traits":{"value":Infinity}}}'
    )

    result = stamped(raw)

    assert "groupId" not in result
    assert result["properties"] == {"price": None, "sizes": [1, None, None]}
    assert result["traits"] == {"old": None, "x": {"y": None}}
    assert result["context"] == {"traits": {}}


def test_a_big_shared_context_cannot_multiply() -> None:
    """400 KB of context in a batch of 2,500 tiny events would be a gigabyte."""
    assert reason({"type": "track", "userId": "u"}, context={"x": "y" * 400_000}) == "event_too_large"


def test_what_a_batch_shares_is_bounded() -> None:
    """It is merged into each of 2,500 events: a context of megabytes would keep the collector busy for minutes."""
    body = json.dumps({"batch": [1], "context": {"a": "x" * LIMITS.shared}}).encode()
    with pytest.raises(Refused) as caught:
        open_batch(body, LIMITS)

    assert (caught.value.status, caught.value.code) == (413, "request_too_large")


def test_what_a_batch_shares_is_read_like_its_events() -> None:
    """Numbers beyond 64 bits, half an emoji and null."""
    envelope = open_batch(
        b'{"batch": [1], "context": {"a": 1' + b"0" * 30 + b', "b": "\\ud83d"}, "integrations": null}', LIMITS
    )

    assert envelope.context == {"a": 1e30, "b": "\ufffd"}
    assert envelope.integrations == {}
    assert stamped({"type": "track", "userId": "u"}, context=envelope.context)["context"] == envelope.context


def test_the_path_says_the_type_of_a_single_event() -> None:
    """Browsers send it too; the path wins."""
    assert stamped({"type": "track", "userId": "u"}, kind="page")["type"] == "page"


@pytest.mark.parametrize(
    ("event", "browser", "expected"),
    [
        ({}, True, "192.0.2.7"),
        ({"context": {"ip": "198.51.100.1"}}, True, "198.51.100.1"),
        ({}, False, None),
        ({"context": {"direct": True}}, False, "192.0.2.7"),
    ],
)
def test_the_senders_address_is_noted_for_browsers(event: dict[str, Any], browser: bool, expected: str | None) -> None:
    """A server's address says nothing about its customer."""
    result = stamped({"type": "track", "userId": "u"} | event, ip="192.0.2.7", browser=browser)

    assert expected == result.get("context", {}).get("ip")


# Time

HOUR = 3600.0
YEAR_ONE = parse_time("0001-01-01")


@pytest.mark.parametrize(
    ("original", "sent", "expected"),
    [
        (None, None, RECEIVED),
        (None, RECEIVED - HOUR, RECEIVED),
        (RECEIVED - 3 * HOUR, RECEIVED - HOUR, RECEIVED - 2 * HOUR),  # the sender's clock is an hour slow
        (RECEIVED + HOUR, RECEIVED + 2 * HOUR, RECEIVED - HOUR),  # two hours fast
        (RECEIVED - 9 * HOUR, None, RECEIVED - 9 * HOUR),
        (RECEIVED - 9 * HOUR, RECEIVED - 1.5, RECEIVED - 9 * HOUR),  # clocks agree: not shifted by network time
        (RECEIVED + 59, RECEIVED, RECEIVED),  # nothing happens after it was received
        (RECEIVED + HOUR, None, RECEIVED + HOUR),  # which ingest remarks
        (300.0, 400.0, RECEIVED - 100),  # a clock that began in 1970
        (RECEIVED - HOUR, 0.0, RECEIVED - HOUR),  # no event is sent before it happens
        (-6e10, 2e11, YEAR_ONE),
    ],
)
def test_when_an_event_happened(original: float | None, sent: float | None, expected: float) -> None:
    """Segment's formula, where it can be applied."""
    assert expected == occurred_at(original, sent, RECEIVED)


def test_the_events_own_sent_at_wins() -> None:
    """RudderStack's Node SDK sends both; and the client's time is kept as originalTimestamp."""
    event = {
        "type": "track",
        "userId": "u",
        "originalTimestamp": "2027-01-15T04:59:00.5+01:00",
        "sentAt": "2027-01-15T04:00:00.000Z",
    }

    result = stamped(event, sent_at=parse_time("2027-01-15T06:00:00Z"))

    assert {
        "originalTimestamp": "2027-01-15T03:59:00.500000Z",
        "sentAt": "2027-01-15T04:00:00Z",
        "receivedAt": "2027-01-15T08:00:00Z",
        "timestamp": "2027-01-15T07:59:00.500000Z",
    }.items() <= result.items()


def test_without_sent_at() -> None:
    """A client's `timestamp` stands as in an import; an `originalTimestamp` cannot be corrected; rubbish is absent."""
    when = "2001-02-03T00:00:00Z"
    event = {"type": "track", "userId": "u"}

    assert when == stamped(event | {"timestamp": when})["timestamp"]
    assert when == stamped(event | {"timestamp": when, "sentAt": "soon"})["timestamp"]
    assert stamped(event | {"originalTimestamp": when})["timestamp"] == "2027-01-15T08:00:00Z"


@pytest.mark.parametrize("time", ["yesterday", "", 1e300, [], True, "11/16/2026"], ids=repr)
@pytest.mark.parametrize("name", ["timestamp", "originalTimestamp"])
def test_a_time_that_cannot_be_read_costs_nothing_but_itself(name: str, time: Any) -> None:
    """It stays in `timestamp` as it was sent, where ingest finds and remarks it."""
    result = stamped({"type": "track", "userId": "u", name: time}, sent_at=RECEIVED)

    assert (result["timestamp"], result["receivedAt"]) == (time, "2027-01-15T08:00:00Z")


@given(st.floats(-6e10, 2.5e11, allow_nan=False))
def test_times_survive_being_written(time: float) -> None:
    """To the microsecond, in every year."""
    assert time == pytest.approx(parse_time(rfc3339(time)), abs=1e-4)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "track", "event": "e" * 501}, "name_too_long"),
        ({"type": "page", "name": "e" * 501}, "name_too_long"),
        ({"type": "track", "event": "e", "properties": {"k" * 501: 1}}, "name_too_long"),
        ({"type": "identify", "traits": {f"{number}": 1 for number in range(3000)}}, None),
        (b'{"type":"track","userId":"u","event":"e","properties":' + b"[" * 32 + b"]" * 32 + b"}", "nested_too_deeply"),
        (b'{"type":"page","userId":"u","properties":{' + b'"":1,' * 6000 + b'"":1}}', None),
        (
            b'{"type":"page","userId":"u","properties":{"a":[' + b'{"":1},' * 4500 + b"1]}}",
            None,
        ),
    ],
    ids=["event", "page", "key", "traits", "deep", "one key", "objects"],
)
def test_an_event_past_a_bound_is_refused_alone(event: Any, expected: str | None) -> None:
    """With a reason that says which bound."""
    if isinstance(event, dict):
        event = {"userId": "u", **event}
    if expected is None:
        assert stamped(event)
    else:
        assert reason(event) == expected


def test_what_a_batch_shares_keeps_the_bounds_too() -> None:
    """It goes into every event, so the request is refused as a whole, and told why."""
    deep = b'{"a":' * 32 + b"1" + b"}" * 32
    for shared, message in ((deep, "levels"), (b'{"' + b"k" * 501 + b'":1}', "characters")):
        with pytest.raises(Refused, match=message) as refused:
            open_batch(b'{"batch":[{}],"context":' + shared + b"}", LIMITS)
        assert (refused.value.status, refused.value.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (b"1234567890123456789012", "1234567890123456789012"),
        (b"1234567890123456789013", "1234567890123456789013"),
        (b"18446744073709551617", "18446744073709551617"),
        (b"-18446744073709551618", "-18446744073709551618"),
        (b"157963456373623802", "157963456373623802"),
        (b"157963456373623803", "157963456373623803"),
        (b"55520.0", "55520"),
    ],
)
def test_an_id_of_many_digits_stays_what_it_was(number: bytes, kept: str) -> None:
    """Beyond 64 bits a parser rounds, and two customers would be one."""
    event = b'{"type":"identify","userId":%b,"traits":{"loyalty":%b}}' % (number, number)

    assert stamped(event)["userId"] == kept
    loyalty = IdentityRule(type="loyalty", priority=1, fields=("traits.loyalty",))
    extract = compile_extractor([loyalty], compile_spellings([loyalty], key=b"key"))
    key, _ = stamp(event, Envelope([event]), received=RECEIVED, identities=extract, limits=LIMITS)
    assert key.decode() == kept


@pytest.mark.parametrize("number", [b"1.2345678901234567e21", b'"1.2345678901234567E21"'])
def test_a_number_that_its_sender_has_rounded_identifies_nobody(number: bytes) -> None:
    """It stands for several customers, and nobody can say which."""
    assert reason(b'{"type":"track","event":"e","userId":%b}' % number) == "no_identity"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "context",
    [b'{"a":"x"y"}', b'{"a":[1}', b'{"a":"x"y"},"tags":["p"],"b":{}', b'{"a":1}}', b'{"a":"x"y","b":"z"w"}', b"x"],
)  # fmt: skip
def test_what_a_batch_shares_costs_no_event_its_bytes(first: bool, context: bytes) -> None:
    """What cannot be told apart around the events rejects each of them alike: it may say what nobody consents to."""
    events, shared = b'"batch":[{"userId":"u"},{"userId":"v"}]', b'"context":' + context
    body = b"{%b,%b}" % ((shared, events) if first else (events, shared))

    envelope = open_batch(body[:-1] + b',"writeKey":"k"}', LIMITS)

    assert envelope.events == [b'{"userId":"u"}', b'{"userId":"v"}']
    assert (envelope.write_key, envelope.context) == ("k", {})
    for event in envelope.events:
        with pytest.raises(Unacceptable, match="'context' of its batch is not JSON"):
            stamp(event, envelope, received=1.0, identities=lambda event: [], limits=LIMITS)


@pytest.mark.parametrize(
    "rest",
    [b',"context":{"a":{"b":1}', b',"context":{"l":[{"b":{}', b'} {"batch":[]', b',"c":{"a":"x"y"},"batch":[{}]'],
)
def test_what_lacks_its_end_or_is_two_requests_is_refused(rest: bytes) -> None:
    """Nobody would send the rest again after a 200."""
    with pytest.raises(Refused):
        open_batch(b'{"batch":[{"userId":"u"}]' + rest + b"}", LIMITS)


def test_no_event_behind_a_bad_one_goes_on_without_what_its_batch_shares() -> None:
    """Where it is in doubt what stands behind the events, too."""
    sent = (
        b'{"batch":[{"userId":"u","a":"x"y"},{"userId":"v"}],"context":{"a":"x"y"},"tags":["p"],"sentAt":"2027-01-15"}'
    )

    envelope = open_batch(sent, LIMITS)

    assert envelope.events[:2] == [b'{"userId":"u","a":"x"y"}', b'{"userId":"v"}']
    assert envelope.flaw
