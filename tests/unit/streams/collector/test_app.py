"""Which paths answer, and who is let in, before anything of the body is read."""

from __future__ import annotations

import asyncio
import base64
import functools
import gzip
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from plan import load_plan
from streams.collector.app import Collector, create_collector
from streams.kafka.client import Unavailable
from streams.kafka.producer import KafkaProducer
from streams.metrics import CollectorMetrics
from streams.settings import Settings
from tests import REPOSITORY

WEB = "dev-web-key"  # public
PURCHASE = "dev-purchase-key"


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        asyncio.run(test(**arguments))

    return run


def collector(capacity: int = 1 << 20) -> Collector:
    """One that has no Kafka, and needs none to refuse."""
    plan = load_plan(REPOSITORY / "tracking_plan.yaml", {})
    producer = KafkaProducer(Settings(kafka="127.0.0.1:9"))
    return Collector(plan, producer, CollectorMetrics(CollectorRegistry()), rate_limit=10, capacity=capacity)


async def ask(
    made: Collector,
    path: str,
    headers: dict[str, str],
    query: str = "",
    body: bytes | None = None,
    method: str = "",
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and document of an answer; without a body, reading one is a failure."""
    sent: list[dict[str, Any]] = []
    method = method or ("GET" if "settings" in path else "POST")

    async def receive() -> dict[str, Any]:
        assert body is not None, "the body was read"
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "root_path": "",
        "raw_path": path.encode(), "query_string": query.encode(), "scheme": "http", "server": ("x", 80),
        "client": ("1.2.3.4", 5),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    await create_collector(made)(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    said = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return (
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        orjson.loads(said or b"null"),
    )


SDKS = {
    "Segment for browsers": ["/v1/t", "/v1/i", "/v1/p", "/v1/s", "/v1/g", "/v1/a", "/v1/b"],
    "Segment for Python, Node.js, Go and PHP, Android and iOS until 2023": ["/v1/batch"],
    "Segment for Java": ["/v1/import/"],
    "Segment for Ruby and .NET": ["/v1/import"],
    "Segment for Swift, Kotlin, React Native, Flutter and C#": ["/v1/b"],
    "RudderStack for browsers": ["/v1/track", "/v1/identify", "/v1/page", "/v1/group", "/v1/alias", "/v1/batch"],
    "RudderStack for browsers, with useBeacon": ["/beacon/v1/batch", "/beacon/v1/batch/"],
    "RudderStack for Python, Node.js, Go, Java, PHP, Ruby, .NET, Swift, Kotlin, Android and iOS": [
        "/v1/batch",
        "/v1/batch/",
    ],
    "an address that ends with a slash": ["//v1/batch", "//v1/import/", "//beacon/v1/batch", "//v1/screen"],
}
"""Where released SDKs send events to unless told otherwise, behind the host that they are given."""


@pytest.mark.parametrize("path", sorted({path for paths in SDKS.values() for path in paths}))
@in_a_loop
async def test_every_path_of_an_sdk_answers(path: str) -> None:
    """None is redirected: no SDK sends its events again to where a redirect points."""
    status, _, document = await ask(collector(), path, {}, "writeKey=wrong", body=b"{}")
    assert (status, document["code"]) == (401, "invalid_write_key")

    status, headers, _ = await ask(
        collector(), path, {"Access-Control-Request-Headers": "anonymousid,x-new"}, method="OPTIONS"
    )
    assert status == 204
    allowed = {name.strip() for name in headers["access-control-allow-headers"].lower().split(",")}
    assert {"authorization", "anonymousid", "x-new"} <= allowed


@pytest.mark.parametrize("asked", ["a\r\nb", "x" * 501, "*", "a;b"])
@in_a_loop
async def test_a_preflight_repeats_no_more_than_names(asked: str) -> None:
    _, headers, _ = await ask(collector(), "/v1/batch", {"Access-Control-Request-Headers": asked}, method="OPTIONS")

    assert asked not in headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/v1/m", "/rsaMetrics", "/v1/m/"])
@in_a_loop
async def test_what_an_sdk_says_of_itself_is_taken(path: str) -> None:
    assert (await ask(collector(), path, {}, body=b"{}"))[0] == 200


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
@in_a_loop
async def test_sdks_of_rudderstack_find_their_settings(path: str) -> None:
    """With the key in the header as in a browser, or in the query; nothing is sent anywhere else."""
    for headers, query in ((basic(WEB), "p=npm"), ({}, f"writeKey={WEB}")):
        status, _, document = await ask(collector(), path, headers, query, method="GET")
        assert status == 200
        assert (document["source"]["enabled"], document["source"]["destinations"]) == (True, [])
    assert (await ask(collector(), path, basic("wrong"), method="GET"))[0] == 404
    assert (await ask(collector(), path, {}, "writeKey=" + WEB, method="HEAD"))[0] == 200
    assert (await ask(collector(), path, {}, method="POST", body=b""))[0] == 405


@pytest.mark.parametrize("path", [f"/v1/projects/{WEB}/settings", f"//v1/projects/{WEB}/settings/"])
@in_a_loop
async def test_sdks_of_segment_find_their_settings(path: str) -> None:
    status, _, document = await ask(collector(), path, {})

    assert (status, document["integrations"]["Segment.io"]["apiKey"]) == (200, WEB)


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@pytest.mark.parametrize(("headers", "query"), [(basic("wrong"), ""), ({}, "writeKey=wrong")])
@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track", "/v1/t"])
@in_a_loop
async def test_an_unknown_sender_is_not_read(path: str, headers: dict[str, str], query: str) -> None:
    """Wherever the key is, but for the body itself."""
    status, _, document = await ask(collector(), path, {"Content-Length": "500000", **headers}, query)

    assert (status, document["code"]) == (401, "invalid_write_key")


@in_a_loop
async def test_who_is_not_known_yet_has_a_room_of_its_own() -> None:
    """Bodies without a key in front cannot take what those with one need."""
    made = collector(capacity=4000)
    status, _, document = await ask(made, "/v1/batch", {}, body=b" " * 1001)
    assert (status, document["code"]) == (503, "unavailable")
    assert made.held == made.rooms["unknown"] == 0

    status, _, document = await ask(made, "/v1/batch", basic(PURCHASE), body=b"x" * 3999)
    assert (status, document["code"]) == (400, "invalid_json")
    made.hold(1000, "unknown")
    made.hold(3000, "own")
    with pytest.raises(Unavailable):
        made.hold(1, "own")


@in_a_loop
async def test_keys_that_anybody_can_read_leave_room_for_orders() -> None:
    """However many of their bodies stall, and with all that name no key in front."""
    made = collector(capacity=4000)
    status, _, document = await ask(made, "/v1/batch", basic(WEB), body=b"x" * 2001)
    assert (status, document["code"]) == (503, "unavailable")

    made.hold(1000, "unknown")
    made.hold(2000, "public")
    with pytest.raises(Unavailable, match="public keys"):
        made.hold(1, "public")
    status, _, document = await ask(made, "/v1/batch", basic(PURCHASE), body=b"x" * 1000)
    assert (status, document["code"]) == (400, "invalid_json")
    assert (made.held, made.rooms["own"]) == (3000, 0)


@in_a_loop
async def test_who_is_not_known_yet_may_not_inflate_much() -> None:
    """Four kilobytes become four megabytes, which are read before the key is."""
    body = gzip.compress(b'{"batch":[' + b" " * 600_000 + b"]}")

    for headers, status, code in (({}, 413, "request_too_large"), (basic(WEB), 400, "empty_batch")):
        answer = await ask(collector(1 << 22), "/v1/batch", headers, body=body)
        assert (answer[0], answer[2]["code"]) == (status, code)


@in_a_loop
async def test_what_names_the_host_is_not_kept() -> None:
    """Anybody may put another one into `Host`, and a cache would hand it to others."""
    status, headers, document = await ask(collector(), f"/v1/projects/{WEB}/settings", {"Host": "evil.example"})

    assert status == 200
    assert document["integrations"]["Segment.io"]["apiHost"] == "evil.example/v1"
    assert headers["cache-control"] == "no-store"
