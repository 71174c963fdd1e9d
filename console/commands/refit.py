"""`rapport models refit`: grow the nightly survival model, once or every night."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from typing import Annotated, Any

import msgspec
import typer

from console.clients.reach import PlanFile, reach
from console.clients.target import DEFAULT_DATA_DIR, DataDir
from console.terminal.logs import log_to_stderr
from console.terminal.output import AsJson, out, print_json, warn
from console.terminal.progress import adding, progress
from models.durations import DAY, parse_duration
from plan import Plan, load_plan
from profiles.errors import Misconfigured, RapportError, WrongUse
from streams.settings import Settings

__all__ = ["register"]

log = logging.getLogger(__name__)

HELP = """Grow the nightly survival model from snapshots of customers and what came of them, and hand it to the learner.

It reads the learner's log (`training.examples`, a month), and what it kept of earlier nights in RAPPORT_ARCHIVE, grows
trees by gradient boosting, and puts them at the end of that log. The learner judges the model `survival` beside the
others, workers ask it without scikit-learn. May be stopped at any moment; run one. Needs `pip install '.[nightly]'`.

    rapport models refit                    every RAPPORT_REFIT_EVERY seconds, else every 24 hours, until Ctrl-C
    rapport models refit --every 12h
    rapport models refit --once             now, with a progress bar, for cron and for trying it
    rapport models show survival            what became of it: how good it is, since when
"""

_CONNECT = 15.0  # seconds for Kafka to answer at the start
_AGAIN = 300.0  # seconds until a night that failed is tried again


def register(app: typer.Typer) -> None:
    """Add the command to `rapport models`, or to what `rapport up` starts."""

    @app.command(help=HELP)
    def refit(
        once: Annotated[bool, typer.Option("--once", help="Now, and end then.")] = False,
        every: Annotated[
            str | None, typer.Option(help="How often, such as 24h. [default: RAPPORT_REFIT_EVERY, else 24h]")
        ] = None,
        plan: PlanFile = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
        as_json: AsJson = False,
    ) -> None:
        if once and every:
            raise WrongUse("--once and --every exclude one another")
        settings = reach(data_dir, plan)
        pause = _seconds(every) or settings.refit_every or DAY
        log_to_stderr(settings)
        _require_library()
        asyncio.run(_run(settings, load_plan(settings.plan), None if once else pause, as_json=as_json))


def _seconds(every: str | None) -> float | None:
    try:
        seconds = parse_duration(every) if every else None
    except ValueError as error:
        raise WrongUse(f"--every {every!r}: {error}") from error
    return seconds


def _require_library() -> None:
    from models.nightly.growing import can_grow  # noqa: PLC0415  (models take a while to import)

    if not can_grow():
        raise Misconfigured("growing the nightly model needs scikit-learn: pip install '.[nightly]'")


async def _run(settings: Settings, plan: Plan, every: float | None, *, as_json: bool) -> None:
    """Once if `every` is None, else until a signal."""
    from prometheus_client import REGISTRY, CollectorRegistry, start_http_server  # noqa: PLC0415  (keeps `--help` quick)

    from streams.clock import WALL  # noqa: PLC0415  (same)
    from streams.kafka.log import KafkaLog  # noqa: PLC0415  (same)
    from streams.kafka.output import BatchProducer  # noqa: PLC0415  (same)
    from streams.nightly.gauges import RefitMetrics  # noqa: PLC0415  (same)
    from streams.nightly.refit import refit  # noqa: PLC0415  (same)

    kafka, producer = KafkaLog(settings, connect=_CONNECT), BatchProducer(settings)
    metrics = RefitMetrics(CollectorRegistry() if every is None else REGISTRY)
    if settings.metrics_port and every is not None:
        start_http_server(settings.metrics_port, addr=settings.host)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def night() -> float:
        with progress(quiet=every is not None) as bar:
            reading = adding(bar("reading and growing"))
            found = await refit(kafka, producer, settings, plan, WALL.now, metrics, reading)
        _show([msgspec.to_builtins(one) for one in found], as_json)
        return every or 0.0

    try:
        while not stop.is_set():
            grown = asyncio.create_task(night())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait((grown, stopped), return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not grown.done():
                grown.cancel()
                return
            try:
                pause = grown.result()
            except RapportError as error:
                if every is None:
                    raise
                metrics.failures.inc()
                log.warning("%s; it is tried again in %.0f s", error, _AGAIN)
                pause = min(_AGAIN, every)
            if every is None:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
    finally:
        await producer.stop()


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(found, indent=False)
        return
    for one in found:
        whose = f"{one['churn']}: " if one["churn"] else ""
        if one["model"] is None:
            warn(f"{whose}too little is known to grow a model: {one['snapshots']:,} snapshots with a final label")
        else:
            out.print(
                f"{whose}{one['model']}, grown on {one['snapshots']:,} snapshots in {one['seconds']:.1f} s, "
                f"is with the learner ({one['bytes']:,} bytes)"
            )
