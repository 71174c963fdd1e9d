"""`rapport collect`, `work`, `console` and `serve`: the roles one by one, as they run in production."""

from __future__ import annotations

import enum
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.logs import log_to_stderr
from plan import load_plan
from streams.settings import Settings

__all__ = ["register"]

Port = Annotated[int | None, typer.Option("--port", help="Port to listen on. Default: RAPPORT_PORT, else 8000.")]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on. Default: RAPPORT_HOST, else 127.0.0.1.")
]


class Part(enum.Enum):
    """What a worker may do alone."""

    ingest = "ingest"
    profile = "profile"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("collect")(collect)
    app.command("work")(work)
    app.command("console")(console)
    app.command("serve", hidden=True)(serve)


def collect(host: Host = None, port: Port = None, plan: PlanFile = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Run the collector: Segment's HTTP API, from SDKs into Kafka.

    Needs RAPPORT_KAFKA. Run as many as you like behind a load balancer; each answers /health and /ready.
    """
    _serve(reach(data_dir, plan, host=host, port=port), collect_=True, api=False)


def console(
    host: Host = None,
    port: Port = None,
    processes: Annotated[
        int, typer.Option("--processes", "-n", min=1, help="Processes that share the port; more than one on Linux.")
    ] = 1,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    listener: Annotated[int | None, typer.Option("--listener", hidden=True)] = None,
) -> None:
    """Run the support API: profiles, segments, alerts and the live feed.

    Needs RAPPORT_KAFKA, RAPPORT_REDIS, and somebody who may come in (`rapport users`, `rapport tokens`, or
    RAPPORT_API_TOKEN). Its documentation is at /docs.
    """
    settings = reach(data_dir, plan, host=host, port=port)
    if processes > 1:
        raise typer.Exit(_consoles(processes, settings))
    _serve(settings, collect_=False, api=True, listener=listener)


def serve(host: Host = None, port: Port = None, plan: PlanFile = None, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Run collector and support API on one port, as `rapport up` does."""
    _serve(reach(data_dir, plan, host=host, port=port), collect_=True, api=True)


def work(
    workers: Annotated[int, typer.Option("--workers", "-n", min=1, help="Processes; at most one per partition.")] = 1,
    only: Annotated[
        Part | None, typer.Option(help="Only this part, in a process of its own; then the other one needs one, too.")
    ] = None,
    topics: Annotated[bool, typer.Option(help="Create the topics that are missing, and check the others.")] = True,
    plan: PlanFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Run stream workers: ingest, profiles, scores, segments, alerts, linker and learner.

    Needs RAPPORT_KAFKA and RAPPORT_REDIS. Workers share the partitions among
    themselves, on one machine or many; the others take over from one that dies within three seconds.
    Where there are cores for it, --only ingest and --only profile beside each other answer sooner than one process.
    """
    settings = reach(data_dir, plan)
    log_to_stderr(settings)
    loaded = load_plan(settings.plan)
    if topics:
        from streams.kafka.admin import ensure_topics  # noqa: PLC0415  (kafka-python takes half a second to import)

        ensure_topics(settings, loaded)
    if workers > 1:
        raise typer.Exit(_run_many(workers, settings, only))
    from streams.worker.runner import run_worker  # noqa: PLC0415  (Faust takes a second to import)

    raise typer.Exit(run_worker(settings, loaded, only.value if only else None))


def _serve(settings: Settings, *, collect_: bool, api: bool, listener: int | None = None) -> None:
    from console.http.serve import serve as serve_http  # noqa: PLC0415  (keeps `rapport --help` quick)

    log_to_stderr(settings)
    bound = None if listener is None else socket.socket(fileno=listener)
    serve_http(settings, load_plan(settings.plan), collect=collect_, api=api, listener=bound)


def _run_many(workers: int, settings: Settings, only: Part | None) -> int:
    """Run workers as processes of their own; when one ends, so do the others, and its status is ours."""
    command = ["work", "--no-topics", *(["--only", only.value] if only else [])]
    first = settings.metrics_port
    ports = [first + number if first else 0 for number in range(workers)]
    return _ended([_start(command, settings, {"RAPPORT_METRICS_PORT": str(port)}) for port in ports])


def _consoles(processes: int, settings: Settings) -> int:
    """The same of consoles, over whose sockets the system spreads what comes to their one port.

    Raises:
        WrongUse: the port is taken, or this system does not spread.
    """
    from console.http.sharing import share  # noqa: PLC0415  (keeps `rapport --help` quick)

    children = []
    for number, listener in enumerate(share(settings.host, settings.port, processes)):
        with listener:
            # What is for operators, of which there is one port, is shown by the first.
            mine = {} if number == 0 else {"RAPPORT_OPERATIONS_PORT": "0"}
            children.append(_start(["console", "--listener", str(listener.fileno())], settings, mine, listener))
    return _ended(children)


def _start(
    command: Sequence[str], settings: Settings, environ: Mapping[str, str], listener: socket.socket | None = None
) -> subprocess.Popen[bytes]:
    env = os.environ | {
        "RAPPORT_KAFKA": settings.kafka,
        "RAPPORT_REDIS": settings.redis.get_secret_value(),
        "RAPPORT_PLAN": str(settings.plan),
        "RAPPORT_HOST": settings.host,
        **environ,
    }
    kept = () if listener is None else (listener.fileno(),)
    return subprocess.Popen([sys.executable, "-P", "-m", "console", *command], env=env, pass_fds=kept)


def _ended(children: Sequence[subprocess.Popen[bytes]]) -> int:
    ended = threading.Event()

    def watch(child: subprocess.Popen[bytes]) -> None:
        child.wait()
        ended.set()

    for child in children:
        threading.Thread(target=watch, args=(child,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        ended.wait()
        return next((child.returncode for child in children if child.returncode), 0)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()
