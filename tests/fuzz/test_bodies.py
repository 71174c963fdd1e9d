"""Whatever body comes in: an answer in JSON that is no 500, in time, and what was accepted is JSON in Kafka."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.conftest import Served
from tests.fuzz.odd import BROKEN, events, fuzzing, json_values, records

PATHS = [
    "/v1/batch",
    "/v1/b",
    "/v1/import",
    "/v1/track",
    "/v1/identify",
    "/v1/t",
    "/v1/page",
    "/v1/g",
    "/v1/alias",
    "/v1/m",
]
REFUSED = {400, 401, 413}
MEGABYTE = 1024 * 1024


def assert_answered(served: Served, path: str, body: bytes, **headers: str) -> int:
    """Answers the status."""
    started = time.monotonic()
    answer = served.post(path, body, **headers)
    assert answer.status_code in {200, *REFUSED}, (body[:200], answer.text)
    assert answer.json().keys() == ({"success"} if answer.status_code == 200 else {"code", "message"})
    assert time.monotonic() - started < 10, body[:200]
    return answer.status_code


@fuzzing
@given(path=st.sampled_from(PATHS), body=st.one_of(json_values.map(json.dumps).map(str.encode), records))
def test_any_json_and_any_bytes(served: Served, path: str, body: bytes) -> None:
    """On every path."""
    assert_answered(served, path, body)


@fuzzing
@given(batch=st.lists(events, min_size=1, max_size=4), shared=events, packed=st.booleans())
def test_any_events_in_a_batch(served: Served, batch: list[object], shared: dict[str, object], packed: bool) -> None:
    """Each is accepted or rejected alone; only what the batch says for all can refuse it as a whole."""
    said = {name: shared[name] for name in ("context", "integrations", "sentAt") if name in shared}
    body = json.dumps({"batch": batch, **said}).encode()
    status = assert_answered(served, "/v1/batch", gzip.compress(body) if packed else body)
    if not said and len(body) < 500 * 1024:
        assert status == 200


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track"])
def test_bodies_that_have_broken_parsers_before(served: Served, path: str) -> None:
    """Deep, wide, long, doubled, cut and mislabelled ones; memory ends up where it was, or near."""
    before = served.memory()
    nested = [bytes([opening]) * 100_000 + bytes([closing]) * 100_000 for opening, closing in (b"[]", b"{}")]
    objects = b'{"a":' * 80_000 + b"1" + b"}" * 80_000
    inside = [b'{"userId":"u","event":"e","properties":' + body + b"}" for body in (*nested, objects)]
    batched = [b'{"batch":[' + body + b"]}" for body in (*nested, objects, *inside)]
    shared = [b'{"batch":[{"userId":"u"}],"context":' + body + b"}" for body in (*nested, objects, b"[]," * 9_000)]
    wide = [
        json.dumps(
            {"userId": "u", "event": "Product Viewed", "properties": {str(n): n for n in range(2_000)}}
        ).encode(),
        json.dumps({"userId": "u" * 400_000}).encode(),
        json.dumps({"k" * 400_000: 1}).encode(),
        b'{"batch":[' + b"1," * 200_000 + b"1]}",
        b'{"userId":"u",' * 30_000,
        b'{"batch":[{"userId":"u"}],' + b'"batch":[{"userId":"u"}],' * 9_000 + b'"a":1}',
    ]
    for body in (*BROKEN, *nested, objects, *inside, *batched, *shared, *wide):
        assert_answered(served, path, body)
        assert_answered(served, path, gzip.compress(body))
    served.serves_within(5)
    assert served.memory() - before < 300 * MEGABYTE


def test_bombs(served: Served) -> None:
    """A thousand to one, in one member and in many, nested, cut short, with rubbish behind; all at bounded memory."""
    before = served.memory()
    zeros = gzip.compress(bytes(100 * MEGABYTE), 9)
    spaces = gzip.compress(b" " * 100 * MEGABYTE, 9)
    numbers = gzip.compress(b'{"batch":[' + b"1," * 2_000_000 + b"1]}", 9)
    lists = gzip.compress(b'{"batch":[1],"context":{"a":[' + b"[]," * 1_300_000 + b"1]}}", 9)
    bodies = [
        zeros, spaces, numbers, lists, gzip.compress(zeros), zeros[:-4], zeros[:1000],
        gzip.compress(b"") * 24_000, gzip.compress(b"{") * 20_000, gzip.compress(b"{}") + b"rubbish",
        gzip.compress(b"{}")[:-1] + b"x", zlib.compress(bytes(MEGABYTE)), b"\x1f\x8b\x08" + b"\xff" * 400_000,
    ]  # fmt: skip
    for body in bodies:
        for _ in range(3):
            assert assert_answered(served, "/v1/batch", body) in REFUSED
    served.serves_within(5)
    assert served.memory() - before < 300 * MEGABYTE


def test_a_small_request_cannot_become_a_large_one(served: Served) -> None:
    """What a batch shares goes into every event: 20 KB must become neither gigabytes of work nor of Kafka."""
    before = served.memory()
    event = b'{"type":"track","event":"Product Viewed","userId":"u"}'
    for size, status in ((3_500_000, 413), (31_000, 413), (100, 200)):
        shared = b'"context":{"a":"' + b"x" * size + b'"}'
        body = b'{"batch":[' + b",".join([event] * 2_500) + b"]," + shared + b"}"
        assert assert_answered(served, "/v1/batch", gzip.compress(body)) == status
    served.serves_within(5)
    assert served.memory() - before < 300 * MEGABYTE


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Encoding": "gzip"}, 200),
        ({"Content-Encoding": "br, zstd, nonsense"}, 200),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 200),
        ({"Content-Type": "text/plain; charset=utf-16"}, 200),
        ({"Content-Type": "\xff\xfe"}, 200),
        ({"Authorization": "Basic"}, 401),
        ({"Authorization": "Basic ////"}, 401),
        ({"Authorization": "Basic " + "A" * 20_000}, 401),
        ({"Authorization": "\xff"}, 401),
    ],
)
def test_headers_that_lie(served: Served, headers: dict[str, str], expected: int) -> None:
    """About the encoding, the type and the sender."""
    key = {} if "Authorization" in headers else {"Authorization": "Basic ZGV2LXdlYi1rZXk6"}
    raw = {name: value.encode("latin-1") for name, value in {**key, **headers}.items()}
    answer = served.http.post(
        "/v1/track",
        content=b'{"userId":"u1","event":"Product Viewed"}',
        headers=list(raw.items()),  # type: ignore[arg-type]
    )
    assert answer.status_code == expected, answer.text
