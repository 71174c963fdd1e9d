"""The collector over real HTTP in front of a real Kafka: every path, every status code, nothing lost."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
import time
import uuid
import zlib
from collections.abc import Iterator

import httpx
import pytest

from plan import parse_plan
from streams.collector.body import Limits
from streams.collector.wire import TYPES
from streams.kafka.admin import ensure_topics
from streams.records.sender import FROM
from streams.settings import Settings
from tests.conftest import MakeSettings
from tests.console.collecting import PLAN, WEB, Collecting, collecting, read_topic, shipped_plan, wait_until_ready
from tests.servers import KafkaServer

EVENT = {"type": "track", "event": "Product Viewed", "userId": "u1", "properties": {"product_id": "p1"}}
OLD = "2001-02-03T04:05:06Z"


@pytest.fixture
def running(make_settings: MakeSettings) -> Iterator[Collecting]:
    """A collector that has its Kafka."""
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    with collecting(settings) as collector:
        wait_until_ready(collector)
        yield collector


@pytest.fixture(scope="module")
def shared(kafka: str) -> Iterator[Collecting]:
    """One collector for the tests that can tell their own events from others'."""
    settings = Settings(kafka=kafka, topic_prefix=f"t{uuid.uuid4().hex[:10]}.", partitions=1)
    ensure_topics(settings, shipped_plan())
    with collecting(settings) as collector:
        wait_until_ready(collector)
        yield collector


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    """An error as every SDK understands it."""
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.json()["message"]
    assert response.headers["content-type"] == "application/json"
    assert response.headers["access-control-allow-origin"] == "*"


def test_each_path_takes_events(running: Collecting) -> None:
    """Six types, their one-letter paths and the three names of a batch; what is on the topic is what was sent."""
    for kind in TYPES:
        for path in (kind, kind[0]):
            event = {"userId": "u1", "messageId": f"{path}-1", "previousId": "a1"}
            response = running.post(f"/v1/{path}", event)
            assert (response.status_code, response.json()) == (200, {"success": True})
    for path in ("batch", "b", "import"):
        assert running.post(f"/v1/{path}", {"batch": [EVENT | {"messageId": f"{path}-1"}]}).status_code == 200

    events = {event["messageId"]: event for event in running.events()}

    expected = {f"{path}-1": kind for kind in TYPES for path in (kind, kind[0])}
    expected |= {f"{path}-1": "track" for path in ("batch", "b", "import")}
    assert {message_id: event["type"] for message_id, event in events.items()} == expected
    assert events["t-1"]["context"]["ip"] == "127.0.0.1"
    assert "context" not in events["track-1"]
    assert events["batch-1"]["properties"] == {"product_id": "p1"}


def test_an_event_keeps_its_time_and_gets_an_id(running: Collecting) -> None:
    """A historical `timestamp` survives, what the sender left out is filled in, the secret key is not stored."""
    before = time.time()
    event = {"event": "Product Viewed", "anonymousId": 7, "userId": None, "timestamp": OLD, "writeKey": WEB}
    assert running.post("/v1/t", event, key=None).status_code == 200

    (stored,) = running.events()

    assert {"anonymousId": "7", "timestamp": OLD, "originalTimestamp": OLD}.items() <= stored.items()
    assert len(stored["messageId"]) == 36
    assert stored["receivedAt"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before))
    assert {"writeKey", "userId"}.isdisjoint(stored)


def test_a_batch_shares_its_context(running: Collecting) -> None:
    """Batch-level context, integrations and sentAt belong to each event."""
    batch = {"batch": [EVENT], "context": {"locale": "de"}, "integrations": {"All": True}, "sentAt": OLD}
    assert running.post(content=batch).status_code == 200

    (stored,) = running.events()

    assert (stored["context"], stored["integrations"], stored["sentAt"]) == ({"locale": "de"}, {"All": True}, OLD)


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {}, {"Content-Type": "application/x-www-form-urlencoded"}]
)
def test_gzip_is_known_by_its_content(shared: Collecting, headers: dict[str, str]) -> None:
    """With its header, without, and with the Content-Type that RudderStack's Node SDK really sends."""
    before = shared.written()
    body = gzip.compress(json.dumps({"batch": [EVENT]}).encode())
    assert shared.post(content=body, headers=headers).status_code == 200
    assert shared.written() == before + 1


