"""`type: webhook`: one request a message, signed as Standard Webhooks 1.0.0 says.

`webhook-id` is the message's and the same at each attempt, `webhook-timestamp` that of the attempt. With several
secrets, while one is being replaced by another, each signs.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from plan.sinks.kinds import WebhookSink
from plan.sinks.sink import variable
from profiles.errors import WrongUse
from streams.sinks.http import Call
from streams.sinks.kinds.kind import HttpKind, Told
from streams.sinks.messages import written

__all__ = ["Webhook", "sign"]

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64  # bytes of a secret


class Webhook(HttpKind[WebhookSink]):
    """A receiver of signed requests."""

    variables = {"URL": True, "SECRET": True}  # noqa: RUF012  (the class's own)

    def __init__(self, name: str, spec: WebhookSink, secrets: Mapping[str, SecretStr], plan: str = "") -> None:
        super().__init__(name, spec, secrets, plan)
        self._keys = [_key(name, text) for text in self.secret("SECRET").replace(",", " ").split()]
        if not self._keys:
            raise WrongUse(f"{variable(name, 'SECRET')} is empty: a webhook has to be signed")

    @property
    def hidden(self) -> list[str]:
        return [*super().hidden, *self.secret("SECRET").replace(",", " ").split()]

    def requests(self, told: Told) -> Sequence[Call]:
        (body,) = told.bodies
        payload = written(body)
        headers = {
            "content-type": "application/json",
            "webhook-id": told.id,
            "webhook-timestamp": str(int(told.now)),
            "webhook-signature": " ".join(sign(key, told.id, int(told.now), payload) for key in self._keys),
        }
        return [Call(self.secret("URL"), payload, headers)]


def sign(key: bytes, id_: str, timestamp: int, payload: bytes) -> str:
    """The signature of a request, as `v1,` and base64 of an HMAC-SHA256 of its id, time and body."""
    told = f"{id_}.{timestamp}.".encode() + payload
    return "v1," + base64.b64encode(hmac.digest(key, told, "sha256")).decode()


def _key(name: str, text: str) -> bytes:
    advice = f"{variable(name, 'SECRET')}: write whsec_ and base64 of {_LEAST} to {_MOST} random bytes"
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise WrongUse(f"{advice}, such as from `openssl rand -base64 32`") from None
    if not _LEAST <= len(key) <= _MOST:
        raise WrongUse(f"{advice}; it has {len(key)}")
    return key
