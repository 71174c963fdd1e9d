"""A server behind a door that lets in one user of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.local import fence
from console.local.process import Process, free_port

FENCE = [sys.executable, "-I", "-S", fence.__file__]
ECHO = """
import socket, sys, threading
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def serve(guest):
    while said := guest.recv(65536):
        print("heard", said[:20], flush=True)
        guest.sendall(said)
    guest.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
STRANGER = """
import encodings.idna, os, socket, sys
os.setgid(65534); os.setuid(65534)
try:
    with socket.socket() as door:
        door.settimeout(60)
        door.connect(("127.0.0.1", int(sys.argv[1])))
        door.sendall(b"let me in")
        print(door.recv(100))
except ConnectionError:
    print(b"")
"""
WIDE = STRANGER.replace("socket.socket()", "socket.socket(socket.AF_INET6)").replace("127.0.0.1", "::ffff:127.0.0.1")
HASTY = STRANGER.replace("print(door.recv(100))", "pass")

pytestmark = pytest.mark.skipif(
    subprocess.run([*FENCE, "--try"], check=False).returncode != 0, reason="this system has no namespaces for us"
)


class Echo:
    """A server that says what it hears, behind the fence."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = [*FENCE, str(self.port), sys.executable, "-c", ECHO, str(self.port)]
        self.process = Process("echo", command, folder / "echo.log", polite=signal.SIGINT)
        self.process.start()
        until = time.monotonic() + 60
        while not self.answers():
            assert time.monotonic() < until, self.process.tail()
            time.sleep(0.02)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def answers(self) -> bool:
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True

    def asked_by_a_stranger(self, script: str = STRANGER) -> str:
        found = subprocess.run(
            [sys.executable, "-c", script, str(self.port)], capture_output=True, text=True, check=True
        )
        return found.stdout.strip()


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Echo]:
    made = Echo(tmp_path)
    yield made
    made.process.kill()


def test_who_started_it_is_served_whole(echo: Echo) -> None:
    """Much at a time, over several connections, each ending when its other end does."""
    sent = os.urandom(3_000_000)
    with echo.connect() as one, echo.connect() as other:
        other.sendall(b"other")
        heard = b""
        for start in range(0, len(sent), 100_000):
            one.sendall(sent[start : start + 100_000])
            while len(heard) < start + 100_000:
                heard += one.recv(1 << 20)
        one.shutdown(socket.SHUT_WR)
        assert one.recv(1) == b""
        assert heard == sent
        assert other.recv(100) == b"other"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_who_started_it_may_come_by_a_socket_of_both_kinds(echo: Echo) -> None:
    """As Java does unless told otherwise: IPv4's address, written as IPv6's."""
    try:
        both = socket.socket(socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6")
    with both:
        both.settimeout(60)
        both.connect(("::ffff:127.0.0.1", echo.port))
        both.sendall(b"wide")
        assert both.recv(100) == b"wide"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_another_user_is_not(echo: Echo) -> None:
    """Nor who is gone before anybody looks whose the connection was."""
    assert echo.asked_by_a_stranger() == "b''"
    if Path("/proc/net/tcp6").exists():
        assert echo.asked_by_a_stranger(WIDE) == "b''"
    for _ in range(20):
        echo.asked_by_a_stranger(HASTY)
    with echo.connect() as mine:
        mine.sendall(b"mine")
        assert mine.recv(100) == b"mine"
    heard = echo.process.tail(1000)
    assert "heard b'mine'" in heard
    assert "let me in" not in heard


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_both_end_together(echo: Echo, number: signal.Signals) -> None:
    """Asked, and also if the fence alone is killed: the program must not stay behind, nor be reached."""
    if number == signal.SIGKILL:
        os.kill(echo.process.pid, number)
    else:
        echo.process.ask()
    assert echo.process.wait(10)
    assert not echo.answers()
