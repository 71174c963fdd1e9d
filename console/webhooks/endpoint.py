"""`POST /v1/webhook/NAME`: a request that a service signs and sends by itself becomes events of the plan.

200 only when Kafka has them; services send again what was answered otherwise. What it sends twice has the same ids. A
kind that no mapping knows is kept among the rejected events, and listed there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from console.files.mapping.table_mapping import BadRow
from console.webhooks.mapped import Mapped, events_of, webhook_mapping
from console.webhooks.senders import SENDERS
from console.webhooks.signatures import BadSignature
from plan import Plan
from plan.load import webhook_variable
from plan.model import WebhookSpec
from profiles.bounds import NAME
from profiles.errors import Misconfigured, Unacceptable, WrongUse
from profiles.times import parse_time
from streams.collector.answers import answer, refusal
from streams.collector.app import Collector
from streams.collector.body import Refused
from streams.collector.json_text import loads_leniently
from streams.collector.wire import Envelope
from streams.dead_letters.candidates import Reread
from streams.kafka.client import Unavailable
from streams.records.rejected import INVALID_WEBHOOK, UNKNOWN_WEBHOOK, Rejection
from streams.records.unforeseen import unreadable

__all__ = ["Webhooks", "mappings_of", "reread", "webhook_route"]

log = logging.getLogger(__name__)


def mappings_of(plan: Plan, folder: Path) -> dict[str, Mapped]:
    """What each webhook of a plan sends.

    Args:
        plan: that names them.
        folder: of the plan's file, in which their own mappings are looked for.

    Raises:
        Misconfigured: one has no secret, or its mapping cannot be used.
    """
    found = {}
    for name, webhook in plan.file.webhooks.items():
        sender = SENDERS[webhook.service]
        if not webhook.secrets or not all(map(sender.is_secret, webhook.secrets)):
            raise Misconfigured(f"webhook {name}: set {webhook_variable(name)} to {sender.secret}")
        try:
            found[name] = webhook_mapping(webhook.service, folder / webhook.mapping if webhook.mapping else None)
        except WrongUse as error:
            raise Misconfigured(f"webhook {name}: {error}") from error
    return found


class TooFast(Exception):
    """A service sends more than it may."""

    def __init__(self, wait: int) -> None:
        super().__init__(wait)
        self.wait = wait  # seconds


class Webhooks:
    """Takes what services send.

    Args:
        collector: by which events go to Kafka.
        mappings: of each webhook of the plan.
    """

    def __init__(self, collector: Collector, mappings: Mapping[str, Mapped]) -> None:
        self._collector = collector
        self._mappings = mappings

    async def __call__(self, request: Request) -> Response:
        response = await self._answer(request)
        self._collector.metrics.requests.labels("webhook", str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        webhook = self._collector.plan.file.webhooks.get(name)
        if webhook is None:
            return refusal(404, "unknown_webhook", "the tracking plan has no webhook of that name")
        try:
            async with self._collector.body(request, "unknown") as body:
                return await self._take(name, webhook, body, request.headers)
        except Refused as refused:
            return refusal(refused.status, refused.code, refused.message)
        except BadSignature as error:
            code = "late_signature" if error.late else "invalid_signature"
            log.warning("webhook %s: a request was refused: %s", name, error)
            return refusal(401, code, str(error))
        except TooFast as error:
            message = f"over {self._collector.rate_limit} events a second; send it again in {error.wait} s"
            return refusal(429, "rate_limited", message, {"Retry-After": str(error.wait)})
        except Unavailable as unavailable:
            return refusal(503, "unavailable", f"{unavailable}; send it again", {"Retry-After": "5"})
        except TimeoutError:
            return refusal(408, "request_timeout", "the body has not arrived in time")
        except ClientDisconnect:
            return refusal(400, "disconnected", "the connection was closed")

    async def _take(self, name: str, webhook: WebhookSpec, raw: bytes, headers: Mapping[str, str]) -> Response:
        sender = SENDERS[webhook.service]
        if webhook.service == "woocommerce" and raw.startswith(b"webhook_id="):  # it tries the address, unsigned
            return answer(200, {"success": True, "events": 0})
        sender.verify(raw, headers, webhook.secrets, self._collector.clock())
        source = self._collector.plan.sources[webhook.source]
        body = _object(raw)
        said = sender.kind(body or {}, headers)
        kind = said[:NAME] if isinstance(said, str) else ""
        if kind in sender.pings:
            return answer(200, {"success": True, "events": 0})
        try:
            events = self._read(name, kind, body, raw)
        except Unacceptable as error:
            await self._may_come(name, 1)
            await self._collector.keep(source, raw, error, name, kind)
            return answer(200, {"success": True, "events": 0, "kept": error.reason})
        await self._may_come(name, max(len(events), 1))
        if events:
            await self._collector.take(source, Envelope(events))
        return answer(200, {"success": True, "events": len(events)})

    async def _may_come(self, name: str, events: int) -> None:
        """Count what a webhook sends, as of a write key: signed requests alone, so that nobody else uses it up.

        Raises:
            TooFast: there is too much of it.
        """
        if wait := await self._collector.limiter.wait(f"webhook/{name}", events):
            raise TooFast(wait)

    def _read(self, name: str, kind: str, body: dict[str, Any] | None, raw: bytes) -> list[bytes]:
        return _events(self._mappings[name], name, kind, body, raw, self._collector.clock())


def reread(plan: Plan, folder: Path) -> Reread:
    """What makes events of requests that were kept, by the mappings that there are now.

    Args:
        plan: that names the webhooks.
        folder: of the plan's file.
    """

    def read(rejection: Rejection) -> list[bytes]:
        name = rejection.type
        webhook = plan.file.webhooks.get(name)
        if webhook is None:
            raise Unacceptable(UNKNOWN_WEBHOOK, f"the plan has no webhook {name!r}")
        try:
            mappings = webhook_mapping(webhook.service, folder / webhook.mapping if webhook.mapping else None)
        except WrongUse as error:
            raise Unacceptable(UNKNOWN_WEBHOOK, str(error)) from error
        received = rejection.recorded or parse_time(rejection.at)
        return _events(mappings, name, rejection.event, _object(rejection.payload), rejection.payload, received)

    return read


def _events(
    mappings: Mapped, name: str, kind: str, body: dict[str, Any] | None, raw: bytes, received: float
) -> list[bytes]:
    if body is None:
        raise Unacceptable(INVALID_WEBHOOK, "its body is not a JSON object")
    found = mappings.get(kind)
    if found is None:
        what = kind or "what kind of request it is"
        raise Unacceptable(UNKNOWN_WEBHOOK, f"no mapping of webhook {name} knows {what}")
    try:
        events = events_of(found, name, body, raw, received)
        return [orjson.dumps(event) for event in events]
    except (BadRow, TypeError) as error:
        raise Unacceptable(INVALID_WEBHOOK, f"{kind}: {error}") from error
    except Exception as error:
        unreadable("webhook", error)  # logs where
        what = f"{kind}: Rapport fails at it ({type(error).__name__}), which is its fault"
        raise Unacceptable(INVALID_WEBHOOK, what) from error


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        body = loads_leniently(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def webhook_route(collector: Collector, mappings: Mapping[str, Mapped]) -> Route:
    """The path of all webhooks."""
    endpoint: Callable[[Request], Any] = Webhooks(collector, mappings).__call__
    return Route("/v1/webhook/{name}", endpoint, methods=["POST"])
