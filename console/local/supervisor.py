"""Runs a handful of child processes as one: all start, all live, all stop together."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, TypeVar

from console.local.embedded import Server
from console.local.process import Process, Reaper
from profiles.errors import RapportError

__all__ = ["ChildEnded", "StopAsked", "Supervisor"]

T = TypeVar("T")

ROLES_TIMEOUT = 6.0
"""Seconds that the roles have to finish what they hold; the servers get what remains of ten."""


class ChildEnded(RapportError):
    """A child process ended that should not have; the message says which, how, and the end of its log."""


class StopAsked(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP arrived. Not an Exception, so that no `except Exception` keeps us alive."""


class Supervisor:
    """Children in the order of their start, and the signals that end them. A context manager.

    Leaving the block stops everything: roles first and together, then the servers that they need.
    A second signal while stopping kills what is left at once.
    """

    def __init__(self) -> None:
        self._reaper = Reaper()
        self._roles: list[Process] = []
        self._servers: list[Server] = []
        self._signals = 0
        self._before: dict[signal.Signals, Any] = {}

    @property
    def reaper(self) -> Reaper:
        """Ends the children should this process be killed."""
        return self._reaper

    def serve(self, server: Server, timeout: float) -> None:
        """Start a server and wait until it answers.

        Raises:
            Misconfigured: it did not come up in time.
        """
        self._servers.append(server)
        server.start()
        server.ready(timeout)

    def run(self, name: str, command: list[str], log: Path, env: Mapping[str, str]) -> Process:
        """Start a role; from now on its end is noticed."""
        process = Process(name, command, log, env=env, reaper=self._reaper)
        self._roles.append(process)
        process.start()
        return process

    def release(self, process: Process) -> None:
        """This role has done its work and may end."""
        self._roles.remove(process)
        process.stop()

    def check(self) -> None:
        """Raises StopAsked after a signal, ChildEnded when a child has ended."""
        if self._signals:
            raise StopAsked
        for process in (*self._roles, *(server.process for server in self._servers)):
            if not process.alive:
                lines = process.tail() or "(its log is empty)"
                raise ChildEnded(f"the {process.name} ended ({process.ending()}). The end of {process.log}:\n{lines}")

    def until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait for a condition while watching the children; False when the time is over."""
        deadline = time.monotonic() + timeout
        while True:
            self.check()
            if condition():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)

    def patiently(self, work: Callable[[], T]) -> T:
        """The result of something slow, done in a thread, so that signals and dying children are noticed."""
        results: list[T] = []
        errors: list[BaseException] = []

        def body() -> None:
            try:
                results.append(work())
            except BaseException as error:  # handed to the caller below
                errors.append(error)

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        while thread.is_alive():
            self.check()
            thread.join(0.05)
        if errors:
            raise errors[0]
        return results[0]

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stop_all()
        finally:
            self._reaper.close()
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _stop_all(self) -> None:
        heard = self._signals
        deadline = time.monotonic() + ROLES_TIMEOUT
        for process in self._roles:
            process.ask()
        while any(process.alive for process in self._roles):
            if time.monotonic() > deadline or self._signals > heard:
                break
            time.sleep(0.02)
        for process in self._roles:
            process.kill()
        for server in reversed(self._servers):
            server.stop(1.0 if self._signals <= heard else 0.0)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
