"""One port for several processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from console.http.sharing import share
from console.local.process import free_port
from profiles.errors import WrongUse
from tests import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections over processes")


def test_connections_to_one_port_are_spread_over_its_sockets() -> None:
    listeners = share("127.0.0.1", 0, 3)
    port = listeners[0].getsockname()[1]
    assert {one.getsockname()[1] for one in listeners} == {port}
    made = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    took = []
    for listener in listeners:
        listener.setblocking(False)
        count = 0
        while True:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                break
            count += 1
        took.append(count)
    assert sum(took) == 200
    assert min(took) > 20
    for each in (*made, *listeners):
        each.close()


def test_a_port_that_somebody_else_has_is_not_shared_with_them() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other, pytest.raises(WrongUse, match="listen on"):
        share("127.0.0.1", other.getsockname()[1], 2)


def test_two_consoles_answer_at_one_port_and_end_together() -> None:
    port = free_port()
    environ = os.environ | {
        "RAPPORT_KAFKA": "127.0.0.1:9", "RAPPORT_REDIS": "redis://127.0.0.1:9/0", "PYTHONPATH": str(REPOSITORY),
        "RAPPORT_API_TOKEN": "token-of-the-tests",
    }  # fmt: skip
    command = [sys.executable, "-P", "-m", "console", "console", "--processes", "2", "--port", str(port)]
    parent = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE)
    try:
        _until(lambda: len(_children(parent.pid)) == 2)
        children = _children(parent.pid)
        _until(lambda: all(asyncio.run(_answers(port)) for _ in range(3)))
        os.kill(children[0], signal.SIGTERM)
        parent.wait(20)
        _until(lambda: not any(os.path.exists(f"/proc/{one}") for one in children))
    finally:
        parent.terminate()
        parent.communicate(timeout=20)


async def _answers(port: int) -> bool:
    """Whether each of many connections, which are spread over both, is answered."""

    async def ask() -> int:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"http://127.0.0.1:{port}/health")).status_code

    try:
        return set(await asyncio.gather(*(ask() for _ in range(16)))) == {200}
    except httpx.HTTPError:
        return False


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(one) for one in file.read().split()]


def _until(done) -> None:  # type: ignore[no-untyped-def]
    last = time.monotonic() + 60
    while not done():
        assert time.monotonic() < last
        time.sleep(0.2)