def test_chunked_plain_text_is_fine(shared: Collecting) -> None:
    """A body without a length, of the type that browsers send."""
    body = json.dumps({"batch": [EVENT]}).encode()
    chunks = (body[i : i + 7] for i in range(0, len(body), 7))
    response = httpx.post(shared.url + "/v1/b", content=chunks, auth=(WEB, ""), headers={"Content-Type": "text/plain"})

    assert response.status_code == 200


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "body_key", "query", "refusal"),
    [
        (basic("dev-web-key:"), None, "", ""),
        (basic("dev-web-key"), None, "", ""),
        ({}, WEB, "", ""),
        ({}, None, "?writeKey=dev-web-key", ""),
        ({"Authorization": "Bearer some-token"}, WEB, "", ""),
        (basic("dev-web-key:"), "wrong", "", ""),
        (basic("wrong:"), WEB, "", "invalid_write_key"),
        ({}, "wrong", "", "invalid_write_key"),
        ({}, None, "?writeKey=wrong", "invalid_write_key"),
        ({"Authorization": "Bearer dev-web-key"}, None, "", "missing_write_key"),
        ({}, None, "", "missing_write_key"),
    ],
)
def test_where_the_write_key_may_be(
    shared: Collecting, headers: dict[str, str], body_key: str | None, query: str, refusal: str
) -> None:
    """The header comes first, then the query, then the body, which is not read for a key that is wrong."""
    before = shared.written()
    batch = {"batch": [EVENT]} | ({"writeKey": body_key} if body_key else {})
    response = shared.post("/v1/batch" + query, batch, key=None, headers=headers)

    if refusal:
        assert_refused(response, 401, refusal)
    else:
        assert response.status_code == 200
    assert shared.written() == before + (0 if refusal else 1)


def test_a_disabled_source_is_refused(make_settings: MakeSettings) -> None:
    """404, as RudderStack answers; SDKs drop the events and say so."""
    text = PLAN.read_text().replace("write_key: dev-web-key", "write_key: dev-web-key\n    enabled: false")
    with collecting(make_settings(redis="redis://127.0.0.1:1/0"), parse_plan(text, "plan", {})) as collector:
        assert_refused(collector.post(content={"batch": [EVENT]}), 404, "source_disabled")
        assert_refused(httpx.get(f"{collector.url}/v1/projects/{WEB}/settings"), 404, "source_disabled")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/batch", b"", 400, "empty_body"),
        ("/v1/batch", b"{", 400, "invalid_json"),
        ("/v1/batch", b"<html>", 400, "invalid_json"),
        ("/v1/track", b"[]", 400, "invalid_request"),
        ("/v1/batch", b'{"batch": []}', 400, "empty_batch"),
        ("/v1/batch", b'{"batch": 1}', 400, "invalid_request"),
        ("/v1/batch", gzip.compress(b'{"batch": [{}]}' * 9)[:-9], 400, "invalid_gzip"),
        ("/v1/batch", b'{"batch": [' + b"1," * 2500 + b"1]}", 413, "too_many_events"),
        ("/v1/batch", b'{"batch": ["' + b"x" * 10_000_000 + b'"]}', 413, "request_too_large"),
        ("/v1/batch", gzip.compress(bytes(100_000_000)), 413, "request_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_cannot_be_read_is_refused(
    shared: Collecting, path: str, body: bytes, status: int, code: str
) -> None:
    """With what is wrong, and nothing in Kafka."""
    labels = {"endpoint": path.removeprefix("/v1/"), "status": str(status)}
    before = shared.written(), shared.counted("rapport_collector_requests_total", **labels)

    assert_refused(shared.post(path, body), status, code)

    assert shared.written() == before[0]
    assert shared.collector.held == 0
    assert shared.counted("rapport_collector_requests_total", **labels) == before[1] + 1


