"""The usual script: Faust, one event at a time, as its tutorial and River's would have it.

Reads the source topics, keeps a JSON document per customer in Redis, scores it with a River pipeline and keeps a
ranking by score. No plan is checked, no identities are joined, nothing is atomic, a repeat counts twice. Run by
benchmarks/throughput.py with its settings in the environment; says on standard output where it is.
"""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from typing import Any

import faust
from redis.asyncio import Redis

from benchmarks.smaller_job import Progress, features, fold, pretrained

EVENTS = int(os.environ["BENCH_EVENTS"])
TOPICS = os.environ["BENCH_TOPICS"].split(",")

app = faust.App(
    os.environ["BENCH_GROUP"],
    broker=f"kafka://{os.environ['BENCH_KAFKA']}",
    value_serializer="json",
    consumer_auto_offset_reset="earliest",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
)
redis = Redis.from_url(os.environ["BENCH_REDIS"])
model = pretrained()
say = Progress(EVENTS)


@app.agent(app.topic(*TOPICS))  # type: ignore[untyped-decorator]  # Faust ships no types that mypy can use
async def score(events: faust.StreamT[dict[str, Any]]) -> None:
    """Each event: read its customer, change it, score it, write it."""
    async for event in events:
        say.begin()
        customer = event.get("userId") or event["anonymousId"]
        held = await redis.get(f"profile:{customer}")
        profile = fold(json.loads(held) if held else {}, event, datetime.fromisoformat(event["timestamp"]).timestamp())
        risk = model.predict_proba_one(features(profile, time.time())).get(True, 0.0)
        profile["risk"] = risk
        await redis.set(f"profile:{customer}", json.dumps(profile))
        await redis.zadd("risk", {customer: risk})
        say.end(1)


if __name__ == "__main__":
    faust.Worker(app, loglevel="warning", quiet=True, redirect_stdouts=False).execute_from_commandline()
