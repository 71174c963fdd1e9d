"""What only analytics.js in the browser asks for, beside taking events."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streams.collector.answers import answer, preflight, refusal, wrong_method
from streams.collector.body import Refused

__all__ = ["AcceptMetrics", "ServeSettings"]


class AcceptMetrics:
    """Where analytics.js reports on itself: taken, not used."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "OPTIONS":
            response = preflight()
        elif method == "POST":
            response = answer(200, {"success": True})
        else:
            response = wrong_method(method, "POST, OPTIONS")
        await response(scope, receive, send)


class ServeSettings:
    """What analytics.js loads before anything else: where to send events to, and that all are welcome.

    Args:
        check: raises `Refused` for a write key that may not send.
    """

    def __init__(self, check: Callable[[str], object]) -> None:
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            response = preflight()
        elif request.method in ("GET", "HEAD"):
            response = self._answer(request)
        else:
            response = wrong_method(request.method, "GET, HEAD, OPTIONS")
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        write_key = request.path_params["write_key"]
        try:
            self._check(write_key)
        except Refused as refused:
            return refusal(404, refused.code, refused.message)
        enabled = {"__default": {"enabled": True, "integrations": {}}}
        segment = {
            "apiKey": write_key,
            "apiHost": f"{request.url.netloc}/v1",
            "protocol": request.url.scheme,
            "unbundledIntegrations": [],
            "addBundledMetadata": True,
        }
        settings = {
            "integrations": {"Segment.io": segment},
            "plan": {"track": enabled, "identify": enabled, "group": enabled},
            "edgeFunction": {},
            "analyticsNextEnabled": True,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": False,
            "remotePlugins": [],
        }
        return answer(200, settings)
