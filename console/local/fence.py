"""Puts a server that asks nobody who they are behind a door that lets in one user of this machine.

The embedded broker listens on 127.0.0.1, where every user may connect. So it gets a network of its own (Linux's
namespaces), which nobody else is in. The door stays outside, on the same port: whose a connection is stands in
`/proc/net/tcp`, or in `tcp6` where the guest's socket speaks IPv6 as well (proc(5)), and what is of another user, root
excepted, is closed before a byte of it is read.

Run by its path, with nothing but the standard library: `fence.py --try` ends with 0 where this system lets us do that,
`fence.py PORT PROGRAM ARGUMENT…` does it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["main"]

HOST = "127.0.0.1"
START = 30.0
"""Seconds that the program may take until it listens."""

_NEWUSER, _NEWNET = 0x10000000, 0x40000000  # sched.h
_SIOCSIFFLAGS, _UP = 0x8914, 0x1  # netdevice(7)
_PDEATHSIG = 1  # prctl(2)
_ESTABLISHED = "01"
_CHUNK = 1 << 18
_MAPPED = "".join(f"{word:08X}" for word in struct.unpack("=3I", bytes(10) + b"\xff\xff"))
"""`::ffff:` as in /proc/net/tcp6: words in the order of the machine's bytes."""


def main(arguments: list[str]) -> int:
    """Answers the exit status."""
    if arguments == ["--try"]:
        return 0 if _is_possible() else 1
    port, command = int(arguments[0]), arguments[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program hears it, and we end with it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    door = Door(port)
    _enter_own_network()
    program = subprocess.Popen(command, preexec_fn=_begin)  # noqa: PLW1509  (there are no threads yet)
    threading.Thread(target=door.serve, args=(program,), daemon=True).start()
    status = program.wait()
    return status if status >= 0 else 128 - status


class Door:
    """Listens in the network that it is made in, and passes on to the one that we are in by then.

    Args:
        port: of both.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._outside = socket.socket()
        self._outside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._outside.bind((HOST, port))
        self._connections = list(_tables())
        self._allowed = {os.getuid(), 0}

    def serve(self, program: subprocess.Popen[bytes]) -> None:
        """Let in whom we may, once the program listens."""
        deadline = time.monotonic() + START
        while program.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, self._port), timeout=1).close()
                break
            if time.monotonic() > deadline:
                program.kill()
            time.sleep(0.005)
        self._outside.listen(128)
        while True:
            guest, address = self._outside.accept()
            if self._owner(address) in self._allowed:
                threading.Thread(target=self._pass_on, args=(guest,), daemon=True).start()
            else:
                guest.close()

    def _owner(self, address: tuple[str, int]) -> int | None:
        """The user whose connection comes from an address; None if it is closed already, and nobody's therefore."""
        from_, to = _written(address), _written((HOST, self._port))
        for prefix, connections in self._connections:
            wanted = (prefix + from_, prefix + to, _ESTABLISHED)
            for line in _whole(connections).splitlines()[1:]:
                _, local, remote, state, _, _, _, user, *_ = line.split()
                if (local, remote, state) == wanted:
                    return int(user)
        return None

    def _pass_on(self, guest: socket.socket) -> None:
        with guest:
            try:
                inside = socket.create_connection((HOST, self._port))
            except OSError:
                return
            with inside:
                back = threading.Thread(target=_copy, args=(inside, guest), daemon=True)
                back.start()
                _copy(guest, inside)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """All that comes, until its end; then that end, too."""
    target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one of them is gone: so is the other, then
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _tables() -> Iterator[tuple[str, BinaryIO]]:
    """The connections of the network that we are in, for good; before each what stands there before an IPv4 address."""
    yield "", open("/proc/net/tcp", "rb", buffering=0)  # noqa: SIM115
    with contextlib.suppress(FileNotFoundError):  # a system without IPv6
        yield _MAPPED, open("/proc/net/tcp6", "rb", buffering=0)  # noqa: SIM115


def _whole(table: BinaryIO) -> str:
    """As it is now."""
    table.seek(0)
    return b"".join(iter(lambda: table.read(1 << 16), b"")).decode()


def _written(address: tuple[str, int]) -> str:
    """As in /proc/net/tcp: `0100007F:1F40`."""
    host, port = address
    return f"{struct.unpack('=I', socket.inet_aton(host))[0]:08X}:{port:04X}"


def _is_possible() -> bool:
    """Whether this system lets us; tried in a child, since there is no way back."""
    if not sys.platform.startswith("linux"):
        return False
    child = os.fork()
    if not child:
        try:
            with open("/proc/net/tcp", "rb"):
                _enter_own_network()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _enter_own_network() -> None:
    """Leave the network for one that has nothing but a loopback.

    Raises:
        OSError: the system does not let us.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEWUSER | _NEWNET):
        raise OSError(ctypes.get_errno(), "no namespaces")
    with socket.socket() as any_:
        fcntl.ioctl(any_, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _UP))


def _begin() -> None:
    """The program ends with us, and hears what we do not."""
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
