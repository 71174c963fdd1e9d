"""The body of one request: read within limits, decompressed as it comes. Pure."""

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
    message_id: int = 100  # characters


class Body:
    """Collects the body of one request, decompressing as it comes; never holds more than the limits allow.

    Gzip is known by its first bytes, not by `Content-Encoding`: proxies add and remove that header, and JSON can
    never begin like gzip.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._received = 0
        self._plain = bytearray()
        self._head = b""
        self._gzip: zlib._Decompress | None = None
        self._decided = False

    def __len__(self) -> int:
        return len(self._plain)

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes.

        Raises:
            Refused: 413 when a limit is passed, 400 when the compressed data is broken.
        """
        self._received += len(chunk)
        if self._received > self._limits.request:
            limit = self._limits.request
            raise Refused(413, "request_too_large", f"the request is over {limit} bytes; send smaller batches")
        if not self._decided:
            self._head += chunk
            if len(self._head) < 2:
                return
            self._decided, chunk, self._head = True, self._head, b""
            if chunk[:2] == b"\x1f\x8b":
                self._gzip = zlib.decompressobj(wbits=31)
        if self._gzip is None:
            self._plain += chunk
        else:
            self._inflate(chunk)

    def finish(self) -> bytes:
        """The whole body, decompressed.

        Raises:
            Refused: 400 when there is none, or when the compressed data ends too early.
        """
        if self._gzip is not None and not self._gzip.eof:
            raise Refused(400, "invalid_gzip", "the gzip data ends too early")
        body = bytes(self._plain) + self._head
        if not body.strip():
            raise Refused(400, "empty_body", "the request has no body; send one JSON object")
        return body

    def _inflate(self, chunk: bytes) -> None:
        while chunk:
            if self._gzip is None or self._gzip.eof:  # gzip may be several members, one after the other
                self._gzip = zlib.decompressobj(wbits=31)
            room = self._limits.body - len(self._plain)
            try:
                self._plain += self._gzip.decompress(chunk, room + 1)
            except zlib.error as error:
                raise Refused(400, "invalid_gzip", f"the gzip data is broken: {error}") from None
            if len(self._plain) > self._limits.body:
                limit = self._limits.body
                raise Refused(413, "request_too_large", f"the request is over {limit} bytes when decompressed")
            chunk = self._gzip.unconsumed_tail or self._gzip.unused_data
