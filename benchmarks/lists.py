"""What a page of the support API's lists costs on 200,000 profiles: time, and commands and bytes of Redis.

`python -m benchmarks.lists` starts a Redis, writes the profiles through the store, as workers do, and then asks the
API's own routes, in this process and without HTTP. Half of the customers have one and the same risk.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx

from console.api import create_api
from console.local.process import Reaper
from profiles.store import Changes
from profiles.stores import open_stores
from profiles.stores.redis import RedisStore, connect
from profiles.stores.setup import check_setup
from profiles.types import Alert, Profile, Reason, Score, Stay, partition_of, profile_id
from tests.console.support_api import TOKEN, api_deps
from tests.servers import first_that_runs, redis_candidates

__all__ = ["main"]

NAMESPACE = uuid.UUID("6b1c0e5e-8d6b-4f3a-9a52-0d7d2b8f4c11")
PARTITIONS = 16
START = 1_750_000_000.0
TIE = 0.5
INSIDE_THE_TIE = base64.urlsafe_b64encode(f"{TIE!r} n".encode()).decode().rstrip("=")
"""The cursor behind a customer of this risk and the id "n"."""

SEGMENTS = {"half": 0.5, "loyal": 0.1, "few": 0.001}
STATES = ("open", "acknowledged", "resolved", "cleared")
LISTS = {
    "alerts, open": "/v1/alerts?state=open",
    "alerts, acknowledged": "/v1/alerts?state=acknowledged",
    "alerts, all": "/v1/alerts?",
    "members of a large segment": "/v1/segments/half/members?",
    "members of a small segment": "/v1/segments/few/members?",
    "by risk": "/v1/profiles?",
    "by risk, inside the tie": "/v1/profiles?",
    "by risk in a large segment": "/v1/profiles?segment=half",
    "by risk in a segment of low risk": "/v1/profiles?segment=loyal",
    "by risk in a small segment": "/v1/profiles?segment=few",
    "sizes of the segments": "/v1/segments",
    "/ready": "/ready",
}


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lists", description=__doc__)
    parser.add_argument("--profiles", type=int, default=200_000)
    parser.add_argument("--pages", type=int, default=30, help="pages of each list, one after the other")
    parser.add_argument("--limit", type=int, default=50, help="rows of a page")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rapport-benchmark-") as scratch, Reaper() as reaper:
        candidate, redis, _ = first_that_runs(redis_candidates(), Path(scratch), reaper)
        try:
            found = asyncio.run(_measure(redis.url, options.profiles, options.pages, options.limit))
        finally:
            redis.stop()
    if options.json:
        json.dump({"redis": candidate.name, **found}, sys.stdout, indent=2)
        return
    print(f"{options.profiles:,} profiles, pages of {options.limit}, {candidate.name}")
    print(f"{'commit of 1,000 profiles':<34}{found['commit']:>9.1f} ms of CPU")
    print(f"{'':<34}{'p50 ms':>9}{'p95 ms':>9}{'commands':>10}{'Redis CPU':>10}{'KB':>9}")
    for name, row in found["lists"].items():
        numbers = f"{row['p50']:>9.1f}{row['p95']:>9.1f}{row['commands']:>10.0f}{row['redis']:>10.2f}{row['kb']:>9.0f}"
        print(f"{name:<34}{numbers}")


def people(count: int) -> Iterator[Profile]:
    """Customers; the upper half of them in one tie, the loyal at the lower end, a third with an alert."""
    random = Random(1)
    for number in range(count):
        id_ = profile_id(NAMESPACE, ("user_id", str(number)))
        updated = START + number
        risk = TIE if number % 2 else round(random.random(), 6)
        segments = {name: Stay(updated) for name, share in SEGMENTS.items() if random.random() < share}
        if risk > 0.2:
            segments.pop("loyal", None)
        reasons = [Reason(f"reason_{n}", 0.1 * n, 1.0 * n) for n in range(3)]
        profile = Profile(id_, created=START, updated=updated, segments=segments, scheduled_at=updated + 86400.0)
        profile.score = Score(risk, "medium", updated, "churn-7", reasons)
        profile.identities = {"user_id": {str(number): START}, "email": {f"person{number}@shop.example": START}}
        profile.traits = {f"trait_{n}": ("some value", START, b"12345678") for n in range(40)}
        profile.seen = random.randbytes(160)
        if number % 3 == 0:
            state = random.choices(STATES, (1, 1, 8, 90))[0]
            alert = Alert(f"{number:032x}", "at_risk", state, updated, updated, risk, reasons=reasons, model="churn-7")
            profile.alerts = {"at_risk": alert}
        yield profile


async def _measure(url: str, count: int, pages: int, limit: int) -> dict[str, Any]:
    client = connect(url)
    try:
        await check_setup(client, partitions=PARTITIONS, namespace=NAMESPACE, pii_key=b"k" * 32, segments=SEGMENTS)
        before = await _cpu(client)
        await _fill(RedisStore(client), count)
        commit = 1000 * (await _cpu(client) - before) / (count / 1000)
        await client.hset("rapport:workers", "worker-1", int(time.time()) + 3600)
        stores = open_stores(url, NAMESPACE, PARTITIONS)
        reader = stores.reader

        async def somebody_works() -> None:
            assert await reader.workers()

        checks = {"redis": reader.ping, "workers": somebody_works}
        api = create_api(api_deps(reader, checks=checks, paused=stores.sources.paused))
        transport = httpx.ASGITransport(api)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=120) as http:
            rows = {
                name: await _pages(http, client, path, pages, limit, INSIDE_THE_TIE if "tie" in name else None)
                for name, path in LISTS.items()
            }
        await reader.close()
        return {"commit": commit, "lists": rows}
    finally:
        await client.aclose()


async def _fill(store: RedisStore, count: int) -> None:
    waiting: dict[int, list[Profile]] = {partition: [] for partition in range(PARTITIONS)}
    versions = dict.fromkeys(waiting, 0)

    async def write(partition: int) -> None:
        profiles, waiting[partition] = waiting[partition], []
        versions[partition] = await store.commit(
            partition,
            Changes(
                versions[partition],
                profiles=profiles,
                entered=[(name, one.id, stay.since) for one in profiles for name, stay in one.segments.items()],
                alerts=[(one.id, alert) for one in profiles for alert in one.alerts.values()],
            ),
        )

    for profile in people(count):
        partition = partition_of(profile.id, PARTITIONS)
        waiting[partition].append(profile)
        if len(waiting[partition]) == 1000:
            await write(partition)
    for partition in waiting:
        await write(partition)


async def _pages(
    http: httpx.AsyncClient, client: Any, path: str, pages: int, limit: int, cursor: str | None
) -> dict[str, float]:
    if not path.startswith("/v1/") or path == "/v1/segments":
        step = path
    else:
        step = f"{path}{'' if path.endswith('?') else '&'}limit={limit}"
    taken: list[float] = []
    await http.get(step)  # connections, scripts
    before, sent = await _counts(client)
    for _ in range(pages):
        began = time.perf_counter()
        answer = await http.get(step, params=None if cursor is None else {"cursor": cursor, **_query(step)})
        taken.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{step}: {answer.status_code} {answer.text}")
        cursor = answer.json().get("next")
    after, received = await _counts(client)
    ordered = sorted(taken)
    return {
        "p50": ordered[len(ordered) // 2],
        "p95": ordered[int(0.95 * len(ordered))],
        "commands": (after[0] - before[0]) / pages,
        "redis": 1000 * (after[1] - before[1]) / pages,
        "kb": (received - sent) / 1024 / pages,
    }


def _query(path: str) -> dict[str, str]:
    return dict(httpx.URL(path).params)


async def _counts(client: Any) -> tuple[tuple[int, float], int]:
    """(commands, those inside scripts too, and seconds of CPU that Redis took for them), bytes that it has sent."""
    stats = await client.info("commandstats")
    calls = sum(row["calls"] for name, row in stats.items() if name not in {"cmdstat_info", "cmdstat_config"})
    return (calls, await _cpu(client)), (await client.info("stats"))["total_net_output_bytes"]


async def _cpu(client: Any) -> float:
    used = await client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


if __name__ == "__main__":
    main()
