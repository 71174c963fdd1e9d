"""The load test: a history gives the same in one file or four, by one worker or three, some killed, on real servers."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from console.demo.simulate import simulate
from models.durations import DAY, WEEK
from plan import load_plan
from profiles.documents import decode_profile
from profiles.stores import open_stores
from profiles.stores.redis import connect
from streams.settings import Settings
from tests import REPOSITORY
from tests.b2b import b2b_log
from tests.integration.rapport import PLAN, Rapport, environment, running
from tests.properties.history import time_of
from tests.properties.test_history import nearly

WEEKS = 18


def history(start: float) -> list[dict[str, Any]]:
    """A shop's customers and a few companies, in no order."""
    events = [*simulate(11, 14, start, start + WEEKS * WEEK), *b2b_log(start, WEEKS, accounts=4)]
    random.Random(1).shuffle(events)
    return events


def write(path: Path, events: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    return path


def load(rapport: Rapport, data_dir: Path, files: Sequence[Path], *, kill: bool = False) -> None:
    """`rapport load`, in steps of a day; killed once in the middle, and run again."""
    command = [sys.executable, "-P", "-m", "console", "load", *map(str, files), "--yes", "--step", "24"]
    command += ["--data-dir", str(data_dir), "--json"]
    env = {**os.environ, **environment(rapport.settings), "PYTHONPATH": str(REPOSITORY)}
    if kill:
        first = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(6)  # whatever it has done by then
        first.kill()
        first.wait()
        rapport.kill(0)
        rapport.start()
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=420, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{rapport.logs()}"
    assert json.loads(done.stdout)["rejected"] in (0, {}, [])


def outcome(rapport: Rapport) -> dict[str, Any]:
    """Customers and models, but for what names offsets."""

    async def read() -> Any:
        stores = open_stores(
            rapport.settings.redis.get_secret_value(), rapport.plan.namespace, rapport.settings.partitions
        )
        try:
            return await stores.learner.panel()
        finally:
            await stores.close()

    customers = {}
    for id_, document in rapport.documents().items():
        profile = decode_profile(id_, document)
        customers[id_] = profile.redirect or {
            "stages": [*profile.stages, (profile.stage, profile.stage_since)],
            "segments": {name: stay.since for name, stay in profile.segments.items()},
            "alerts": {rule: (one.state, one.opened, one.changed, one.found) for rule, one in profile.alerts.items()},
            "labels": [(snapshot.at, snapshot.due, snapshot.full) for snapshot in profile.snapshots],
            "orders": profile.purchases.orders,
        }
    return {"customers": customers, "panel": json.loads(asyncio.run(read()))}


@pytest.mark.timeout(900)
def test_a_history_is_the_same_in_one_file_or_four_by_one_worker_or_three_some_killed(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Stages with their times, segments, labels, alerts and models; nobody counts as gone who was not; what holds at
    the end is told, once, and nothing else."""
    start = (time.time() // WEEK - WEEKS - 1) * WEEK
    events = history(start)
    found = []
    for number, (partitions, workers) in enumerate(((1, 1), (5, 3))):
        folder = tmp_path / str(number)
        folder.mkdir()
        by_source: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            by_source[event["source"]].append(event)
        files = [write(folder / "all.jsonl", events)]
        if number:
            files = [write(folder / f"{name}.jsonl", part) for name, part in sorted(by_source.items(), reverse=True)]
        given = make_settings(plan=PLAN, partitions=partitions)
        own = {"topic_prefix": f"{given.topic_prefix}{number}.", "group": f"{given.group}{number}"}
        with running(given.model_copy(update=own), folder, workers) as rapport:
            load(rapport, folder, files, kill=bool(number))
            found.append(outcome(rapport))
            told = [json.loads(record.value) for record in rapport.topic("alerts")]
        asyncio.run(_flush(rapport.settings))
        opened = {message["alert"]["id"]: message["alert"] for message in told if "alert" in message}
        customers = [one for one in found[-1]["customers"].values() if isinstance(one, dict)]
        held = [alert for one in customers for alert in one["alerts"].values()]
        assert sum(state == "open" for state, *_ in held) == len(opened)
        assert all(alert["state"] == "open" and alert["found"] == "load" for alert in opened.values())

    one, other = found
    assert other["customers"] == nearly(one["customers"])
    assert other["panel"] == nearly(one["panel"])
    _nobody_is_gone_who_was_not(events, one["customers"])


def _nobody_is_gone_who_was_not(events: Sequence[dict[str, Any]], customers: dict[str, Any]) -> None:
    plan = load_plan(PLAN)
    orders: defaultdict[str, list[float]] = defaultdict(list)
    for event in events:
        if event.get("event") == "Order Completed":
            orders[plan.home(("user_id", event["userId"]))].append(time_of(event))
    now = time.time()
    for id_, times in orders.items():
        since = [at for stage, at in customers[id_]["stages"] if stage == "churned"]
        ends = [end for end, following in pairwise([*sorted(times), now]) if following - end >= plan.churn.horizon]
        assert len(since) == len(ends), (id_, since, ends)
        assert all(0 <= at - end - plan.churn.horizon <= DAY for at, end in zip(since, ends, strict=True))


async def _flush(settings: Settings) -> None:
    client = connect(settings.redis.get_secret_value())
    await client.flushdb()
    await client.aclose()
