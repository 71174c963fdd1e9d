"""Running a worker as a process of its own."""

from __future__ import annotations

import asyncio
import gc

import faust
import uvloop
from prometheus_client import start_http_server

from streams.app import create_worker
from streams.plan import Plan
from streams.settings import Settings

__all__ = ["run_worker"]


def run_worker(settings: Settings, plan: Plan) -> int:
    """Run until a signal comes; answer the exit status."""
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.host)
    # What was imported never becomes garbage, and a batch makes tens of thousands of objects that all die together:
    # collecting as often as Python does by default takes a fifth of the worker's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # the consumer's thread gets one, too
    asyncio.set_event_loop(asyncio.new_event_loop())
    worker = faust.Worker(
        create_worker(settings, plan),
        loglevel=settings.log_level,
        redirect_stdouts=False,
        quiet=True,
        loop=asyncio.get_event_loop(),
        override_logging=False,
    )
    try:
        worker.execute_from_commandline()
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 1
    return 0
