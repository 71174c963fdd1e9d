"""Senders as they are in the field: they send again until they are told that all is well."""

from __future__ import annotations

import base64
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from kafka import KafkaProducer
from kafka.errors import KafkaError

from plan import Plan
from streams.kafka.topics import topic_name
from streams.settings import Settings
from tests.integration.faults.load import Message

__all__ = ["Senders"]

_AGAIN = {408, 429, 500, 502, 503, 504}
_MOST = 50  # events in one request
_THREADS = 3


class Senders:
    """Sends messages over HTTP and straight into the topics, both at once, until each is accepted.

    Args:
        settings: of the installation.
        plan: for write keys and topics.
        url: of the collector.
    """

    def __init__(self, settings: Settings, plan: Plan, url: str, seed: int = 0) -> None:
        self._topics = {name: topic_name(settings, source.topic) for name, source in plan.sources.items()}
        self._keys = {name: source.write_key.get_secret_value() for name, source in plan.sources.items()}
        self._http = httpx.Client(base_url=url, timeout=8.0)
        self._kafka = KafkaProducer(
            bootstrap_servers=settings.kafka, acks="all", enable_idempotence=False, linger_ms=10,
            max_in_flight_requests_per_connection=1, delivery_timeout_ms=300_000,
        )  # fmt: skip
        self._chance = random.Random(seed)
        self._pool = ThreadPoolExecutor(_THREADS + 1)
        self._lock = threading.Lock()
        self.accepted: set[tuple[str, str]] = set()  # (source, messageId) of what was said to be accepted
        self.sent_again = 0  # requests and records, because the answer was no or none
        self.closed = False

    def send(self, messages: Sequence[Message]) -> None:
        """Send; returns when all are accepted."""
        direct = [message for message in messages if not message.over_http]
        jobs: list[Callable[[], None]] = [lambda: self._produce(direct)]
        by_source: dict[str, list[Message]] = {}
        for message in messages:
            if message.over_http:
                by_source.setdefault(message.source, []).append(message)
        for source, part in by_source.items():
            for start in range(0, len(part), _MOST):
                jobs.append(lambda source=source, some=part[start : start + _MOST]: self._post(source, some))
        for job in [self._pool.submit(job) for job in jobs]:
            job.result()

    def close(self) -> None:
        """Give up what is not yet accepted, and disconnect."""
        self.closed = True
        self._pool.shutdown(cancel_futures=True)
        self._http.close()
        self._kafka.close(5)

    def _post(self, source: str, messages: Sequence[Message]) -> None:
        body = b'{"batch":[' + b",".join(message.body for message in messages) + b"]}"
        key = base64.b64encode(f"{self._keys[source]}:".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        while not self.closed:
            try:
                status = self._http.post("/v1/batch", content=body, headers=headers).status_code
            except httpx.TransportError:
                status = 503
            if status == 200:
                self._note(messages)
                return
            if status not in _AGAIN:
                raise AssertionError(f"the collector answers {status} to a well-formed batch")
            with self._lock:
                self.sent_again += 1
                pause = self._chance.uniform(0.1, 0.6)
            time.sleep(pause)

    def _produce(self, messages: Sequence[Message]) -> None:
        waiting = list(messages)
        while waiting and not self.closed:
            futures = [
                (message, self._kafka.send(self._topics[message.source], message.body, message.key or None))
                for message in waiting
            ]
            waiting = []
            for message, future in futures:
                try:
                    future.get(310)
                except KafkaError:
                    waiting.append(message)
                else:
                    self._note((message,))
            with self._lock:
                self.sent_again += len(waiting)

    def _note(self, messages: Iterable[Message]) -> None:
        with self._lock:
            self.accepted.update((message.source, message.id) for message in messages if message.id)
