"""A port of its own for operators and their tools."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import APIRouter, FastAPI

from console.api.error_answers import handle_errors
from console.http.protocol import BoundedHttp
from profiles.errors import WrongUse

__all__ = ["add_operations", "listen"]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        WrongUse: the port is taken, or not ours to use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise WrongUse(f"cannot listen on {host}:{port} ({error.strerror}): set RAPPORT_OPERATIONS_PORT") from error


def add_operations(app: FastAPI, listener: socket.socket, router: APIRouter) -> None:
    """Serve a router on a port of its own for as long as an application lives."""
    beside = FastAPI(title="Rapport operations", openapi_url=None, redirect_slashes=False)
    beside.include_router(router)
    handle_errors(beside)
    inner = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def life(owner: FastAPI) -> AsyncIterator[None]:
        server = _Beside(
            uvicorn.Config(
                beside, access_log=False, log_config=None, lifespan="off", http=BoundedHttp, ws="none", loop="asyncio",
                timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with inner(owner):
                yield
        finally:
            server.should_exit = True
            await serving

    app.router.lifespan_context = life


class _Beside(uvicorn.Server):
    """A second server of a process: signals are for the first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
