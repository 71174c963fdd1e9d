"""How long after its acceptance an event is in the profile, on the changes topic, and in an alert.

    python -m benchmarks.latency --rate 1000 --seconds 60

Collector and worker are the real commands, on real Apache Kafka and real Redis; events go in over HTTP as SDKs send
them. All times are read from one clock, this process's. What is measured, and what it came to: docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
import uuid
from typing import Annotated, Any

import httpx
import psutil
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from benchmarks.command import AsJson, Keep, Partitions, command, machine
from benchmarks.followers import Followers
from benchmarks.histogram import quantiles_of
from benchmarks.http_client import HttpClient
from benchmarks.rapport_run import environment, prepare
from benchmarks.sender import Sender
from benchmarks.servers import Servers, child, empty_redis, python, started
from console.local.process import free_port
from streams.settings import Settings

__all__ = ["run", "summary", "until_ready"]

QUANTILES = (0.5, 0.9, 0.95, 0.99)


def run(
    rate: Annotated[int, typer.Option(min=10, help="Events a second.")] = 1000,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 60.0,
    warmup: Annotated[float, typer.Option(min=0, help="Seconds before that, sent but not counted.")] = 10.0,
    per_request: Annotated[int, typer.Option(min=1, max=500, help="Events in one request.")] = 10,
    customers: Annotated[int, typer.Option(min=1, help="Customers the events are spread over.")] = 20_000,
    split: Annotated[bool, typer.Option(help="Ingest and profiles as two processes (rapport work --only).")] = False,
    partitions: Partitions = 16,
    as_json: AsJson = False,
    keep: Keep = None,
) -> None:
    """Measure the time from HTTP 200 to the readable profile and to the alert, at a steady rate."""
    say = Console(stderr=True)
    with started(keep) as servers:
        say.print(f"Kafka: {servers.names[0]}. Redis: {servers.names[1]}.")
        empty_redis(servers.redis).close()
        settings = Settings(
            kafka=servers.kafka, redis=SecretStr(servers.redis), topic_prefix=f"latency-{uuid.uuid4().hex[:8]}.",
            group="work", partitions=partitions, port=free_port(), metrics_port=free_port(), log_level="warning",
            api_token=SecretStr(uuid.uuid4().hex), rate_limit=max(20_000, 2 * rate),
        )  # fmt: skip
        figures = _measure(servers, settings, Sender(rate, per_request, customers), warmup, seconds, say, split)
        empty_redis(servers.redis).close()
        about = {
            "kafka": servers.names[0],
            "redis": servers.names[1],
            "machine": machine(),
            "split": split, "rate": rate, "seconds": seconds, "per_request": per_request, "partitions": partitions,
        }  # fmt: skip
    if as_json:
        sys.stdout.write(json.dumps({**about, **figures}, indent=2) + "\n")
    else:
        _print(about, figures)
    if figures["missing"]["profiles"] or figures["missing"]["alerts"]:
        typer.secho("benchmark: some events have not arrived", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)


def _measure(
    servers: Servers, settings: Settings, sender: Sender, warmup: float, seconds: float, say: Console, split: bool
) -> dict[str, Any]:
    prepared = prepare(settings)
    variables = environment(settings, prepared.path)
    logs = servers.scratch / "roles"
    parts: dict[str, list[str]] = {"work": []}
    if split:
        parts = {"profile": ["--only", "profile"], "ingest": ["--only", "ingest"]}
    with contextlib.ExitStack() as stack:
        serve = stack.enter_context(child(servers, python("-m", "console", "serve"), logs / "serve.log", variables))
        roles = {"serve": serve}
        for number, (name, arguments) in enumerate(parts.items()):
            command_ = python("-m", "console", "work", *arguments)
            port = {"RAPPORT_METRICS_PORT": "0"} if number else {}
            roles[name] = stack.enter_context(child(servers, command_, logs / f"{name}.log", variables | port))
        url = f"http://{settings.host}:{settings.port}"
        until_ready(f"{url}/ready")
        say.print(f"Sending {sender.rate:,} events a second for {warmup + seconds:g} s…")
        used = {name: psutil.Process(process.pid) for name, process in roles.items()}

        async def go() -> tuple[Followers, float]:
            keys = {source.name: source.write_key.get_secret_value() for source in prepared.plan.sources.values()}
            client = HttpClient(settings.host, settings.port)
            async with Followers(settings, prepared.plan) as followers, client:
                await sender.run(client, keys, followers, warmup)
                followers.count = True
                before = {name: sum(process.cpu_times()[:2]) for name, process in used.items()}
                began = time.monotonic()
                await sender.run(client, keys, followers, seconds)
                took = time.monotonic() - began
                followers.cpu = {
                    name: (sum(process.cpu_times()[:2]) - before[name]) / took for name, process in used.items()
                }
                await followers.until_all_arrived(30)
                return followers, took

        followers, took = asyncio.run(go())
        if ended := [name for name, process in roles.items() if process.poll() is not None]:
            raise RuntimeError(f"a role has ended by itself: {', '.join(ended)}")
        metrics = httpx.get(f"http://{settings.host}:{settings.metrics_port}/metrics", timeout=10).text
        return {
            "accepted": followers.accepted,
            "achieved_rate": round(followers.accepted / took, 1),
            "milliseconds": {name: summary(values) for name, values in followers.latencies().items()},
            "worker_histogram_ms": quantiles_of(metrics, "rapport_end_to_end_seconds", QUANTILES),
            "commit_histogram_ms": quantiles_of(metrics, "rapport_commit_seconds", QUANTILES),
            "cores_used": {name: round(share, 2) for name, share in followers.cpu.items()},
            "missing": followers.missing(),
        }


def until_ready(url: str) -> None:
    """Wait until a role answers that it is ready.

    Raises:
        RuntimeError: it is not after a minute.
    """
    deadline = time.monotonic() + 60
    answer = "nothing"
    while time.monotonic() < deadline:
        try:
            response = httpx.get(url, timeout=5)
            answer = response.text
            if response.status_code == 200:
                return
        except httpx.TransportError as error:
            answer = str(error)
        time.sleep(0.25)
    raise RuntimeError(f"Rapport is not ready after a minute: {answer}")


def summary(values: list[float]) -> dict[str, float]:
    """Quantiles in milliseconds, by rank."""
    ordered = sorted(values)
    figures: dict[str, float] = {"count": len(ordered)}
    if ordered:
        for share in QUANTILES:
            at = min(len(ordered) - 1, round(share * (len(ordered) - 1)))
            figures[f"p{share * 100:g}"] = round(1000 * ordered[at], 1)
        figures["max"] = round(1000 * ordered[-1], 1)
    return figures


def _print(about: dict[str, Any], figures: dict[str, Any]) -> None:
    console = Console()
    table = Table(
        title=f"{about['rate']:,} events/s for {about['seconds']:g} s, {about['per_request']} a request; "
        f"{about['machine']}; {about['kafka']}; {about['redis']}"
    )
    table.add_column("milliseconds")
    for heading in ("events", "p50", "p90", "p99", "max"):
        table.add_column(heading, justify="right")
    for name, part in figures["milliseconds"].items():
        row = (
            f"{part['count']:,}",
            *(f"{part[key]:,.1f}" if key in part else "" for key in ("p50", "p90", "p99", "max")),
        )
        table.add_row(name, *row)
    for name in ("worker_histogram_ms", "commit_histogram_ms"):
        part = figures[name]
        table.add_row(name, f"{part['count']:,.0f}", *(f"≤ {part[key]:,.0f}" for key in ("p50", "p90", "p99")), "")
    console.print(table)
    console.print(
        f"{figures['accepted']:,} events accepted, {figures['achieved_rate']:,.0f} a second. Cores used: "
        + ", ".join(f"{name} {share:.2f}" for name, share in figures["cores_used"].items())
        + f". Not arrived: {figures['missing']}."
    )


if __name__ == "__main__":
    command(run)