def test_ten_megabytes_are_not_read(shared: Collecting) -> None:
    """The answer comes as soon as the limit is passed, also when no length was announced."""
    with socket.create_connection(("127.0.0.1", httpx.URL(shared.url).port or 0), timeout=60) as connection:
        head = f"POST /v1/b?writeKey={WEB} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        connection.sendall(b"80000\r\n" + b"x" * 0x80000 + b"\r\n")  # of many more

        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_paths_and_methods_that_do_not_exist(shared: Collecting) -> None:
    """404 and 405, in JSON too."""
    assert_refused(httpx.get(shared.url + "/v2/batch"), 404, "not_found")
    for path in ("/v1/batch", "/v1/t", "/v1/m"):
        response = httpx.get(shared.url + path)
        assert_refused(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "POST, OPTIONS"
    assert_refused(httpx.post(f"{shared.url}/v1/projects/{WEB}/settings"), 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch", "/v1/m", "/v1/projects/k/settings"])
def test_a_browser_may_send_from_any_page(shared: Collecting, path: str) -> None:
    """The preflight of a `text/plain` request with Authorization passes."""
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    response = httpx.options(shared.url + path, headers=asked)

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    allowed = response.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "x-retry-count"} <= set(allowed.split(", "))
    assert httpx.post(shared.url + "/v1/m", content=b"anything").json() == {"success": True}


def test_analytics_js_finds_its_settings(shared: Collecting) -> None:
    """It is sent back here; an unknown key is 404."""
    settings = httpx.get(f"{shared.url}/v1/projects/{WEB}/settings").json()

    segment = settings["integrations"]["Segment.io"]
    host = shared.url.removeprefix("http://")
    assert {"apiKey": WEB, "apiHost": f"{host}/v1", "protocol": "http"}.items() <= segment.items()
    assert settings["plan"]["track"]["__default"]["enabled"] is True
    assert_refused(httpx.get(f"{shared.url}/v1/projects/wrong/settings"), 404, "invalid_write_key")


def test_a_bad_event_does_not_harm_its_batch(running: Collecting) -> None:
    """The good ones are on the topic; each bad one is in events.rejected with its bytes and the reason."""
    good = json.dumps(EVENT).encode()
    bad = {
        b'{"type": "track", "event": "x"}': "no_identity",
        b'{"type": "dance", "userId": "u"}': "unknown_type",
        b'"text"': "not_an_object",
        b'{"type":"track","userId":"u","messageId":"' + b"m" * 101 + b'"}': "invalid_message_id",
        b'{"type":"track","userId":"u","big":"' + b"x" * 40_000 + b'"}': "event_too_large",
    }
    body = b'{"batch":[' + b",".join([good, *bad, good]) + b"]}"

    assert running.post(content=body).json() == {"success": True}

    assert len(running.events()) == 2
    rejected = running.rejected()
    assert {base64.b64decode(item["payload"]): item["reason"] for item in rejected} == bad
    for item in rejected:
        assert {"step": "collect", "source": "web", "partition": None, "offset": None}.items() <= item.items()
        assert item["topic"].endswith("events.web")
        assert item["message"]
        assert item["at"].endswith("Z")
    assert running.counted("rapport_collector_events_total", source="web", outcome="accepted") == 2
    assert running.counted("rapport_collector_events_total", source="web", outcome="rejected") == 5


def test_of_an_outsiders_refused_events_so_many_are_kept_and_the_others_told(running: Collecting) -> None:
    """Of a public source, whose events also say where they came from; of another source all are kept."""
    bad = [{"type": "track", "event": f"x{number}"} for number in range(300)]
    for key in (WEB, "dev-purchase-key"):
        assert running.post(content={"batch": [EVENT, *bad]}, key=key).status_code == 200

    rejected = running.rejected()
    web, purchase = ([item for item in rejected if item["source"] == source] for source in ("web", "purchase"))
    assert len(purchase) == 300
    assert len([item for item in web if item["payload"]]) == 200
    [aside] = [item for item in web if item["aside"]]
    assert (aside["payload"], aside["more"], aside["reason"]) == ("", 99, "no_identity")
    assert running.counted("rapport_collector_events_total", source="web", outcome="accepted") == 1
    assert running.counted("rapport_collector_events_total", source="web", outcome="rejected") == 300
    headers = {base: dict(read_topic(running.settings, base)[0].headers) for base in ("events.web", "events.purchase")}
    assert headers == {"events.web": {FROM: aside["sender"].encode()}, "events.purchase": {}}


def test_a_huge_event_keeps_what_fits(make_settings: MakeSettings) -> None:
    """An event of megabytes would not fit into any Kafka message: its beginning is kept."""
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    with collecting(settings) as collector:
        wait_until_ready(collector)
        event = b'{"type":"track","userId":"u","big":"' + b"x" * 3_000_000 + b'"}'
        assert collector.post("/v1/track", gzip.compress(event)).status_code == 200

        (item,) = collector.rejected()

        assert item["reason"] == "event_too_large"
        assert base64.b64decode(item["payload"]) == event[: 512 * 1024]


def test_events_of_one_sender_share_a_partition(running: Collecting) -> None:
    """The key is the strongest identity, so that one customer's events stay in order."""
    events = [EVENT | {"userId": f"u{i % 5}", "anonymousId": f"a{i}", "messageId": f"m{i}"} for i in range(50)]
    assert running.post(content={"batch": events}).status_code == 200

    order: dict[str, list[int]] = {}
    for event in running.events():
        order.setdefault(event["userId"], []).append(int(event["messageId"][1:]))

    assert order == {f"u{i}": list(range(i, 50, 5)) for i in range(5)}


def test_too_many_events_a_second_are_put_off(make_settings: MakeSettings) -> None:
    """429 says when to come back; other keys are not affected; and then it passes."""
    settings = make_settings(redis="redis://127.0.0.1:1/0", rate_limit=20)
    ensure_topics(settings, shipped_plan())
    with collecting(settings, limits=Limits(events=20)) as collector:
        wait_until_ready(collector)
        batch = {"batch": [EVENT] * 20}
        assert collector.post(content=batch).status_code == 200
        response = collector.post(content=batch)
        assert_refused(response, 429, "rate_limited")
        assert response.headers["retry-after"] == response.headers["x-ratelimit-reset"] == "1"
        assert collector.post(content=batch, key="dev-app-key").status_code == 200
        deadline = time.monotonic() + 60
        while collector.post(content=batch).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)

        assert len(collector.events("web")) == 40


