"""HTTP/1.1 as uvicorn speaks it, with an end to what one connection may take of our memory and time.

uvicorn leaves these limits to a proxy in front of it; Rapport must hold without one.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from console.access.proxy import PEER

__all__ = ["BoundedHttp"]


class BoundedHttp(HttpToolsProtocol):
    """One connection. Whoever passes a limit is told so where that is possible, and disconnected."""

    HEAD = 64 * 1024  # bytes of a request besides its body: line, headers, trailers
    PIPELINED = 16  # requests that wait for the answer to one before them
    HEAD_SECONDS = 10.0  # from the connection, or the first byte of the next request, to the end of the headers
    BODY_SECONDS = 60.0  # from there to the end of the body; the collector answers 408 after 30
    ANSWER_SECONDS = 30.0  # that a client may leave its answer unread

    _receiving: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None
    _beside = 0  # bytes received since the parser has last finished a request or delivered a part of its body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(self.HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._expect(None)
        self._stop_sending()

    def data_received(self, data: bytes) -> None:
        if self._receiving is None:
            self._expect(self.HEAD_SECONDS)
        self._beside += len(data)
        super().data_received(data)
        if self._beside > self.HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self.PIPELINED:
            raise ValueError("too many requests at once")  # uvicorn answers 400
        super().on_message_begin()
        self.scope[PEER] = self.client[0] if self.client else None  # type: ignore[literal-required]
        if self._receiving is None:
            self._expect(self.HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._expect(self.BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._beside = 0
        super().on_message_complete()
        self._expect(None)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._sending = self.loop.call_later(self.ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_sending()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.ANSWER_SECONDS, self.transport.abort)  # closing waits for unread answers for ever

    def _expect(self, seconds: float | None) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
        self._receiving = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _stop_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _late(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            self.transport.write(head.encode())
            self.transport.close()
        else:
            self.transport.abort()
