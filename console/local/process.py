"""Child processes that never outlive their parent, each with its own log file."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from console.local import reaper

__all__ = ["Process", "Reaper", "free_port"]


class Reaper:
    """Guards process groups: they end when this process ends, even by SIGKILL. See `console.local.reaper`."""

    def __init__(self) -> None:
        # A session of its own, or Ctrl-C in the terminal would reach the guard too.
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
        )

    def watch(self, group: int) -> None:
        """End this process group when we are gone."""
        self._say(b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """The group has ended; its number may be given to somebody else."""
        self._say(b"-%d\n" % group)

    def close(self) -> None:
        """End the guard, and with it every group that is still watched."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def __enter__(self) -> Reaper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self, line: bytes) -> None:
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guard: we go on without it
            self._guard.stdin.write(line)


class Process:
    """One child process in a session of its own; standard output and error go to `log`.

    Args:
        name: what people call it, e.g. `worker`.
        command: program and arguments.
        log: the log file; the one of the last start is kept beside it as `<log>.1`.
        env: environment, the parent's if None.
        polite: the signal that asks it to stop.
        reaper: ends it when we are gone; None to leave it alone.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        polite: signal.Signals = signal.SIGTERM,
        reaper: Reaper | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.env = env
        self.polite = polite
        self._reaper = reaper
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id; 0 when not started."""
        return self._child.pid if self._child else 0

    @property
    def returncode(self) -> int | None:
        """Exit status (negative: ended by that signal); None while it runs or before it was started."""
        return self._child.poll() if self._child else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start it; nothing happens when it runs already."""
        if self.alive:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env) if self.env is not None else None,
                start_new_session=True,
            )
        if self._reaper:
            self._reaper.watch(self._child.pid)

    def ask(self) -> None:
        """Ask it to stop, without waiting."""
        if self.alive:
            self._signal(signal.SIGCONT)  # a paused process cannot hear
            self._signal(self.polite)

    def stop(self, timeout: float = 5.0) -> None:
        """Ask it to stop, wait up to `timeout` seconds, then kill it with whatever it has started."""
        self.ask()
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(max(timeout, 0.0))
        self.kill()

    def kill(self) -> None:
        """SIGKILL for it and whatever it has started in its session."""
        if self._child is None:
            return
        self._signal(signal.SIGKILL)
        self._child.wait()
        if self._reaper:
            self._reaper.forget(self._child.pid)

    def pause(self) -> None:
        """SIGSTOP, until it has stopped: it holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)
        if self._child is not None and self.alive:  # on a busy machine some threads go on for a moment
            os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._signal(signal.SIGCONT)

    def wait(self, timeout: float) -> bool:
        """Whether it has ended within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self.alive

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 16_384))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def ending(self) -> str:
        """How it ended, for a person: `exit status 2`, `signal SIGKILL`."""
        code = self.returncode
        if code is not None and code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"exit status {code}"

    def _signal(self, number: signal.Signals) -> None:
        assert self._child is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
