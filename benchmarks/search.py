"""What a search costs on many customers: time by the shape of the query, and bytes of the index a customer.

`python -m benchmarks.search --customers 1000000` starts a Redis and writes customers with a name, an address, a number
and orders through the store, as workers do. It asks the API's own route, in this process, without HTTP.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any

import httpx
import typer

from benchmarks.command import AsJson, command, machine
from console.access.limiting import Limiter
from console.access.scopes import Viewer
from console.api import create_api
from console.local.process import Reaper
from profiles.search.terms import Searchable, members_of, terms_of
from profiles.state import Limits, apply
from profiles.store import Changes
from profiles.stores import open_stores
from profiles.stores.keys import Keys
from profiles.stores.redis import RedisStore, connect
from profiles.stores.setup import check_setup
from profiles.types import Event, Profile, partition_of, profile_id
from tests.console.support_api import PLAN, TOKEN, api_deps
from tests.servers import first_that_runs, redis_candidates

__all__ = ["run"]

_PARTITIONS = 16
_START = 1_750_000_000.0
_FIRST = ["Daan", "Emma", "Sem", "Julia", "Lucas", "Mila", "Levi", "Tess", "Finn", "Zoë", "Noah", "Sara", "Liam", "Eva"]
_LAST = [
    "de Vries",
    "Jansen",
    "van Dam",
    "Bakker",
    "Visser",
    "Smit",
    "Meijer",
    "de Boer",
    "Mulder",
    "Bos",
    "Vos",
    "Peters",
]
_ENDS = "abcdefghijklmnopqrstuvwxyz"


def run(
    customers: Annotated[int, typer.Option(min=1000, help="Customers in the store.")] = 200_000,
    asked: Annotated[int, typer.Option(min=10, help="Queries of each shape, one after the other.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Measure the search."""
    with tempfile.TemporaryDirectory(prefix="rapport-benchmark-") as scratch, Reaper() as reaper:
        candidate, redis, _ = first_that_runs(redis_candidates(), Path(scratch), reaper)
        try:
            found = asyncio.run(_measure(redis.url, customers, asked))
        finally:
            redis.stop()
    if as_json:
        print(json.dumps({"machine": machine(), "redis": candidate.name, **found}, indent=2))
        return
    print(f"{customers:,} customers, {candidate.name}, {machine()}")
    print(f"index: {found['entries']:.1f} entries and {found['bytes']:.0f} bytes a customer")
    print(f"{'':<28}{'p50 ms':>9}{'p95 ms':>9}{'found':>8}")
    for name, row in found["shapes"].items():
        print(f"{name:<28}{row['p50']:>9.1f}{row['p95']:>9.1f}{row['found']:>8.1f}")


def _person(number: int) -> tuple[str, str, str]:
    random = Random(number)
    last = random.choice(_LAST)[:-1] + random.choice(_ENDS) + random.choice(_ENDS)
    return random.choice(_FIRST) + random.choice(_ENDS), last, f"+316{number:08}"


def _people(count: int) -> Iterator[Profile]:
    limits = Limits()
    for number in range(count):
        first, last, phone = _person(number)
        identity = ("user_id", str(number))
        one = Profile(profile_id(PLAN.namespace, identity))
        mail = f"{first}.{last.replace(' ', '')}{number}@example.com".lower()
        traits = {"firstName": first, "lastName": last, "email": mail, "phone": phone}
        for place, (kind, role, subject) in enumerate(
            [("identify", "", ""), ("track", "purchase", f"ORD-{number}-1"), ("track", "purchase", f"ORD-{number}-2"),
             ("track", "ticket_opened", f"T-{number}")]
        ):  # fmt: skip
            at = _START + number + place
            event = Event(one.id, str(place), "web", kind, "Something", role, at, at, [identity], subject=subject)
            event.traits = {} if place else traits
            apply(one, event, "EUR", limits)
        one.terms = terms_of(one, Searchable())
        yield one


def _queries(count: int, customers: int) -> dict[str, list[str]]:
    random = Random(2)
    people = [(number, *_person(number)) for number in random.choices(range(customers), k=count)]
    return {
        "three letters of a name": [first[:3] for _, first, _, _ in people],
        "a whole first name": [first for _, first, _, _ in people],
        "two words": [f"{last.split()[-1][:4]} {first[:3]}" for _, first, last, _ in people],
        "beginning of an address": [f"{first}.{last.replace(' ', '')}{number}@ex" for number, first, last, _ in people],
        "end of a number": [f"{number:08}"[-5:] for number, *_ in people],
        "a whole number": [phone for *_, phone in people],
        "an order": [f"ord-{number}-1" for number, *_ in people],
        "a user id, by key": [str(number) for number, *_ in people],
        "nobody": [f"zzq{number}" for number, *_ in people],
    }


class _Unlimited(Limiter):
    """Lets somebody ask as often as this does."""

    async def wait(self, viewer: Viewer, action: str, cost: int = 1) -> int:
        return 0


async def _measure(url: str, customers: int, asked: int) -> dict[str, Any]:
    client = connect(url)
    try:
        await check_setup(client, partitions=_PARTITIONS, namespace=PLAN.namespace, pii_key=b"k" * 32, segments={})
        await _fill(RedisStore(client), customers)
        keys = [Keys.of(number).search for number in range(_PARTITIONS)]
        entries = sum([await client.zcard(key) for key in keys])
        used = sum([await client.memory_usage(key, samples=0) for key in keys])
        stores = open_stores(url, PLAN.namespace, _PARTITIONS)
        transport = httpx.ASGITransport(create_api(api_deps(stores.reader, limiter=_Unlimited())))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=60) as http:
            shapes = {name: await _ask(http, texts) for name, texts in _queries(asked, customers).items()}
        await stores.reader.close()
        return {"entries": entries / customers, "bytes": used / customers, "shapes": shapes}
    finally:
        await client.aclose()


async def _fill(store: RedisStore, count: int) -> None:
    waiting: dict[int, list[Profile]] = {partition: [] for partition in range(_PARTITIONS)}
    versions = dict.fromkeys(waiting, 0)

    async def write(partition: int) -> None:
        profiles, waiting[partition] = waiting[partition], []
        found = [member for one in profiles for member in members_of(one.id, one.terms)]
        changes = Changes(versions[partition], profiles=profiles, found=found)
        versions[partition] = await store.commit(partition, changes)

    for profile in _people(count):
        partition = partition_of(profile.id, _PARTITIONS)
        waiting[partition].append(profile)
        if len(waiting[partition]) == 500:
            await write(partition)
    for partition in waiting:
        await write(partition)


async def _ask(http: httpx.AsyncClient, texts: list[str]) -> dict[str, float]:
    taken, rows = [], 0
    await http.get("/v1/search", params={"q": texts[0]})  # connections
    for text in texts:
        began = time.perf_counter()
        answer = await http.get("/v1/search", params={"q": text})
        taken.append(1000 * (time.perf_counter() - began))
        rows += len(answer.json()["data"])
    taken.sort()
    return {
        "p50": taken[len(taken) // 2], "p95": taken[int(0.95 * len(taken))], "found": rows / len(texts),
    }  # fmt: skip


if __name__ == "__main__":
    command(run)
