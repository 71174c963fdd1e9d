"""The body of one request: read and decompressed within limits. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from profiles.errors import RapportError

__all__ = ["Body", "Limits", "Refused"]


class Refused(RapportError):
    """A request that is refused as a whole; `status`, `code` and the message go to the sender."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may hold. The SDKs stay below all of these by default."""

    request: int = 500 * 1024  # bytes as sent
    body: int = 4 * 1024 * 1024  # bytes after decompression: the largest batch that RudderStack's SDKs build
    events: int = 2_500  # in one request
    event: int = 32 * 1024  # bytes of one event as sent
    shared: int = 32 * 1024  # bytes of a batch's context, and of its integrations
    stamped: int = 16 * 1024 * 1024  # bytes of a request's events as they go to Kafka, with what their batch shares
    message_id: int = 100  # characters


_SLICE = 16 * 1024  # bytes inflated at a time: what follows a member's end is copied for each of many tiny members


class Body:
    """Collects the body of one request; never holds more than the limits allow.

    It is decompressed only when all of it has come: a sender that stalls holds no more room than it has sent bytes.
    Gzip is known by its first bytes, not by `Content-Encoding`: proxies add and remove that header, and JSON can
    never begin like gzip.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sent = bytearray()

    def __len__(self) -> int:
        return len(self._sent)

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes.

        Raises:
            Refused: 413 when there are too many.
        """
        if len(self._sent) + len(chunk) > self._limits.request:
            limit = self._limits.request
            raise Refused(413, "request_too_large", f"the request is over {limit} bytes; send smaller batches")
        self._sent += chunk

    def finish(self) -> bytes:
        """The whole body, decompressed.

        Raises:
            Refused: 400 when there is none or the compressed data is broken, 413 when it is too large decompressed.
        """
        body = _inflated(self._sent, self._limits.body) if self._sent.startswith(b"\x1f\x8b") else bytes(self._sent)
        if not body.strip():
            raise Refused(400, "empty_body", "the request has no body; send one JSON object")
        return body


def _inflated(packed: bytearray, limit: int) -> bytes:
    plain = bytearray()
    gzip = zlib.decompressobj(wbits=31)
    for start in range(0, len(packed), _SLICE):
        chunk = bytes(packed[start : start + _SLICE])
        while chunk:
            if gzip.eof:  # gzip may be several members, one after the other
                gzip = zlib.decompressobj(wbits=31)
            try:
                plain += gzip.decompress(chunk, limit - len(plain) + 1)
            except zlib.error as error:
                raise Refused(400, "invalid_gzip", f"the gzip data is broken: {error}") from None
            if len(plain) > limit:
                raise Refused(413, "request_too_large", f"the request is over {limit} bytes when decompressed")
            chunk = gzip.unconsumed_tail or gzip.unused_data
    if not gzip.eof:
        raise Refused(400, "invalid_gzip", "the gzip data ends too early")
    return bytes(plain)