def test_the_largest_batch_passes_any_rate(make_settings: MakeSettings) -> None:
    """A batch above the rate of one second must not be put off for ever."""
    settings = make_settings(redis="redis://127.0.0.1:1/0", rate_limit=7)
    ensure_topics(settings, shipped_plan())
    with collecting(settings, limits=Limits(events=20)) as collector:
        wait_until_ready(collector)
        assert collector.post(content={"batch": [EVENT] * 20}).status_code == 200
        response = collector.post(content={"batch": [EVENT] * 20})
        assert_refused(response, 429, "rate_limited")
        assert response.headers["retry-after"] == "3"


def test_requests_without_end_cannot_fill_the_memory(make_settings: MakeSettings) -> None:
    """Bodies that are still coming in take room; without room left the answer is 503, and the room comes back."""
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    with collecting(settings, capacity=200_000) as collector:  # half is for public keys
        wait_until_ready(collector)
        with socket.create_connection(("127.0.0.1", httpx.URL(collector.url).port or 0)) as slow:
            slow.sendall(f"POST /v1/b?writeKey={WEB} HTTP/1.1\r\nHost: x\r\nContent-Length: 99000\r\n\r\n".encode())
            slow.sendall(b" " * 90_000)
            deadline = time.monotonic() + 60
            while not collector.collector.held:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            response = collector.post(content=b" " * 50_000)
            assert_refused(response, 503, "unavailable")
            assert response.headers["retry-after"] == "1"
        while collector.collector.held:
            assert time.monotonic() < deadline
            time.sleep(0.01)

        assert collector.post(content={"batch": [EVENT]}).status_code == 200


