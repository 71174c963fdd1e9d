"""The released SDKs, unchanged, against a real collector on loopback: what arrives, and how they take our errors."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from profiles.times import parse_time
from streams.collector.body import Limits
from streams.collector.wire import TYPES
from streams.kafka.admin import ensure_topics
from streams.settings import Settings
from tests.conftest import MakeSettings
from tests.console.collecting import WEB, collecting, shipped_plan, wait_until_ready
from tests.console.sdk_builds import SDKS, node_modules


@dataclass
class Attempt:
    """One request of an SDK."""

    path: str
    body: bytes
    status: int = 0

    @property
    def message_ids(self) -> list[str]:
        plain = gzip.decompress(self.body) if self.body.startswith(b"\x1f\x8b") else self.body
        return [event["messageId"] for event in json.loads(plain)["batch"]]


@dataclass
class Recorder:
    """Stands in front of the collector and notes what passes; `first` is awaited before the first request."""

    first: Callable[[], Awaitable[object]] | None = None
    attempts: list[Attempt] = field(default_factory=list)

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            first, self.first = self.first, None
            if first:
                await first()
            attempt = Attempt(scope["path"], await _read(receive))
            self.attempts.append(attempt)

            async def reading() -> Message:
                return {"type": "http.request", "body": attempt.body}

            async def answering(message: Message) -> None:
                if message["type"] == "http.response.start":
                    attempt.status = message["status"]
                await send(message)

            await app(scope, reading, answering)

        return recorded

    def tries(self) -> dict[str, int]:
        """How often each message was sent."""
        return dict(Counter(message_id for attempt in self.attempts for message_id in attempt.message_ids))

    def statuses(self) -> set[int]:
        return {attempt.status for attempt in self.attempts}


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


Run = Callable[[str, str], list[str]]


@pytest.fixture(
    params=[
        "segment_python.py",
        "rudder_python.py",
        pytest.param("segment_node.js", marks=pytest.mark.node),
        pytest.param("rudder_node.js", marks=pytest.mark.node),
    ]
)
def sdk(request: pytest.FixtureRequest) -> Run:
    """Makes an SDK send its six events to a URL with a write key; answers the errors it reported."""
    script = str(SDKS / request.param)
    command, environment = [sys.executable, script], dict(os.environ)
    if script.endswith(".js"):
        command, environment["NODE_PATH"] = ["node", script], str(node_modules())

    def run(url: str, write_key: str) -> list[str]:
        arguments = [*command, url, write_key]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('"')]

    return run


@contextlib.contextmanager
def _late_network(servers: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """An address that refuses connections until it is connected to the first of `servers`."""
    host, port = servers.split(",", maxsplit=1)[0].rsplit(":", 1)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    sockets: list[socket.socket] = [listener]

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                inner, outer = listener.accept()[0], socket.create_connection((host, int(port)))
                sockets.extend((inner, outer))
                for pair in ((inner, outer), (outer, inner)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    def connect() -> None:
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()

    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", connect
    finally:
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    settings = make_settings(redis="redis://127.0.0.1:1/0")
    ensure_topics(settings, shipped_plan())
    return settings


def test_what_an_sdk_sends_is_on_the_topic(settings: Settings, sdk: Run) -> None:
    """All six calls, with ids, traits, properties and the right time; nothing is rejected, nothing sent twice."""
    recorder = Recorder()
    with collecting(settings, wrap=recorder) as collector:
        wait_until_ready(collector)
        before = time.time()
        assert sdk(collector.url, WEB) == []

        events = {event["type"]: event for event in collector.events()}
        assert collector.rejected() == []

    assert set(events) == set(TYPES)
    assert recorder.tries() == {event["messageId"]: 1 for event in events.values()}
    assert {attempt.path for attempt in recorder.attempts} == {"/v1/batch"}
    identify, track = events["identify"], events["track"]
    assert (identify.get("traits") or identify["context"]["traits"])["email"] == "a@example.com"
    assert (track["event"], track["properties"]["total"], track["userId"]) == ("Order Completed", 27.5, "u1")
    assert (events["page"]["name"], events["screen"]["name"]) == ("Home", "Start")
    assert (events["group"]["groupId"], events["alias"]["previousId"]) == ("g1", "a1")
    for event in events.values():
        assert None not in event.values()
        for name in ("timestamp", "originalTimestamp", "sentAt", "receivedAt"):
            assert event[name].endswith("Z")
            assert before - 1 < parse_time(event[name]) < time.time() + 1


def test_an_sdk_gives_up_on_an_unknown_key(settings: Settings, sdk: Run) -> None:
    """401: each event is sent once and the program is told."""
    recorder = Recorder()
    with collecting(settings, wrap=recorder) as collector:
        wait_until_ready(collector)
        errors = sdk(collector.url, "no-such-key")

    assert errors
    assert recorder.statuses() == {401}
    assert set(recorder.tries().values()) == {1}


def test_an_sdk_waits_out_a_rate_limit(settings: Settings, sdk: Run) -> None:
    """429: the same messages come again, with the same ids, and arrive once."""
    recorder = Recorder()
    with collecting(settings, wrap=recorder, rate_limit=20, limits=Limits(events=20)) as collector:
        wait_until_ready(collector)
        recorder.first = lambda: collector.collector.limiter.wait("web", 20)  # somebody else with the same key
        assert sdk(collector.url, WEB) == []

        stored = [event["messageId"] for event in collector.events()]

    assert recorder.statuses() == {429, 200}
    assert max(recorder.tries().values()) > 1
    assert sorted(stored) == sorted(recorder.tries())


def test_an_sdk_waits_out_an_outage(settings: Settings, sdk: Run) -> None:
    """503: Kafka cannot be reached at first; the same messages come again, with the same ids, and arrive once."""
    recorder = Recorder()
    with contextlib.ExitStack() as stack:
        address, connect = stack.enter_context(_late_network(settings.kafka))
        cut_off = settings.model_copy(update={"kafka": address})
        collector = stack.enter_context(collecting(cut_off, wrap=recorder))

        def restore() -> None:
            while 503 not in recorder.statuses():
                time.sleep(0.02)
            connect()

        threading.Thread(target=restore, daemon=True).start()
        assert sdk(collector.url, WEB) == []

        collector.settings = settings
        stored = [event["messageId"] for event in collector.events()]

    assert recorder.statuses() == {503, 200}
    assert max(recorder.tries().values()) > 1
    assert sorted(stored) == sorted(recorder.tries())
