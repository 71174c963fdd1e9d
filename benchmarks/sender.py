"""A steady stream of events over HTTP, a few in each request, as SDKs send them."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson

from benchmarks.followers import Followers
from benchmarks.http_client import HttpClient

__all__ = ["Sender"]

_ALERT_EVERY = 10  # requests; one event of it is a bad mark by a customer who never gave one, which raises an alert


class Sender:
    """Sends at a rate, whatever the answers take: a slow collector does not slow the stream down.

    Args:
        rate: events a second.
        per_request: events in one request.
        customers: over which the events are spread.
    """

    def __init__(self, rate: int, per_request: int, customers: int) -> None:
        self.rate = rate
        self._per_request = per_request
        self._customers = customers
        self._random = Random(7)
        self._requests = 0

    async def run(self, client: HttpClient, keys: dict[str, str], followers: Followers, seconds: float) -> None:
        """Send for so long; returns when all requests are answered.

        Raises:
            RuntimeError: the collector did not answer 200.
        """
        interval = self._per_request / self.rate
        async with asyncio.TaskGroup() as tasks:
            began = time.monotonic()
            for number in range(round(seconds / interval)):
                wait = began + number * interval - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                self._requests += 1
                visits = self._per_request
                if self._requests % _ALERT_EVERY == 0:
                    visits -= 1
                    tasks.create_task(_post(client, keys["support"], [self._bad_mark(followers)], followers))
                if visits:
                    batch = [self._visit() for _ in range(visits)]
                    tasks.create_task(_post(client, keys["web"], batch, followers))

    def _visit(self) -> dict[str, Any]:
        user = f"customer-{self._random.randrange(self._customers)}"
        name = self._random.choice(("Product Viewed", "Product Viewed", "Products Searched", "Product Added"))
        properties: dict[str, Any] = {"product_id": f"P{self._random.randrange(400)}", "price": 12.5, "currency": "EUR"}
        if name == "Products Searched":
            properties = {"query": "filter papers", "results": 3}
        context = {"library": {"name": "analytics.js", "version": "npm:next-1.76.1"}, "locale": "nl-NL"}
        return {"type": "track", "event": name, "userId": user, "properties": properties, "context": context}

    def _bad_mark(self, followers: Followers) -> dict[str, Any]:
        user = f"unhappy-{uuid.uuid4().hex}"
        followers.expect_alert(user)
        context = {"library": {"name": "@segment/analytics-node", "version": "2.3.0"}}
        properties = {"score": 1}
        return {"type": "track", "event": "CSAT Answered", "userId": user, "properties": properties, "context": context}


async def _post(client: HttpClient, key: str, batch: list[dict[str, Any]], followers: Followers) -> None:
    now = datetime.now(UTC).isoformat()
    for event in batch:
        event["messageId"] = str(uuid.uuid4())
        event["timestamp"] = now
    body = orjson.dumps({"batch": batch, "sentAt": now})
    asked = time.time()
    status, answer = await client.post("/v1/batch", key, body)
    if status != 200:
        raise RuntimeError(f"the collector answers {status}: {answer[:300].decode()}")
    followers.sent([(event["userId"], event["messageId"]) for event in batch], asked, time.time())
