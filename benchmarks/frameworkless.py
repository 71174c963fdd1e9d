"""The smaller job without a framework and in batches: what a loop over aiokafka can do at best.

The same documents, features and River model as the usual script, but one MGET and one pipeline of writes for
everything that one fetch brings, and offsets committed after that. Run by benchmarks/throughput.py.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis

from benchmarks.smaller_job import Progress, features, fold, pretrained

EVENTS = int(os.environ["BENCH_EVENTS"])
BATCH = int(os.environ["BENCH_BATCH"])


async def main() -> None:
    """Read, fold and write batches until all events have been."""
    redis = Redis.from_url(os.environ["BENCH_REDIS"])
    model = pretrained()
    say = Progress(EVENTS)
    consumer = AIOKafkaConsumer(
        *os.environ["BENCH_TOPICS"].split(","),
        bootstrap_servers=os.environ["BENCH_KAFKA"],
        group_id=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
            events = [orjson.loads(record.value) for records in fetched.values() for record in records]
            if events:
                say.begin()
                await _apply(redis, model, events)
                await consumer.commit()
                say.end(len(events))
    finally:
        await consumer.stop()
        await redis.aclose()


async def _apply(redis: Redis, model: Any, events: list[dict[str, Any]]) -> None:
    customers = list({event.get("userId") or event["anonymousId"]: None for event in events})
    held = await redis.mget([f"profile:{customer}" for customer in customers])
    profiles = {customer: orjson.loads(raw) if raw else {} for customer, raw in zip(customers, held, strict=True)}
    for event in events:
        at = datetime.fromisoformat(event["timestamp"]).timestamp()
        fold(profiles[event.get("userId") or event["anonymousId"]], event, at)
    now = time.time()
    for profile in profiles.values():
        profile["risk"] = model.predict_proba_one(features(profile, now)).get(True, 0.0)
    async with redis.pipeline(transaction=False) as pipeline:
        pipeline.mset({f"profile:{customer}": orjson.dumps(profile) for customer, profile in profiles.items()})
        pipeline.zadd("risk", {customer: profile["risk"] for customer, profile in profiles.items()})
        await pipeline.execute()


if __name__ == "__main__":
    asyncio.run(main())
