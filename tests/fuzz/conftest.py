"""A whole Rapport as processes: collector and support API on one port, and a worker, on real Kafka and Redis."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from pydantic import SecretStr

from console.local.process import Process, Reaper, free_port
from console.local.resp import ask_redis
from streams.settings import Settings
from tests.integration.rapport import REPOSITORY, Rapport, environment, running
from tests.servers import RedisServer

TOKEN = "correct-horse-battery"
WEB = "dev-web-key"


class Served:
    """What outsiders reach, and what they must not be able to break."""

    def __init__(self, rapport: Rapport, process: Process, port: int) -> None:
        self.rapport = rapport
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        """Send a body to the collector as the source web."""
        return self.http.post(path, content=body, auth=(WEB, ""), headers=headers)

    def connect(self) -> socket.socket:
        """A connection without any HTTP."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def exchange(self, sent: bytes, patience: float = 20.0) -> bytes:
        """What comes back for these bytes until the server closes, or says nothing for so many seconds."""
        with self.connect() as connection:
            connection.settimeout(patience)
            answer = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                connection.sendall(sent)
                while chunk := connection.recv(65_536):
                    answer += chunk
            return answer

    def memory(self) -> int:
        """Resident bytes of the HTTP process."""
        resident: int = psutil.Process(self.process.pid).memory_info().rss
        return resident

    def serves_within(self, seconds: float) -> None:
        """Somebody else's event is accepted meanwhile."""
        started = time.monotonic()
        answer = httpx.post(
            self.url + "/v1/track", json={"userId": "u1", "event": "Product Viewed"}, auth=(WEB, ""), timeout=seconds
        )
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - started < seconds
        assert self.process.alive


@pytest.fixture(scope="package")
def served(
    kafka: str, redis_server: RedisServer, reaper: Reaper, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One Rapport for all tests here: what each leaves behind is part of what the next one meets."""
    redis = redis_server.url
    if "RAPPORT_TEST_REDIS" not in os.environ:
        redis = urlsplit(redis)._replace(path="/15").geturl()
    ask_redis(redis, ["FLUSHDB"], timeout=30)
    port, name = free_port(), f"t{uuid.uuid4().hex[:10]}"
    settings = Settings(
        kafka=kafka, redis=SecretStr(redis), topic_prefix=f"{name}.", group=name, partitions=4, session_timeout=6.0,
        port=port, api_token=SecretStr(TOKEN), open_operations=True,
    )  # fmt: skip
    logs = tmp_path_factory.mktemp("fuzz")
    with running(settings, logs) as rapport:
        process = Process(
            "http",
            [sys.executable, "-P", "-m", "console", "serve"],
            logs / "http.log",
            env={**os.environ, **environment(rapport.settings), "PYTHONPATH": str(REPOSITORY)},
            reaper=reaper,
        )
        process.start()
        target = Served(rapport, process, port)
        try:
            _wait_until_ready(target, logs)
            yield target
        finally:
            target.http.close()
            process.stop()
    assert "Traceback" not in (logs / "http.log").read_text(errors="replace"), process.tail(60)


def _wait_until_ready(target: Served, logs: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if target.http.get("/ready").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, (logs / "http.log").read_text(errors="replace")
        time.sleep(0.2)
