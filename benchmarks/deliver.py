"""How soon alerts arrive: so many through three sinks, one of which is dead.

    python -m benchmarks.deliver                         10,000 alerts, 100 a second
    python -m benchmarks.deliver --alerts 1000 --rate 50

One process of `rapport deliver` on real Kafka and Redis; receivers are in this process and answer at once, the dead one
500. Measured is the time from an alert's record on its topic to its request at the receiver, by one clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
import uuid
from pathlib import Path

import psutil
from pydantic import SecretStr

from benchmarks.servers import started
from streams.kafka.output import BatchProducer
from streams.settings import Settings
from tests.sinks import Receiver, Reply, receiver
from tests.telling import Telling

__all__ = ["main"]

_TICK = 0.1  # seconds between two batches of alerts


async def measure(settings: Settings, scratch: Path, alerts: int, rate: float) -> dict[str, object]:
    """Let alerts open at a rate; answer how soon they arrived."""
    async with receiver() as one, receiver() as other, receiver() as dead:
        dead.usual = Reply(500, b"no")
        telling = Telling(settings, scratch, {"one": one.url, "other": other.url, "dead": dead.url})
        await telling.begin(customers=alerts)
        with (scratch / "deliver.log").open("wb") as log:
            process = telling.start(log)
        try:
            await telling.ready()
            usage = psutil.Process(process.pid)
            before = usage.cpu_times()
            began = time.time()
            await _open(telling, rate)
            opened = time.time() - began
            for held in (one, other):
                await held.until(alerts, 600)
            after = usage.cpu_times()
            return {
                "alerts": alerts,
                "rate": round(alerts / opened, 1),
                "seconds": {"one": _seconds(telling, one), "other": _seconds(telling, other)},
                "repeats": len(one.received) + len(other.received) - 2 * alerts,
                "attempts_at_the_dead_one": len(dead.received),
                "cpu_ms_per_alert": round(1000 * (after.user + after.system - before.user - before.system) / alerts, 2),
                "rss_mb": round(usage.memory_info().rss / 1e6),
            }
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


async def _open(telling: Telling, rate: float) -> None:
    producer = BatchProducer(telling.settings)
    await producer.start()
    try:
        began, sent = time.monotonic(), 0
        while sent < len(telling.profiles):
            due = min(int((time.monotonic() - began + _TICK) * rate), len(telling.profiles))
            if due > sent:
                await producer.produce([telling.opening(profile) for profile in telling.profiles[sent:due]])
                sent = due
            await asyncio.sleep(_TICK)
    finally:
        await producer.stop()


def _seconds(telling: Telling, held: Receiver) -> dict[str, float]:
    first: dict[str, float] = {}
    for at, one in zip(held.times, held.received, strict=True):
        first.setdefault(one.headers["webhook-id"].partition("risk:")[0], at)
    took = sorted(first[id_] - alert.opened for id_, alert in telling.alerts.items())
    return {name: round(took[min(int(share * len(took)), len(took) - 1)], 3) for name, share in _SHARES.items()}


_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def main() -> None:
    """Measure once and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=100.0, help="alerts a second")
    asked = parser.parse_args()
    with started() as servers:
        name = f"b{uuid.uuid4().hex[:8]}"
        settings = Settings(
            kafka=servers.kafka,
            redis=SecretStr(servers.redis),
            topic_prefix=f"{name}.",
            group=name,
            partitions=4,
            port=0,
        )
        found = asyncio.run(measure(settings, servers.scratch, asked.alerts, asked.rate))
        print(json.dumps({"servers": servers.names, **found}, indent=2))


if __name__ == "__main__":
    main()
