"""The services whose webhooks are understood: how each signs, and where it says what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from console.webhooks import signatures
from console.webhooks.signatures import Verify

__all__ = ["SENDERS", "Sender"]

Headers = Mapping[str, str]
Body = Mapping[str, Any]


class Sender(NamedTuple):
    """One service."""

    verify: Verify
    kind: Callable[[Body, Headers], Any]  # what happened, as the service calls it
    pings: frozenset[str] = frozenset()  # kinds that only try whether we are there
    secret: str = ""  # what its secret is called, and where it stands, for who sets it up
    is_secret: Callable[[str], bool] = bool  # whether a text can be one


def _of(*path: str) -> Callable[[Body, Headers], Any]:
    def kind(body: Body, _: Headers) -> Any:
        value: Any = body
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return kind


def _named(header: str) -> Callable[[Body, Headers], Any]:
    return lambda _, headers: headers.get(header)


SENDERS: Mapping[str, Sender] = {
    "chatwoot": Sender(
        signatures.chatwoot, _of("event"), secret="the secret of the webhook (Settings, Integrations, Webhooks)"
    ),
    "generic": Sender(
        signatures.standard,
        _of("type"),
        secret="a secret of Standard Webhooks, whsec_ and base64",
        is_secret=signatures.is_standard,
    ),
    "intercom": Sender(
        signatures.intercom,
        _of("topic"),
        frozenset({"ping"}),
        "the client secret of the app (Developer Hub, Basic information)",
    ),
    "shopify": Sender(
        signatures.of_body("x-shopify-hmac-sha256"),
        _named("x-shopify-topic"),
        secret="the client secret of the app, or the key below Settings, Notifications, Webhooks",
    ),
    "stripe": Sender(signatures.stripe, _of("type"), secret="the signing secret of the endpoint, whsec_…"),
    "woocommerce": Sender(
        signatures.of_body("x-wc-webhook-signature"),
        _named("x-wc-webhook-topic"),
        secret="the secret of the webhook (WooCommerce, Settings, Advanced, Webhooks)",
    ),
    "zendesk": Sender(
        signatures.zendesk, _of("type"), secret="the signing secret of the webhook (Admin Center, Webhooks)"
    ),
}
"""By name. A plan says `webhooks: {NAME: {service: …}}`."""
