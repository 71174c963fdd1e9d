"""What others wait while one thing floods the installation: merges of strangers, or the events of one customer.

    python -m benchmarks.storm               # 100,000 unknown browsers become 20,000 people at once
    python -m benchmarks.storm --hot 0.3     # instead, 30 % of all events are one customer's

Collector and worker are the real commands, on an Apache Kafka and a Redis of the benchmark's own. Meanwhile ten other
customers a second order, and each order is looked for until it can be read. What it came to: docs/guarantees.md. The
parts are those of tests/integration/faults.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import orjson
import typer
from kafka import KafkaProducer
from pydantic import SecretStr
from rich.console import Console

from benchmarks.command import AsJson, Keep, Partitions, command, machine
from benchmarks.faults import SESSION_TIMEOUT, own_servers
from benchmarks.servers import REPOSITORY
from streams.kafka.topics import topic_name
from streams.settings import Settings
from tests.integration.faults.storm import BROWSERS, Latency, Others, StormOutcome, ride_out, storm_plan, weather
from tests.integration.faults.trial import Trial

__all__ = ["run"]

_CUSTOMERS = 20_000
_WARM = 5.0  # seconds of the steady rate that are not counted


def run(
    browsers: Annotated[int, typer.Option(min=100, help="Unknown browsers.")] = 100_000,
    people: Annotated[int, typer.Option(min=2, help="People they turn out to be.")] = 20_000,
    largest: Annotated[int, typer.Option(min=1, max=BROWSERS, help="Browsers of the first of them.")] = 1000,
    hot: Annotated[float, typer.Option(min=0, max=0.99, help="Instead: share of one customer in all events.")] = 0.0,
    rate: Annotated[int, typer.Option(min=10, help="--hot: events a second.")] = 1000,
    seconds: Annotated[float, typer.Option(min=5, help="--hot: how long without, and how long with that one.")] = 30.0,
    workers: Annotated[int, typer.Option(min=1, help="Workers.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the storm.")] = 1,
    partitions: Partitions = 8,
    as_json: AsJson = False,
    keep: Keep = None,
) -> None:
    """Measure how long others wait. If a storm leaves anything lost, doubled or wrong, the exit status is 1."""
    for clients in ("kafka", "aiokafka"):
        logging.getLogger(clients).setLevel(logging.CRITICAL)
    say = Console(stderr=True)
    clean = True
    with own_servers(keep) as (kafka, redis, directory, reaper):
        plan = storm_plan(REPOSITORY / "tracking_plan.yaml", directory)
        settings = Settings(
            kafka=kafka.bootstrap, redis=SecretStr(redis.url), plan=plan,
            topic_prefix=f"storm-{uuid.uuid4().hex[:8]}.", group="work", partitions=partitions, port=0, seen=65_536,
            session_timeout=SESSION_TIMEOUT, log_level="info",
        )  # fmt: skip

        def tell(line: str) -> None:
            say.print(line, highlight=False, markup=False, soft_wrap=True)

        with Trial(settings, kafka, redis, directory / "logs", reaper, seed, tell) as trial:
            trial.fleet.start(workers)
            about: dict[str, Any] = {"machine": machine(), "workers": workers, "partitions": partitions}
            if hot:
                latencies = _beside_a_hot_customer(trial, hot, rate, seconds)
                body = {**about, "hot": hot, "rate": rate, "seconds": seconds, **msgspec.to_builtins(latencies)}
                head = f"{rate:,} events a second, {hot:.0%} of one customer"
            else:
                came = ride_out(trial, weather(browsers, people, largest, seed))
                latencies, clean = {"before it": came.calm, "during it": came.storm}, came.outcome.verdict.clean
                body, head = {**about, **msgspec.to_builtins(came)}, _in_words(came)
                for example in came.outcome.verdict.examples:
                    say.print(example, style="red", markup=False, highlight=False)
    table = _markdown(latencies, f"{about['machine']}: {head}")
    sys.stdout.write(json.dumps(body, indent=2) + "\n" if as_json else table)
    if not clean:
        raise typer.Exit(1)


def _beside_a_hot_customer(trial: Trial, hot: float, rate: int, seconds: float) -> dict[str, Latency]:
    """What others wait while events come evenly from all customers, and then while one of them sends so many."""
    settings, plan = trial.fleet.settings, trial.fleet.plan
    topic = topic_name(settings, plan.sources["web"].topic)
    share, stopped = 0.0, threading.Event()

    def send() -> None:
        producer = KafkaProducer(bootstrap_servers=settings.kafka, acks="all", enable_idempotence=False, linger_ms=2)
        sent, began = 0, time.monotonic()
        while not stopped.wait(0.01):
            for number in range(sent, due := int((time.monotonic() - began) * rate)):
                name = "hot" if number % 1000 < share * 1000 else f"browser-{number % _CUSTOMERS}"
                moment = datetime.now(UTC).isoformat()
                event = {
                    "type": "page", "name": "Product", "anonymousId": name, "messageId": f"m{number}",
                    "timestamp": moment,
                }  # fmt: skip
                producer.send(topic, orjson.dumps(event), name.encode())
            sent = due
        producer.close()

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    trial.watch.until_live(120)
    others = Others(settings, plan, 10.0)
    try:
        time.sleep(_WARM)
        begin = time.monotonic()
        time.sleep(seconds)
        share, turn = hot, time.monotonic()
        time.sleep(seconds)
        end = time.monotonic()
    finally:
        stopped.set()
        others.stop()
        sending.join()
    return {
        "all alike": Latency.of(others.latencies(begin, turn)),
        "one sends more": Latency.of(others.latencies(turn, end)),
    }


def _in_words(came: StormOutcome) -> str:
    verdict = came.outcome.verdict
    faults = ", ".join(f"{kind} {count:,}" for kind, count in verdict.faults.items())
    return (
        f"{verdict.merges:,} merges in {came.seconds:,.0f} s ({verdict.merges / came.seconds:,.0f} a second); the "
        f"largest profile has {verdict.largest:,} identities; {came.over_limits} profiles are over a limit; "
        f"at most {came.most_waiting:,} records waited in profile.events; {faults}"
    )


def _markdown(latencies: dict[str, Latency], head: str) -> str:
    lines = [
        f"{head}.",
        "",
        "| orders of others, from Kafka's having one until it can be read, s | orders | p50 | p99 | longest |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {when} | {one.count:,} | {one.p50:.2f} | {one.p99:.2f} | {one.longest:.2f} |"
        for when, one in latencies.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    command(run)
