"""Sends the rows of a file: several requests in flight, and a memory of how far it got."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import msgspec

from console.files.delivery import MAX_BYTES, Collector
from console.files.rows import Item
from profiles.errors import Misconfigured

__all__ = ["Bookmark", "Chunk", "chunks", "deliver", "write_whole"]

EVENTS = 1_000
"""Most events of a chunk: enough that a request's own cost does not count, few enough for a live progress bar."""

IN_FLIGHT = 4


@dataclass(slots=True)
class Chunk:
    """Consecutive rows: acknowledged together, sent to each of their sources."""

    row: int = 0  # the last
    count: int = 0
    size: int = 0
    events: dict[str, list[bytes]] = field(default_factory=dict)  # by source


def chunks(items: Iterable[Item]) -> Iterator[Chunk]:
    """Good rows in portions that a request can carry; bad ones are left out."""
    chunk = Chunk()
    for item in items:
        if item.problem:
            continue
        if chunk.count == EVENTS or chunk.size + len(item.event) + 1 > MAX_BYTES:
            yield chunk
            chunk = Chunk()
        chunk.events.setdefault(item.source, []).append(item.event)
        chunk.row = item.row
        chunk.count += 1
        chunk.size += len(item.event) + 1
    if chunk.count:
        yield chunk


async def deliver(
    portions: Iterable[Chunk],
    collector: Collector,
    keys: Mapping[str, str],
    done: Callable[[Chunk], None],
    in_flight: int = IN_FLIGHT,
) -> None:
    """Send chunks, a few at a time, and call `done` for each in order once all before it are safe as well.

    Raises:
        DeliveryError: one was refused; what `done` was called for is safe.
    """
    window: deque[tuple[Chunk, asyncio.Task[None]]] = deque()
    try:
        for chunk in portions:
            window.append((chunk, asyncio.create_task(_send(chunk, collector, keys))))
            await asyncio.sleep(0)
            if len(window) >= in_flight:
                await _settle(window, done)
        while window:
            await _settle(window, done)
    finally:
        rest = [task for _, task in window]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


async def _settle(window: deque[tuple[Chunk, asyncio.Task[None]]], done: Callable[[Chunk], None]) -> None:
    chunk, task = window[0]
    await task
    window.popleft()
    done(chunk)


async def _send(chunk: Chunk, collector: Collector, keys: Mapping[str, str]) -> None:
    for source, events in chunk.events.items():
        await collector.post(keys[source], events)


class _Mark(msgspec.Struct):
    file: str
    row: int = 0
    events: int = 0
    complete: bool = False


class Bookmark:
    """How far one file has been sent to one server in one way; survives the process.

    Written at most twice a second: what was sent but not noted is sent again after a crash with the same ids, and
    dropped there as a known repeat.
    """

    def __init__(self, data: Path, file: Path, identity: str) -> None:
        name = blake2b(identity.encode(), digest_size=8).hexdigest()
        self.path = data / "sends" / f"{name}.json"
        self._mark = _Mark(file=str(file))
        self._written = 0.0

    @property
    def row(self) -> int:
        """The last row that the collector has."""
        return self._mark.row

    @property
    def events(self) -> int:
        """How many events that makes."""
        return self._mark.events

    @property
    def complete(self) -> bool:
        """Whether that is all."""
        return self._mark.complete

    def load(self) -> None:
        """Take up an earlier run's mark, if there is one.

        Raises:
            Misconfigured: it cannot be read.
        """
        try:
            self._mark = msgspec.json.decode(self.path.read_bytes(), type=_Mark)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"{self.path} cannot be read ({error}); use --restart to begin anew") from error

    def advance(self, chunk: Chunk) -> None:
        """Note a chunk that the collector has."""
        self._mark.row = chunk.row
        self._mark.events += chunk.count
        if time.monotonic() - self._written > 0.5:
            self.save()

    def finish(self) -> None:
        """Note that all was sent."""
        self._mark.complete = True
        self.save()

    def save(self) -> None:
        """Write it, whole or not at all.

        Raises:
            Misconfigured: the data directory cannot be written to.
        """
        write_whole(self.path, msgspec.json.encode(self._mark))
        self._written = time.monotonic()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of the data directory, whole or not at all.

    Raises:
        Misconfigured: the data directory cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written ({error}); give --data-dir with a directory") from error
