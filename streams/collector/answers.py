"""How the collector answers: JSON always, readable from any web page, an error with its code and message."""

from __future__ import annotations

import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["answer", "preflight", "refusal", "wrong_method"]

_HEADERS = {
    "Cache-Control": "no-store",  # what analytics.js loads names the host that was asked, which anybody may make up
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset",
}
_PREFLIGHT = _HEADERS | {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Max-Age": "86400",
    "Vary": "Access-Control-Request-Headers",
}
_ALLOWED = "Authorization, Content-Encoding, Content-Type, X-Retry-Count"
_NAMES = re.compile(r"[\w, -]{1,500}", re.ASCII)


def preflight(request: Request) -> Response:
    """To a browser that asks whether it may send, with the headers that it names.

    SDKs have some of their own (`X-Retry-Count`, `AnonymousId`…), newer ones others. None of them can do harm: there
    are no cookies here, and a `*` would not include `Authorization`.
    """
    asked = request.headers.get("access-control-request-headers", "")
    allowed = f"{_ALLOWED}, {asked}" if _NAMES.fullmatch(asked) else _ALLOWED
    return Response(status_code=204, headers=_PREFLIGHT | {"Access-Control-Allow-Headers": allowed})


def answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(content), status, _HEADERS | (headers or {}), "application/json")


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error. Some SDKs take an error without `code` for a network failure and send again."""
    return answer(status, {"code": code, "message": message}, headers)


def wrong_method(method: str, allowed: str) -> Response:
    """405, with the methods that are right."""
    return refusal(405, "method_not_allowed", f"{method} is not allowed here; use {allowed}", {"Allow": allowed})
