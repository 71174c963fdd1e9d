"""One port for several processes, each with a socket of its own: the system spreads connections over them.

Over a socket that all accept from, a burst of browsers that come back would all go to the first process that wakes, and
their streams would stay there.
"""

from __future__ import annotations

import socket
import sys

from profiles.errors import WrongUse

__all__ = ["share"]

_WAITING = 2048  # connections that nobody has taken yet


def share(host: str, port: int, processes: int) -> list[socket.socket]:
    """Listening sockets, one for each process; of port 0 they share one that is free.

    Raises:
        WrongUse: the port is taken or not ours to use, or this system does not spread.
    """
    if sys.platform != "linux":
        raise WrongUse("only Linux spreads connections over several processes: run one, or several behind a proxy")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listeners: list[socket.socket] = []
    try:
        if port:
            socket.create_server((host, port), family=family).close()  # those of somebody else would share it with us
        for _ in range(processes):
            listeners.append(socket.create_server((host, port), family=family, backlog=_WAITING, reuse_port=True))
            port = listeners[0].getsockname()[1]
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise WrongUse(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listeners
