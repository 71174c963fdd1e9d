"""The HTTP collector: Segment's Tracking API in front of the source topics. 200 only when Kafka has the events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from plan import Plan, Source
from profiles.bounds import NAME
from profiles.errors import Unacceptable
from profiles.times import rfc3339
from streams.clock import WALL
from streams.collector.answers import answer, preflight, refusal, wrong_method
from streams.collector.body import Body, Limits, Refused
from streams.collector.browser import AcceptMetrics, ServeSettings, rudder_settings, segment_settings
from streams.collector.ratelimit import RateLimit
from streams.collector.wire import TYPES, Envelope, basic_key, open_batch, open_single, stamp
from streams.collector.withdrawn import withdrawal_in
from streams.kafka.client import Unavailable
from streams.kafka.output import Row
from streams.kafka.producer import Producer
from streams.kafka.topics import REJECTED
from streams.metrics import CollectorMetrics
from streams.quota import Quota
from streams.records.rejected import KEPT, Rejection
from streams.records.sender import address_header
from streams.records.unforeseen import unreadable
from streams.scrub import scrub
from streams.steps.consent import Listener

__all__ = ["Collector", "collector_routes", "create_collector"]

log = logging.getLogger(__name__)

READ_TIMEOUT = 30.0
"""Seconds a sender may take over its body; slower ones would hold the room of all others."""

_MESSAGE = 1000  # characters of why something is rejected: beside its bytes, Kafka must be able to take it

Room = Literal["unknown", "public", "own"]
"""Whose a body is: of a sender who is not known yet, of a key that anybody can read, or of a key of our servers."""

_PARTS: dict[Room, int] = {"unknown": 4, "public": 2, "own": 1}
"""The part of all the room that these bodies may take together, as a fraction: one of so many."""


@dataclass
class Collector:
    """All that the endpoints share.

    Args:
        plan: says which source a write key belongs to, and what identifies a sender.
        producer: to Kafka.
        metrics: where requests and events are counted.
        rate_limit: events a second of each write key.
        rename: a topic's name in the plan → its name in Kafka.
        limits: of one request.
        capacity: bytes of request bodies held at a time; beyond it senders are told to come back.
        clock: the time events are received at, seconds.

    A quarter of the capacity is for requests that name their write key in the body alone: they are read before they can
    be refused, and must not take the room of senders who are known; nor may they inflate to more than what may be sent.
    Half is for keys that anybody can read: a quarter is left for orders, whoever stalls.
    """

    plan: Plan
    producer: Producer
    metrics: CollectorMetrics
    rate_limit: int
    rename: Callable[[str], str] = str
    limits: Limits = field(default_factory=Limits)
    capacity: int = 64 * 1024 * 1024
    clock: Callable[[], float] = WALL.now

    def __post_init__(self) -> None:
        self.limiter = RateLimit(self.rate_limit, self.limits.events)
        self.quota = Quota(self.plan.kept)
        self.withdrawal_in = partial(withdrawal_in, plan=self.plan, listener=Listener(self.plan), limits=self.limits)
        self.unpacked = replace(self.limits, body=min(self.limits.body, self.limits.request))  # of who is not known yet
        self.held = 0
        self.rooms: Counter[Room] = Counter()  # the same bytes, by whose they are

    def source(self, write_key: str) -> Source:
        """The source a write key belongs to.

        Raises:
            Refused: 401 for an unknown key, 404 for a source that is switched off.
        """
        if not write_key:
            message = "no write key; send it as the user name of Basic authorization, or as writeKey in the body"
            raise Refused(401, "missing_write_key", message)
        source = self.plan.source_of_key(write_key)
        if source is None:
            raise Refused(401, "invalid_write_key", "the write key belongs to no source of the tracking plan")
        if not source.enabled:
            raise Refused(404, "source_disabled", f"the source '{source.name}' is disabled in the tracking plan")
        return source

    def hold(self, size: int, room: Room) -> None:
        """Take room for a body, or give it back (negative).

        Raises:
            Unavailable: there is none left.
        """
        if size > 0 and self.held + size > self.capacity:
            raise Unavailable(f"{self.held} bytes of requests are being handled already")
        if size > 0 and self.rooms[room] + size > self.capacity // _PARTS[room]:
            if room == "unknown":
                raise Unavailable("too many requests name their write key in the body only; send it in the header")
            raise Unavailable(f"{self.rooms[room]} bytes of requests with public keys are being handled already")
        self.rooms[room] += size
        self.held += size
        self.metrics.held.set(self.held)

    @contextlib.asynccontextmanager
    async def body(self, request: Request, room: Room) -> AsyncIterator[bytes]:
        """The body of a request as it was before it was compressed; its room is given back at the end.

        Raises:
            Refused: it is too large, or not compressed as it says.
            TimeoutError: it has not arrived in time.
            Unavailable: there is no room for it.
        """
        body = Body(self.unpacked if room == "unknown" else self.limits)
        held = 0
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                async for chunk in request.stream():
                    body.feed(chunk)
                    self.hold(len(body) - held, room)
                    held = len(body)
            plain = body.finish()
            self.hold(len(plain) - held, room)
            held = len(plain)
            yield plain
        finally:
            self.hold(-held, room)

    async def keep(self, source: Source, request: bytes, error: Unacceptable, of: str, kind: str) -> None:
        """Keep a request that is no event: on `events.rejected`.

        Args:
            source: whose it would have been.
            request: its body.
            error: why it is none.
            of: where it came, for who makes events of it one day.
            kind: what it said that it was.

        Raises:
            Unavailable: Kafka has not confirmed it.
        """
        rejection = _rejection(request, error, source.name, self.rename(source.topic), self.clock(), of, "")
        rejection.event = kind[:NAME]
        await self.producer.produce([Row(self.rename(REJECTED), None, None, rejection.encode())])
        self.metrics.events.labels(source.name, "rejected").inc()

    async def take(self, source: Source, envelope: Envelope, ip: str = "", browser: bool = False) -> None:
        """Put the events of a request on their source's topic, each that cannot be accepted on `events.rejected`.

        Args:
            source: whose they are.
            envelope: the request.
            ip: of the sender.
            browser: it came by a path or with a header of browsers.

        Raises:
            Refused: they come to too much.
            Unavailable: Kafka has not confirmed them.
        """
        topic = self.rename(source.topic)
        received = self.clock()
        sent_from = [address_header(self.plan.pii_key, ip)] if source.public else []
        sender = sent_from[0][1].decode() if sent_from else ""
        rows: list[Row] = []
        beyond: dict[str, Rejection] = {}  # of a sender that is put aside, by reason
        rejected = size = 0
        for raw in envelope.events:
            try:
                key, value = stamp(
                    raw,
                    envelope,
                    received=received,
                    identities=self.plan.extract,
                    limits=self.limits,
                    ip=ip,
                    browser=browser,
                )
                rows.append(Row(topic, None, key, value, sent_from))
                size += len(value)
            except Exception as failure:
                error = unreadable("collect", failure)
                rejected += 1
                withdrawal = self.withdrawal_in(raw, envelope, source.name, received=received)
                if withdrawal is not None:
                    rows.append(Row(topic, None, *withdrawal, sent_from))
                    size += len(withdrawal[1])
                rejection = _rejection(raw, error, source.name, topic, received, envelope.type, sender)
                if not sender or self.quota.take(f"{source.name} {sender}", error.reason, received):
                    rows.append(Row(self.rename(REJECTED), None, None, rejection.encode()))
                elif (first := beyond.get(error.reason)) is not None:
                    first.more += 1
                else:
                    rejection.payload, rejection.truncated, rejection.aside = b"", True, True
                    beyond[error.reason] = rejection
            if size > self.limits.stamped:
                message = f"with what the batch shares, its events come to over {self.limits.stamped} bytes"
                raise Refused(413, "request_too_large", message)
        rows += [Row(self.rename(REJECTED), None, None, rejection.encode()) for rejection in beyond.values()]
        count = self.metrics.events.labels
        try:
            with self.metrics.produce.time():
                await self.producer.produce(rows)
        except Unavailable:
            count(source.name, "unavailable").inc(len(envelope.events))
            raise
        count(source.name, "accepted").inc(len(envelope.events) - rejected)
        count(source.name, "rejected").inc(rejected)


class _Endpoint:
    """One path that takes events. `kind` is the type of its single event, "" for a batch."""

    def __init__(self, collector: Collector, name: str, kind: str, browser: bool) -> None:
        self._collector = collector
        self._name = name
        self._kind = kind
        self._browser = browser

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            response = preflight(request)
        elif request.method != "POST":
            response = wrong_method(request.method, "POST, OPTIONS")
        else:
            try:
                response = await self._answer(request)
            except ClientDisconnect:
                return
        self._collector.metrics.requests.labels(self._name, str(response.status_code)).inc()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._collect(request)
        except Refused as refused:
            return refusal(refused.status, refused.code, refused.message)
        except Unavailable as unavailable:
            return refusal(503, "unavailable", f"{unavailable}; send the events again", {"Retry-After": "1"})
        except TimeoutError:
            return refusal(408, "request_timeout", f"the body has not arrived within {READ_TIMEOUT:g} s")
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("a request to %s failed", self._name)
            return refusal(500, "internal_error", "an error of the collector; send the events again")

    async def _collect(self, request: Request) -> Response:
        collector = self._collector
        write_key = basic_key(request.headers.get("authorization", "")) or request.query_params.get("writeKey", "")
        room: Room = "unknown"
        if write_key:  # who sends a wrong one is not read at all
            room = "public" if collector.source(write_key).public else "own"
        async with collector.body(request, room) as plain:
            envelope = open_single(plain, self._kind) if self._kind else open_batch(plain, collector.limits)
            source = collector.source(write_key or envelope.write_key)
            wait = await collector.limiter.wait(source.name, len(envelope.events))
            if wait:
                collector.metrics.events.labels(source.name, "limited").inc(len(envelope.events))
                headers = {"Retry-After": str(wait), "X-RateLimit-Reset": str(wait)}
                message = f"over {collector.rate_limit} events a second; send the events again in {wait} s"
                return refusal(429, "rate_limited", message, headers)
            browser = self._browser or "origin" in request.headers
            await collector.take(source, envelope, request.client.host if request.client else "", browser)
        return answer(200, {"success": True})


def _rejection(
    raw: bytes, error: Unacceptable, source: str, topic: str, received: float, kind: str, sender: str
) -> Rejection:
    return Rejection(
        at=rfc3339(received),
        step="collect",
        reason=error.reason,
        message=scrub(error.message)[:_MESSAGE],
        source=source,
        topic=topic,
        partition=None,
        offset=None,
        payload=raw[:KEPT],
        recorded=received,
        type=kind,
        truncated=len(raw) > KEPT,
        sender=sender,
    )


def collector_routes(collector: Collector) -> list[BaseRoute]:
    """The collector's paths; whoever serves them starts and stops `collector.producer`."""
    paths = {f"/v1/{kind}": (kind, kind, False) for kind in TYPES}
    paths |= {f"/v1/{kind[0]}": (kind, kind, True) for kind in TYPES}
    paths |= {"/v1/batch": ("batch", "", False), "/v1/import": ("batch", "", False), "/v1/b": ("batch", "", True)}
    paths["/beacon/v1/batch"] = ("beacon", "", True)
    routes: list[BaseRoute] = [_Path(path, _Endpoint(collector, *what)) for path, what in paths.items()]
    routes += [_Path(path, AcceptMetrics()) for path in ("/v1/m", "/rsaMetrics")]
    routes.append(_Path("/v1/projects/{write_key}/settings", ServeSettings(collector.source, segment_settings)))
    routes.append(_Path("/sourceConfig", ServeSettings(collector.source, rudder_settings)))
    return routes


class _Path(Route):
    """A path that may end with slashes and double others.

    Segment's Java SDK ends its path with one, and others put theirs behind an address that already does; no SDK follows
    a redirect of what it posts.
    """

    def __init__(self, path: str, endpoint: ASGIApp) -> None:
        super().__init__(path, endpoint)
        pattern = self.path_regex.pattern.removesuffix("$")
        self.path_regex = re.compile(re.sub(r"(?<!\[\^)/", "/+", pattern) + "/*$")


def create_collector(collector: Collector) -> Starlette:
    """The collector as an application of its own, with its producer's life."""

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        await collector.producer.start()
        try:
            yield
        finally:
            await collector.producer.stop()

    async def failed(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        code = {404: "not_found", 405: "method_not_allowed"}.get(status, "error")
        message = "no such path; see docs/collector.md" if status == 404 else str(error)
        return refusal(status, code, message)

    return Starlette(routes=collector_routes(collector), lifespan=life, exception_handlers={HTTPException: failed})
