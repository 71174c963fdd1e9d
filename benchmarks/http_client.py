"""A small HTTP/1.1 client with kept-alive connections: what sends must cost little beside what is measured."""

from __future__ import annotations

import asyncio
import base64
from types import TracebackType

__all__ = ["HttpClient"]


class HttpClient:
    """Posts JSON to one server; opens as many connections as there are requests at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, writer in self._idle:
            writer.close()

    async def post(self, path: str, user: str, body: bytes) -> tuple[int, bytes]:
        """(status, body) of the answer; `user` goes into Basic authorization."""
        key = base64.b64encode(f"{user}:".encode()).decode()
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Basic {key}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        while self._idle:
            reader, writer = self._idle.pop()
            try:
                return await self._ask(reader, writer, head.encode() + body)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()  # it had been idle for long, and the server closed it
        return await self._ask(*await asyncio.open_connection(self._host, self._port), head.encode() + body)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> tuple[int, bytes]:
        writer.write(request)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next((int(line.partition(":")[2]) for line in answer if line.startswith("content-length:")), 0)
        content = await reader.readexactly(length)
        if "connection: close" in answer:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(answer[0].split()[1]), content