def test_kafka_may_come_later(make_settings: MakeSettings, own_kafka: KafkaServer) -> None:
    """The collector starts without Kafka, answers 503, and recovers by itself; so it does from a restart."""
    settings = make_settings(kafka=own_kafka.bootstrap, redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    own_kafka.stop()
    with collecting(settings, timeout=3) as collector:
        started = time.monotonic()
        response = collector.post(content={"batch": [EVENT]})
        assert_refused(response, 503, "unavailable")
        assert response.headers["retry-after"] == "1"
        assert time.monotonic() - started < 2, "the sender need not wait for what cannot be"

        for attempt in range(2):
            own_kafka.start()
            own_kafka.ready(60)
            ensure_topics(settings, shipped_plan())  # the embedded broker forgets them
            sent = EVENT | {"messageId": f"m{attempt}"}
            deadline = time.monotonic() + 60
            while (status := collector.post(content={"batch": [sent]}).status_code) != 200:
                assert status == 503
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert f"m{attempt}" in {event["messageId"] for event in collector.events()}
            own_kafka.kill()
            assert_refused(collector.post(content={"batch": [EVENT]}), 503, "unavailable")


def test_a_kafka_that_hangs(make_settings: MakeSettings, own_kafka: KafkaServer) -> None:
    """No 200 without Kafka's word; meanwhile memory is bounded, and afterwards what waited is there."""
    settings = make_settings(kafka=own_kafka.bootstrap, redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    with collecting(settings, timeout=2) as collector:
        wait_until_ready(collector)
        assert collector.post(content={"batch": [EVENT]}).status_code == 200
        own_kafka.pause()
        answers: list[int] = []

        def send() -> None:
            for _ in range(5):
                answers.append(collector.post(content={"batch": [EVENT] * 100}).status_code)

        started = time.monotonic()
        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        own_kafka.resume()

        assert answers == [503] * 40
        assert time.monotonic() - started < 15, "one probe waits, the others are answered at once"
        deadline = time.monotonic() + 60
        while collector.post(content={"batch": [EVENT | {"messageId": "after"}]}).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert "after" in {event["messageId"] for event in collector.events()}
        assert collector.collector.held == 0


def test_bodies_of_all_kinds_never_break_the_collector(shared: Collecting) -> None:
    """Whatever comes, the answer is JSON and none of ours: no 500."""
    valid = json.dumps({"batch": [EVENT, {"context": {"a": [1, {"b": None}]}, "userId": 5, "type": "page"}]}).encode()
    bodies = [valid[:cut] for cut in range(0, len(valid), 9)] + [
        zlib.compress(valid),
        b"\x1f\x8b",
        b"\x1f",
        b"\xff" * 9,
    ]
    bodies += [b'{"batch":[{"a":' + b"[" * depth + b"]" * depth + b"}]}" for depth in (10, 900, 2000, 50_000)]
    bodies += [json.dumps({"batch": [value]}).encode() for value in (1, "x", None, True, [], {}, {"type": {}})]
    with httpx.Client(auth=(WEB, ""), timeout=30) as client:
        for body in bodies:
            response = client.post(shared.url + "/v1/batch", content=body)
            assert response.status_code in (200, 400), (body[:80], response.text)
            assert response.json().keys() in ({"success"}, {"code", "message"})
