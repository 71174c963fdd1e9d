"""Connections that are slow, greedy, endless or no HTTP at all: others are served meanwhile, and memory is bounded."""

from __future__ import annotations

import contextlib
import gzip
import random
import socket
import time
from collections.abc import Iterator

import pytest

from tests.fuzz.conftest import WEB, Served
from tests.fuzz.odd import EXAMPLES

MEGABYTE = 1024 * 1024
POST = f"POST /v1/track?writeKey={WEB} HTTP/1.1\r\nHost: x\r\n".encode()
BODY = b'{"userId":"u1","event":"Product Viewed"}'


@contextlib.contextmanager
def many(served: Served, count: int) -> Iterator[list[socket.socket]]:
    """Connections, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(served.connect()) for _ in range(count)]


def send(connection: socket.socket, data: bytes) -> bool:
    """Whether the other side still takes it."""
    try:
        connection.sendall(data)
    except OSError:
        return False
    return True


def closed_within(connection: socket.socket, seconds: float) -> bool:
    """Whether the server has ended a connection, whatever it answers before that."""
    connection.settimeout(seconds)
    deadline = time.monotonic() + seconds
    try:
        while connection.recv(65_536):
            if time.monotonic() > deadline:
                return False
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


REQUESTS = [
    b"\0" * 5_000,
    b"\xff" * 5_000,
    b"\r\n" * 5_000,
    b"GET",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET  HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%zz%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //[/x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/nothing HTTP/1.1\r\nHost: [\r\n\r\n",
    b"GET /v1/nothing HTTP/1.1\r\n\r\n",
    b"GET /v1/nothing HTTP/1.1\r\nHost: a:b:c\r\n\r\n",
    f"GET /v1/projects/{WEB}/settings HTTP/1.1\r\nHost: [::1\r\n\r\n".encode(),
    f"GET /v1/projects/{WEB}/settings HTTP/1.1\r\nHost: ".encode() + b"\xff@/?#\r\n\r\n",
    f"GET /v1/projects/{WEB}/settings HTTP/1.0\r\n\r\n".encode(),
    b"GET /v1/projects/%00%ff/settings HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/profiles/user_id:%ff%00 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer correct-horse-battery\r\n\r\n",
    b"GET /v1/profiles?cursor=%ff%00 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer correct-horse-battery\r\n\r\n",
    b"GET /v1/profiles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
    b"GET /v1/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: 1e9\r\n\r\n" + BODY,
    POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    POST + b"Content-Length: 5\r\nContent-Length: 40\r\n\r\n" + BODY,
    POST + b"Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY,
    POST + b"Transfer-Encoding: gzip\r\n\r\n" + BODY,
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 9_000 + b"\r\nhello\r\n0\r\n\r\n",
    POST + b"Content-Length: 5\r\n\r\n" + BODY,
    POST + b"Content-Length: 400\r\n\r\n" + BODY,
    POST + b"X: a\r\n b\r\n\r\n",
    POST + b"X\r\n\r\n",
    POST + b": x\r\n\r\n",
    POST + b"X: \0\r\n\r\n",
    POST + b"Expect: 100-continue\r\nContent-Length: 40\r\n\r\n",
]


def test_what_is_hardly_http(served: Served) -> None:
    """Refused or disconnected; never an error of ours."""
    for request in REQUESTS:
        answer = served.exchange(request, 0.2)
        assert not answer.startswith(b"HTTP/1.1 5"), (request, answer)
    served.serves_within(5)


def test_requests_with_flipped_bytes(served: Served) -> None:
    """A request that a broken line has touched."""
    chance = random.Random(3)
    whole = POST + b"Content-Length: 40\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + BODY
    for _ in range(EXAMPLES):
        request = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        answer = served.exchange(bytes(request[: chance.randrange(1, len(request) + 1)]), 0.1)
        assert not answer.startswith(b"HTTP/1.1 5"), (request, answer)
    served.serves_within(5)


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (POST, b"X-%d: " + b"x" * 1_000 + b"\r\n"),
        (POST + b"X: ", b"x" * 1_000),
        (b"GET /v1/", b"x" * 1_000),
        (b"G" * 1_000, b"G" * 1_000),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ", b"x" * 1_000),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-%d: " + b"x" * 1_000 + b"\r\n"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"x" * 1_000),
    ],
    ids=["headers", "header", "path", "method", "trailer", "trailers", "chunk extension"],
)
def test_heads_without_end(served: Served, head: bytes, more: bytes) -> None:
    """A flood of headers ends after about 64 KB, whatever part of a request it hides in."""
    before = served.memory()
    with many(served, 8) as connections:
        for connection in connections:
            send(connection, head)
        left = connections
        for number in range(4_000):
            block = more.replace(b"%d", str(number).encode()) * 8
            left = [connection for connection in left if send(connection, block)]
            if not left:
                break
        assert not left, "megabytes of headers were taken"
    served.serves_within(5)
    assert served.memory() - before < 100 * MEGABYTE


def test_many_small_headers_are_fine(served: Served) -> None:
    """What browsers and proxies send passes."""
    head = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 300) for number in range(90))
    answer = served.exchange(POST + head + b"Connection: close\r\nContent-Length: 40\r\n\r\n" + BODY)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]


def test_slow_clients(served: Served) -> None:
    """Hundreds that send nothing, half a head, or half a body: all others are served at once; heads end in seconds."""
    before = served.memory()
    starts = [b"", POST, b"\r\n", POST + b"Content-Length: 400000\r\n\r\n{"]
    with many(served, 600) as connections:
        for number, connection in enumerate(connections):
            send(connection, starts[number % 4])
        served.serves_within(5)
        for connection in connections[2::4]:
            send(connection, b"\r\n")
        time.sleep(1)
        served.serves_within(5)
        assert closed_within(connections[0], 15)
        assert closed_within(connections[1], 15)
        assert closed_within(connections[2], 15)
    served.serves_within(5)
    assert served.memory() - before < 200 * MEGABYTE


def test_stalled_bodies_do_not_take_the_room(served: Served) -> None:
    """Forty senders of 4 KB that would be 4 MB each, and hundreds of uploads that end in the middle."""

    bomb = gzip.compress(b" " * 4 * 1_000_000)
    with many(served, 40) as connections:
        for connection in connections:
            send(connection, POST + b"Content-Length: %d\r\n\r\n" % len(bomb) + bomb[:-1])
        served.serves_within(5)
    for _ in range(3):
        with many(served, 100) as connections:
            for connection in connections:
                send(connection, POST + b"Content-Length: 500000\r\n\r\n" + b" " * 100_000)
        served.serves_within(10)
    deadline = time.monotonic() + 60
    while "rapport_collector_held_bytes 0.0" not in served.http.get("/metrics").text:
        assert time.monotonic() < deadline, "the room of those who left is not free"
        time.sleep(0.1)


def test_clients_that_never_read(served: Served) -> None:
    """Thousands of requests on one connection, no answer taken: bounded, and the others do not notice."""
    before = served.memory()
    asked = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    with many(served, 20) as connections:
        for connection in connections:
            connection.settimeout(0.5)
            send(connection, asked * 5_000)
        served.serves_within(10)
    with many(served, 20) as connections:
        for connection in connections:
            connection.settimeout(0.2)
            for _ in range(200):
                if not send(connection, asked):
                    break
        served.serves_within(10)
    assert served.memory() - before < 200 * MEGABYTE


def test_a_body_for_the_api_is_bounded(served: Served) -> None:
    """And not read at all without a token."""
    before = served.memory()
    head = b"POST /v1/alerts/x/resolve HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = served.exchange(head + b"Connection: close\r\nContent-Length: 1000000000\r\n\r\n" + b" " * 1_000)
    assert answer.startswith(b"HTTP/1.1 413"), answer
    token = b"Authorization: Bearer correct-horse-battery\r\n"
    block = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    for known, sent, status in ((b"", b"", b"401"), (token, block * 4, b"413")):
        with served.connect() as connection:
            send(connection, head + known + b"Transfer-Encoding: chunked\r\n\r\n")
            send(connection, sent)
            assert connection.recv(100).startswith(b"HTTP/1.1 " + status)
    deep = b'{"by":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    for body in (
        deep,
        b'{"by":"\\ud800"}',
        b'{"\\ud800":1}',
        b'{"by":1e400}',
        b'{"note":NaN}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"1" * 5_000,
    ):
        answer = served.exchange(
            head
            + b"Authorization: Bearer correct-horse-battery\r\nConnection: close\r\n"
            + b"Content-Length: %d\r\n\r\n" % len(body)
            + body
        )
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 413")), (body[:50], answer)
    assert served.memory() - before < 100 * MEGABYTE
