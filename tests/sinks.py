"""Receivers for tests of sinks: a server that answers as it is told to, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Literal, NamedTuple

from streams.sinks.http import Caller

__all__ = ["HERE", "Received", "Receiver", "Reply", "caller", "receiver"]

HERE = (ip_network("127.0.0.0/8"),)


class Received(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Reply(NamedTuple):
    """What is answered."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = {}
    how: Literal["answer", "hang", "drop"] = "answer"  # hang: never; drop: close the connection without a word


class Receiver:
    """Answers the replies that it was given one after the other, and then what `answer` says, or `usual`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.times: list[float] = []  # when each came, seconds since the epoch
        self.replies: deque[Reply] = deque()
        self.usual = Reply()
        self.answer: Callable[[Received], Reply] | None = None
        self.url = ""
        self.port = 0
        self._came = asyncio.Event()

    async def until(self, count: int, seconds: float = 60.0) -> list[Received]:
        """Wait for so many requests."""
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                self._came.clear()
                await self._came.wait()
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        received = Received(method, path, headers, body)
        self.received.append(received)
        self.times.append(time.time())
        self._came.set()
        usual = self.usual if self.answer is None else self.answer(received)
        reply = self.replies.popleft() if self.replies else usual
        if reply.how == "hang":
            await asyncio.sleep(3600)
        if reply.how == "drop":
            return False
        lines = [f"HTTP/1.1 {reply.status} Told", f"content-length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
        await writer.drain()
        return True


@asynccontextmanager
async def receiver(port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on this machine."""
    held = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await held.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    held.port = server.sockets[0].getsockname()[1]
    held.url = f"http://127.0.0.1:{held.port}"
    try:
        yield held
    finally:
        server.close()
        for task in tasks:
            task.cancel()


def caller(timeout: float = 30.0) -> Caller:
    """A caller that may call this machine."""
    return Caller(HERE, timeout=timeout)
