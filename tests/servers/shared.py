"""One Kafka for all processes of a test run: whoever needs it first starts it, whoever leaves last ends it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from console.local.embedded import Server
from console.local.process import Reaper
from tests.servers.given import GivenKafka, KafkaServer

__all__ = ["shared_kafka"]


_LEFT: list[Server] = []
"""Started here and still used by others: Python would complain of a process that nobody waits for."""


class _Known(msgspec.Struct):
    """What the processes tell each other."""

    bootstrap: str
    group: int  # of processes
    users: int = 0


@contextlib.contextmanager
def shared_kafka(place: Path, reaper: Reaper, start: Callable[[], KafkaServer]) -> Iterator[KafkaServer]:
    """A server that others may use, too. If this process is killed, the server goes with it.

    Args:
        place: a folder of the run.
        reaper: of this process.
        start: starts a server; what is no child of ours (Docker's, somebody's) is not shared.
    """
    note = place / "kafka.json"
    with _alone(place):
        known = msgspec.json.decode(note.read_bytes(), type=_Known) if note.exists() else None
        if known is None or not known.users:
            server = start()
            known = _Known(server.bootstrap, server.process.pid) if isinstance(server, Server) else None
        else:
            server = GivenKafka(known.bootstrap)
            reaper.watch(known.group)
        _count(note, known, 1)
    try:
        yield server
    finally:
        if known is None:
            server.stop()
        else:
            with _alone(place):
                known = msgspec.json.decode(note.read_bytes(), type=_Known)
                _count(note, known, -1)
                reaper.forget(known.group)
                if known.users:
                    if isinstance(server, Server):
                        _LEFT.append(server)
                elif isinstance(server, Server):
                    server.kill()  # nobody needs its data
                else:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(known.group, signal.SIGKILL)


def _count(note: Path, known: _Known | None, change: int) -> None:
    if known is not None:
        known.users += change
        note.write_bytes(msgspec.json.encode(known))


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One process at a time; the others wait until there is a server."""
    with (place / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
