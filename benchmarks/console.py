"""What the console bears at once: pages that people have open, tools that read profiles, and events behind them.

    python -m benchmarks.console --seconds 600

Collector, worker and console are the real commands, on real Apache Kafka and real Redis. What was measured:
docs/benchmarks.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import aiohttp
import orjson
import psutil
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from benchmarks.command import AsJson, Keep, Partitions, command, machine
from benchmarks.http_client import HttpClient
from benchmarks.latency import summary, until_ready
from benchmarks.open_pages import OpenPages, Reads, Visits, name_of, signed_in
from benchmarks.rapport_run import Prepared, environment, prepare
from benchmarks.servers import Servers, child, empty_redis, python, started
from console.access.api_tokens import Tokens
from console.access.people import People
from console.local.process import free_port
from profiles.stores import open_stores
from profiles.types import profile_id
from streams.settings import Settings

__all__ = ["run"]

_WHO, _PASSWORD = "kim", "a benchmark's passphrase"
_A_TOKEN = 80.0  # reads a second by one token, whose limit is 100
_PER_REQUEST = 10
_EVERY = 2.0  # seconds between two names of a watched customer
_PATHS = ("/", "/customers", "/segments", "/models", "/pipeline", "/jobs", "/plan")
_SHARES = {"/live/at-risk": 0.2, "/live/segments": 0.04, "/live/models": 0.03, "/live/pipeline": 0.03}
"""Which pages are open beside those of customers, by their share of all."""


@dataclass
class _Sender:
    """Events at a rate, and among them the names of those whose pages are open."""

    client: HttpClient
    keys: dict[str, str]
    rate: float
    customers: int
    pages: OpenPages | None = None
    accepted: int = 0
    late: float = 0.0  # seconds that sending fell behind at most
    _random: random.Random = field(default_factory=lambda: random.Random(7))
    _version: int = 0
    first: int | None = None  # of customers who are sent an event in turn, before any at random

    async def run(self, seconds: float) -> None:
        watched = len(self.pages.shown) if self.pages else 0
        interval = _PER_REQUEST / self.rate
        next_names = began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(round(seconds / interval)):
                due = began + number * interval
                wait = due - time.monotonic()
                self.late = max(self.late, -wait)
                if wait > 0:
                    await asyncio.sleep(wait)
                if watched and due >= next_names:
                    next_names += _EVERY / watched * _PER_REQUEST
                    tasks.create_task(self.tell_names(watched))
                tasks.create_task(self._post("web", [self._visit() for _ in range(_PER_REQUEST)]))

    async def tell_names(self, watched: int) -> None:
        batch, told = [], []
        for _ in range(_PER_REQUEST):
            version, number = divmod(self._version, watched)
            self._version += 1
            traits = {"name": name_of(number, version)}
            batch.append({"type": "identify", "userId": f"watched-{number}", "traits": traits})
            told.append((number, version))
        await self._post("support", batch)
        now = time.monotonic()
        for number, version in told:
            assert self.pages is not None
            self.pages.accepted(number, version, now)

    async def _post(self, source: str, batch: list[dict[str, Any]]) -> None:
        now = datetime.now(UTC).isoformat()
        for event in batch:
            event |= {"messageId": str(uuid.uuid4()), "timestamp": now}
        status, answer = await self.client.post("/v1/batch", self.keys[source], orjson.dumps({"batch": batch}))
        if status != 200:
            raise RuntimeError(f"the collector answers {status}: {answer[:300].decode()}")
        self.accepted += len(batch)

    def _visit(self) -> dict[str, Any]:
        number = self._random.randrange(self.customers)
        if self.first is not None and self.first < self.customers:
            number, self.first = self.first, self.first + 1
        user = f"customer-{number}"
        properties = {"product_id": f"P{self._random.randrange(400)}", "price": 12.5, "currency": "EUR"}
        return {"type": "track", "event": "Product Viewed", "userId": user, "properties": properties}


@dataclass
class _Load:
    """What is asked for."""

    pages: int
    reads: float
    visits: float
    rate: float
    customers: int
    warmup: float
    seconds: float
    processes: int


def run(
    pages: Annotated[int, typer.Option(min=1, help="Pages that are open.")] = 200,
    reads: Annotated[float, typer.Option(min=1, help="Reads of a profile over the API a second.")] = 1000,
    visits: Annotated[float, typer.Option(min=0.1, help="Whole pages a second.")] = 5,
    rate: Annotated[float, typer.Option(min=10, help="Events a second.")] = 1000,
    customers: Annotated[int, typer.Option(min=1, help="Customers the events are spread over.")] = 20_000,
    warmup: Annotated[float, typer.Option(min=1, help="Seconds before that, not counted.")] = 30.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 60.0,
    processes: Annotated[int, typer.Option(min=1, help="Processes of the console.")] = 1,
    partitions: Partitions = 16,
    as_json: AsJson = False,
    keep: Keep = None,
) -> None:
    """Measure how quickly the console answers with pages open and events coming in, and whether a page misses any."""
    say, load = Console(stderr=True), _Load(pages, reads, visits, rate, customers, warmup, seconds, processes)
    with started(keep) as servers:
        say.print(f"Kafka: {servers.names[0]}. Redis: {servers.names[1]}.")
        empty_redis(servers.redis).close()
        settings = Settings(
            kafka=servers.kafka, redis=SecretStr(servers.redis), topic_prefix=f"console-{uuid.uuid4().hex[:8]}.",
            group="work", partitions=partitions, port=free_port(), metrics_port=free_port(), log_level="warning",
            rate_limit=max(20_000, round(2 * rate)),
        )  # fmt: skip
        figures = _measure(servers, settings, load, say)
        empty_redis(servers.redis).close()
    about = {
        "kafka": servers.names[0], "redis": servers.names[1], "machine": machine(), "pages": pages, "reads": reads,
        "visits": visits, "rate": rate, "seconds": seconds, "partitions": partitions, "processes": processes,
    }  # fmt: skip
    if as_json:
        sys.stdout.write(json.dumps({**about, **figures}, indent=2) + "\n")
    else:
        _print(about, figures)
    if figures["behind"] or figures["broken"]:
        typer.secho("benchmark: pages do not show what was last said", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)


def _measure(servers: Servers, settings: Settings, load: _Load, say: Console) -> dict[str, Any]:
    prepared, logs = prepare(settings), servers.scratch / "roles"
    variables = environment(settings, prepared.path)
    tokens = asyncio.run(_let_in(settings, prepared, load))
    of_console = settings.model_copy(update={"port": free_port()})
    ports = {"RAPPORT_PORT": str(of_console.port)}
    with contextlib.ExitStack() as stack:
        roles = {
            name: stack.enter_context(
                child(servers, python("-m", "console", name, *options), logs / f"{name}.log", variables | more)
            )
            for name, more, options in (
                ("collect", {}, ()),
                ("work", {}, ()),
                ("console", ports, ("--processes", str(load.processes))),
            )
        }
        for part in (settings, of_console):
            until_ready(f"http://{part.host}:{part.port}/ready")
        processes = {name: _with_children(psutil.Process(process.pid)) for name, process in roles.items()}
        say.print(f"{load.pages} pages, {load.reads:g} reads and {load.rate:g} events a second for {load.seconds:g} s…")
        figures = asyncio.run(_play(settings, of_console, prepared, load, tokens, processes))
        if ended := [name for name, process in roles.items() if process.poll() is not None]:
            raise RuntimeError(f"a role has ended by itself: {', '.join(ended)}")
        return figures


async def _let_in(settings: Settings, prepared: Prepared, load: _Load) -> list[str]:
    """Somebody who may see everything, and tokens for the reads."""
    stores = open_stores(settings.redis.get_secret_value(), prepared.plan.namespace, settings.partitions)
    try:
        people = People(stores.access)
        await people.add(_WHO, "admin")
        await people.set_password(_WHO, _PASSWORD)
        made = [
            await Tokens(stores.access).add(f"reads-{number}", ["profiles:read"])
            for number in range(1 + round(load.reads / _A_TOKEN))
        ]
        return [one.text for one in made]
    finally:
        await stores.close()


async def _play(
    settings: Settings, of_console: Settings, prepared: Prepared, load: _Load, tokens: list[str],
    processes: dict[str, list[psutil.Process]],
) -> dict[str, Any]:  # fmt: skip
    namespace = prepared.plan.namespace
    others = [path for path, share in _SHARES.items() for _ in range(round(share * load.pages))]
    watched = [profile_id(namespace, ("user_id", f"watched-{number}")) for number in range(load.pages - len(others))]
    ids = [profile_id(namespace, ("user_id", f"customer-{number}")) for number in range(load.customers)]
    keys = {source.name: source.write_key.get_secret_value() for source in prepared.plan.sources.values()}
    url = f"http://{of_console.host}:{of_console.port}"
    client = HttpClient(settings.host, settings.port)
    session = await signed_in(url, _WHO, _PASSWORD)
    reading = aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0))
    async with client, session, reading:
        open_pages = OpenPages(session, watched, others)
        sender = _Sender(client, keys, load.rate, load.customers, open_pages)
        await _fill(client, keys, load, sender, open_pages)
        open_pages.open()
        asked = Reads(reading, tokens, ids, load.reads)
        visited = Visits(session, [*_PATHS, *(f"/c/{id_}" for id_ in watched[:3])], load.visits)
        async with asyncio.TaskGroup() as tasks:
            whole = load.warmup + load.seconds
            for one in (sender, asked, visited):
                tasks.create_task(one.run(whole))
            await asyncio.sleep(load.warmup)
            asked.count = visited.count = True
            open_pages.seconds.clear()
            before = {name: _cpu(each) for name, each in processes.items()}
            states, began, accepted = open_pages.states, time.monotonic(), sender.accepted
            memory = await _memory(processes["console"], load.seconds)
        took = time.monotonic() - began
        cpu = {name: (_cpu(each) - before[name]) / took for name, each in processes.items()}
        deadline = time.monotonic() + 30
        while open_pages.behind() and time.monotonic() < deadline:  # noqa: ASYNC110  (rare)
            await asyncio.sleep(0.1)
        behind = len(open_pages.behind())
        await open_pages.close()
    return {
        "accepted": sender.accepted - accepted,
        "sending_late": round(sender.late, 2),
        "milliseconds": {
            "read of a profile": summary(asked.seconds),
            "whole page": summary(visited.seconds),
            "event accepted → on its open page": summary(open_pages.seconds),
        },
        "failed": {"reads": asked.failed, "pages": visited.failed},
        "states_a_second": round((open_pages.states - states) / took, 1),
        "behind": behind,
        "broken": open_pages.broken,
        "cores_used": {name: round(share, 2) for name, share in cpu.items()},
        "console_mib": memory,
    }


async def _fill(client: HttpClient, keys: dict[str, str], load: _Load, sender: _Sender, open_pages: OpenPages) -> None:
    """Let there be customers: a read of nobody costs nothing."""
    before = _Sender(client, keys, max(1000.0, load.rate), load.customers, first=0)
    await before.run(load.customers / before.rate + 1)
    for _ in range(len(open_pages.shown) // _PER_REQUEST + 1):
        await sender.tell_names(len(open_pages.shown))
    await asyncio.sleep(10)


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu(processes: list[psutil.Process]) -> float:
    return float(sum(sum(one.cpu_times()[:2]) for one in processes))


async def _memory(processes: list[psutil.Process], seconds: float) -> list[float]:
    """Resident MiB of all of them at the beginning, after each quarter and at the end."""
    found = []
    for quarter in range(5):
        found.append(round(sum(one.memory_info().rss for one in processes) / 2**20, 1))
        if quarter < 4:
            await asyncio.sleep(seconds / 4)
    return found


def _print(about: dict[str, Any], figures: dict[str, Any]) -> None:
    console = Console()
    table = Table(
        title=f"{about['pages']} pages open, {about['reads']:g} reads and {about['rate']:g} events a second for "
        f"{about['seconds']:g} s; {about['machine']}; {about['kafka']}; {about['redis']}"
    )
    table.add_column("milliseconds")
    for heading in ("count", "p50", "p95", "p99", "max"):
        table.add_column(heading, justify="right")
    for name, part in figures["milliseconds"].items():
        row = (f"{part[key]:,.1f}" if key in part else "" for key in ("p50", "p95", "p99", "max"))
        table.add_row(name, f"{part['count']:,}", *row)
    console.print(table)
    console.print(
        f"{figures['accepted']:,} events accepted; {figures['states_a_second']:,} states of pages a second; pages "
        f"behind at the end: {figures['behind']}; broken: {figures['broken']}; failed: {figures['failed']}. "
        "Cores used: "
        + ", ".join(f"{name} {share:.2f}" for name, share in figures["cores_used"].items())
        + ". Console's MiB: "
        + ", ".join(f"{mib:,.0f}" for mib in figures["console_mib"])
        + f". Sending fell behind by {figures['sending_late']} s at most."
    )


if __name__ == "__main__":
    command(run)
