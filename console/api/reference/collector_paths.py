"""The collector's paths as OpenAPI has them, beside those of the support API: what a program may send, with examples.

The collector answers them without FastAPI (every event passes there), so they are described here.
"""

from __future__ import annotations

from typing import Any

from streams.collector.wire import TYPES

__all__ = ["SCHEME", "collector_paths"]

SCHEME = {"writeKey": {"type": "http", "scheme": "basic", "description": "A source's write key as the user name."}}
"""How an SDK shows who it is."""

_WORDS = (
    "One of userId and anonymousId must be there. 200 means that Kafka has it; whether the plan accepts it is decided "
    "after that: see /v1/rejected."
)
_WHO = {"userId": "42", "anonymousId": "b3f7c1de-0a52-4c5e-8a1c-5f0f8a3d9e10"}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "track": {
        **_WHO,
        "event": "Order Completed",
        "properties": {"order_id": "A-1001", "total": 65.0, "currency": "EUR"},
    },
    "identify": {**_WHO, "traits": {"firstName": "Daan", "email": "daan@example.com"}},
    "page": {**_WHO, "name": "Home", "properties": {"path": "/"}},
    "screen": {**_WHO, "name": "Start"},
    "group": {**_WHO, "groupId": "acme", "traits": {"name": "Acme"}},
    "alias": {"userId": "42", "previousId": "b3f7c1de-0a52-4c5e-8a1c-5f0f8a3d9e10"},
}
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_OBJECT = {"type": "object", "additionalProperties": True}
_COMMON = {
    "userId": {**_TEXT, "description": "Account number of the customer."},
    "anonymousId": {**_TEXT, "description": "Browser or device, before somebody signs in."},
    "messageId": {**_TEXT, "description": "Unique; what is sent again under the same one counts once."},
    "timestamp": {**_TIME, "description": "When it happened; the time of receipt if absent."},
    "sentAt": {**_TIME, "description": "When it was sent, by the sender's clock, which is corrected by it."},
    "context": {**_OBJECT, "description": "Device, page, campaign, consent and the like."},
}
_OWN: dict[str, dict[str, Any]] = {
    "track": {"event": {**_TEXT, "description": "Name in the tracking plan."}, "properties": _OBJECT},
    "identify": {"traits": _OBJECT},
    "page": {"name": _TEXT, "category": _TEXT, "properties": _OBJECT},
    "screen": {"name": _TEXT, "category": _TEXT, "properties": _OBJECT},
    "group": {"groupId": {**_TEXT, "description": "The company."}, "traits": _OBJECT},
    "alias": {"previousId": {**_TEXT, "description": "What the customer was called before."}},
}
_REQUIRED = {"track": ["event"], "group": ["groupId"], "alias": ["userId", "previousId"]}
_ANSWERS = {
    "200": ("Kafka has it.", {"success": True}),
    "400": ("It is no JSON, or too large.", {"code": "invalid_json", "message": "the body is no JSON"}),
    "401": ("There is no such write key.", {"code": "unauthorized", "message": "no source has this write key"}),
    "429": (
        "Too many events a second with this key; wait as `Retry-After` says.",
        {"code": "rate_limited", "message": "…"},
    ),
    "503": ("Kafka does not answer; send it again.", {"code": "unavailable", "message": "…"}),
}


def collector_paths() -> dict[str, Any]:
    """Path → item, of the calls of Segment's HTTP API that people write by hand; SDKs use further spellings."""
    paths = {f"/v1/{kind}": {"post": _call(kind)} for kind in TYPES}
    batch = {
        "type": "object",
        "required": ["batch"],
        "properties": {"batch": {"type": "array", "items": _OBJECT}, "sentAt": _TIME},
    }
    events = [{"type": kind, **_EXAMPLES[kind]} for kind in ("identify", "track")]
    paths["/v1/batch"] = {
        "post": _operation(
            "batch", "Send many events at once", "Up to 500 KB. Each has its `type`.", batch, {"batch": events}
        )
    }
    paths["/v1/webhook/{name}"] = {"post": _webhook()}
    return paths


def _call(kind: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {**_COMMON, **_OWN[kind]}, "required": _REQUIRED.get(kind, [])}
    return _operation(kind, f"Send one {kind} call", _WORDS, schema, _EXAMPLES[kind])


def _operation(kind: str, summary: str, words: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["collector"],
        "summary": summary,
        "description": words,
        "operationId": f"collect_{kind}",
        "security": [{"writeKey": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}},
        "responses": {
            status: {"description": text, "content": {"application/json": {"example": answer}}}
            for status, (text, answer) in _ANSWERS.items()
        },
    }


def _webhook() -> dict[str, Any]:
    words = "What another service sends by itself, signed as it signs; see docs/webhooks.md."
    answers = {
        "200": "Kafka has its events; `kept` says that it is none that is understood.",
        "401": "It is not signed by the secret that is set here, or too long ago.",
        "404": "The plan has no webhook of that name.",
        "503": "Kafka does not answer; send it again.",
    }
    name = {"name": "name", "in": "path", "required": True, "schema": _TEXT, "description": "Of the plan's webhook."}
    return {
        "tags": ["collector"],
        "summary": "Take a webhook",
        "description": words,
        "operationId": "collect_webhook",
        "security": [],
        "parameters": [name],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _OBJECT}}},
        "responses": {status: {"description": text} for status, text in answers.items()},
    }
