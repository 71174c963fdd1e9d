"""What SDKs in browsers and apps ask for, beside sending events: their settings, and where to report on themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streams.collector.answers import answer, preflight, refusal, wrong_method
from streams.collector.body import Refused
from streams.collector.wire import basic_key

__all__ = ["AcceptMetrics", "ServeSettings", "rudder_settings", "segment_settings"]

Settings = Callable[[Request, str], dict[str, Any]]
"""From a request and the write key in it to the settings of an SDK."""


class AcceptMetrics:
    """Where SDKs report on themselves: taken, not used."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            response = preflight(request)
        elif request.method == "POST":
            response = answer(200, {"success": True})
        else:
            response = wrong_method(request.method, "POST, OPTIONS")
        await response(scope, receive, send)


class ServeSettings:
    """What an SDK loads before anything else: where to send events to, and that all are welcome.

    Args:
        check: raises `Refused` for a write key that may not send.
        settings: the answer to a write key that may; it is in the path, else in the header, else in the query.
    """

    def __init__(self, check: Callable[[str], object], settings: Settings) -> None:
        self._check = check
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method == "OPTIONS":
            response = preflight(request)
        elif request.method in ("GET", "HEAD"):
            response = self._answer(request)
        else:
            response = wrong_method(request.method, "GET, HEAD, OPTIONS")
        await response(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        key = request.path_params.get("write_key") or basic_key(request.headers.get("authorization", ""))
        key = key or request.query_params.get("writeKey", "")
        try:
            self._check(key)
        except Refused as refused:
            return refusal(404, refused.code, refused.message)
        return answer(200, self._settings(request, key))


def segment_settings(request: Request, write_key: str) -> dict[str, Any]:
    """The settings of Segment's SDKs for browsers and apps; they are sent back to the host that was asked."""
    enabled = {"__default": {"enabled": True, "integrations": {}}}
    segment = {
        "apiKey": write_key,
        "apiHost": f"{request.url.netloc}/v1",
        "protocol": request.url.scheme,
        "unbundledIntegrations": [],
        "addBundledMetadata": True,
    }
    return {
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


def rudder_settings(request: Request, write_key: str) -> dict[str, Any]:
    """The settings of RudderStack's SDKs for browsers and apps: no destinations, and no reports on themselves."""
    off = {"enabled": False}
    source = {
        "id": "rapport",
        "name": "Rapport",
        "writeKey": write_key,
        "enabled": True,
        "workspaceId": "rapport",
        "config": {"statsCollection": {"errors": off, "metrics": off}},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
        "updatedAt": "2026-01-01T00:00:00.000Z",  # SDKs keep these settings until there are newer ones
    }
    return {"isHosted": True, "source": source, "consentManagementMetadata": {"providers": []}}
