"""How services sign what they send, and whether a signature is of ours: one function a way of signing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from profiles.times import parse_time

__all__ = [
    "TOLERANCE", "BadSignature", "Verify", "chatwoot", "intercom", "is_standard", "of_body", "standard", "stripe",
    "zendesk",
]  # fmt: skip

TOLERANCE = 300.0
"""Seconds that a signed time may be away from ours: later, a request may be one that somebody recorded."""

Verify = Callable[[bytes, Mapping[str, str], Sequence[str], float], None]
"""Takes body, headers (any case), secrets (two while they change over) and the present time, seconds; raises
BadSignature."""


class BadSignature(Exception):
    """A request that is not of whom it should be, or of another time; the message says which of them, and nothing else.

    Args:
        message: for whoever set the webhook up.
        late: whether only its time is wrong.
    """

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


def stripe(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
    """`Stripe-Signature: t=1700000000,v1=HEX[,v1=HEX]`: HMAC-SHA-256 of "t.body"
    (https://docs.stripe.com/webhooks/signature)."""
    parts = [part.strip().partition("=") for part in _header(headers, "stripe-signature").split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    _check(given, (mac.hexdigest() for mac in _macs(secrets, at.encode() + b"." + body)))
    _check_time(at, now)


def chatwoot(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
    """`X-Chatwoot-Signature: sha256=HEX` of "X-Chatwoot-Timestamp.body"."""
    at = _header(headers, "x-chatwoot-timestamp")
    given = _header(headers, "x-chatwoot-signature").removeprefix("sha256=")
    _check([given], (mac.hexdigest() for mac in _macs(secrets, at.encode() + b"." + body)))
    _check_time(at, now)


def zendesk(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
    """`X-Zendesk-Webhook-Signature`: base64 of the HMAC-SHA-256 of its timestamp (RFC 3339) and the body
    (https://developer.zendesk.com/documentation/webhooks/verifying/)."""
    at = _header(headers, "x-zendesk-webhook-signature-timestamp")
    given = _header(headers, "x-zendesk-webhook-signature")
    _check([given], map(_base64, _macs(secrets, at.encode() + body)))
    _check_time(at, now)


def intercom(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
    """`X-Hub-Signature: sha1=HEX`: HMAC-SHA-1 of the body with the app's client secret. It signs no time."""
    given = _header(headers, "x-hub-signature").removeprefix("sha1=")
    _check([given], (hmac.new(secret.encode(), body, hashlib.sha1).hexdigest() for secret in secrets))


def of_body(header: str) -> Verify:
    """Base64 of the HMAC-SHA-256 of the body in a header, as Shopify and WooCommerce do. It signs no time."""

    def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
        _check([_header(headers, header)], map(_base64, _macs(secrets, body)))

    return verify


def standard(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
    """Standard Webhooks 1.0.0, by the scheme's own library: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Its clock is the machine's."""
    named = {name: _header(headers, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    why = "there is no secret"
    for secret in secrets:
        try:
            Webhook(secret).verify(body, named, json_parse=False)  # whatever it is, it is theirs
        except (WebhookVerificationError, ValueError) as error:
            why = str(error)
        else:
            return
    raise BadSignature(f"not signed by the secret that is set here, or of another time: {why}")


def is_standard(secret: str) -> bool:
    """Whether a text can be a secret of Standard Webhooks."""
    try:
        Webhook(secret)
    except (EmptyWebhookSecretError, ValueError):
        return False
    return True


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise BadSignature(f"the header {name} is missing")
    return value


def _macs(secrets: Sequence[str], signed: bytes) -> Iterator[hmac.HMAC]:
    return (hmac.new(secret.encode(), signed, hashlib.sha256) for secret in secrets)


def _base64(mac: hmac.HMAC) -> str:
    return base64.b64encode(mac.digest()).decode()


def _check(given: Sequence[str], expected: Iterator[str]) -> None:
    """Whether one of those given is one of those expected; how long that takes says nothing of either."""
    known = list(expected)
    found = [hmac.compare_digest(one.encode(), other.encode()) for one in given[:8] for other in known]
    if not any(found):
        raise BadSignature("the signature is not of this body by the secret that is set here")


def _check_time(at: str, now: float) -> None:
    try:
        signed = float(at) if at.isdecimal() else parse_time(at)
    except ValueError:
        raise BadSignature("the signed time cannot be read") from None
    if abs(now - signed) > TOLERANCE:
        raise BadSignature(f"it was signed over {TOLERANCE:g} seconds ago, or is to be", late=True)
