"""What operators ask of the API: figures of what comes in, rejections by mistake, putting them back, resuming."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from profiles.stores.memory import MemorySourceStore
from profiles.times import rfc3339
from profiles.units import Aside, Pause
from streams.dead_letters.newest import RejectedTail
from streams.dead_letters.replays import ReplayDesk
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.records.rejected import Rejection
from streams.settings import Settings
from tests.console.people import NOW, store
from tests.console.support_api import PLAN, memory_log, quiet_desk, support_api

SETTINGS = Settings()


def rejection(event: str, reason: str, offset: int, **properties: object) -> Row:
    payload = orjson.dumps(
        {"type": "track", "event": event, "userId": "ada-4711", "messageId": f"m{offset}", "properties": properties}
    )
    told = Rejection(rfc3339(NOW - 60 + offset), "check", reason, "no", "web", "events.web", 0, offset, payload)
    return Row("events.rejected", 0, b"k", told.encode(), [])


@pytest.fixture
def log() -> MemoryLog:
    """Two mistakes, one of which the plan has mended since."""
    log = memory_log(PLAN, SETTINGS)
    rows = [
        rejection("Prodct Viewed", "unplanned", 1),
        rejection("CSAT Answered", "plan_violation", 2),
        rejection("CSAT Answered", "plan_violation", 3),
        rejection("Product Viewed", "unplanned", 4, product_id="P1"),
    ]
    asyncio.run(log.produce(rows))
    return log


def test_the_pipeline_in_figures() -> None:
    sources, minute = MemorySourceStore(), int(NOW // 60)

    async def happen() -> None:
        await sources.count(
            minute - 30, {"event|web|accepted": 60, "event|web|rejected": 20, "rejected|web|unplanned": 20}
        )
        await sources.count(minute - 1, {"event|app|flagged": 120, "seconds|0.1": 50, "seconds|0.25": 50})
        await sources.tell_lag("one", {"events.web": 7}, NOW)
        await sources.write("web", Pause(paused=True, since=NOW - 9, why="too much", example="price: is no number"))
        aside = Aside(source="web", sender="s", since=1, until=NOW + 9, rejected=90, kept=20, reason="x")
        await sources.put_aside("one", [aside], NOW)

    asyncio.run(happen())
    with support_api(store(), sources=sources) as http:
        found = http.get("/v1/pipeline").json()

    by = {source["source"]: source for source in found["sources"]}
    assert by["web"]["hour"] == {"accepted": 60, "flagged": 0, "rejected": 20, "ignored": 0}
    assert by["web"]["rejected_share"] == 0.25
    assert (by["web"]["minutes"][-31], by["web"]["bad_minutes"][-31]) == (80, 20)
    assert len(by["web"]["minutes"]) == 60
    assert by["web"]["paused"]["why"] == "too much"
    assert by["web"]["put_aside"][0]["rejected"] == 90
    assert by["app"]["per_second"] == pytest.approx(120 * (1 - NOW % 60 / 60) / 60)
    assert by["purchase"]["rejected_share"] is None
    assert found["rejections"] == [{"source": "web", "reason": "unplanned", "hour": 20, "last_minute": 0}]
    assert (found["latency"]["p50"], found["latency"]["events"]) == (0.1, 100)
    assert found["latency"]["p95"] == pytest.approx(0.235)
    assert (found["waiting"], found["clock"]["phase"]) == (7, "new")


def test_rejections_are_grouped_by_what_is_wrong(log: MemoryLog) -> None:
    with support_api(store(), rejected=RejectedTail(log, SETTINGS, PLAN)) as http:
        groups = http.get("/v1/rejected/groups").json()["data"]

    told = [
        (group["event"], group["reason"], group["property"], group["events"], group["passes_now"]) for group in groups
    ]
    assert told == [
        ("CSAT Answered", "plan_violation", "properties.score", 2, False),
        ("Prodct Viewed", "unplanned", "", 1, False),
        ("Product Viewed", "unplanned", "", 1, True),
    ]
    assert groups[0]["position"] == "0:2"
    assert "4711" not in str(groups)


def test_what_passes_now_is_put_back_once(log: MemoryLog) -> None:
    desk, tail = ReplayDesk(log, SETTINGS, PLAN, log), RejectedTail(log, SETTINGS, PLAN)
    with support_api(store(), replays=desk, rejected=tail, desk=quiet_desk()) as http:
        asked = {"source": "web"}
        before = http.post("/v1/rejected/replay", json=asked).json()
        assert (before["dry_run"], before["selected"], before["put_back"]) == (True, 4, 0)
        assert before["passing"] == [{"source": "web", "what": "Product Viewed", "events": 1}]
        assert sum(extent.records for extent in asyncio.run(log.extents("events.web"))) == 0

        done = http.post("/v1/rejected/replay", json={**asked, "dry_run": False}).json()
        again = http.post("/v1/rejected/replay", json={**asked, "dry_run": False}).json()

        assert (done["put_back"], again["put_back"], again["put_back_before"]) == (1, 0, 1)
        assert sum(extent.records for extent in asyncio.run(log.extents("events.web"))) == 1
        jobs = http.get("/v1/jobs").json()["jobs"]
        assert {(job["kind"], job["state"], job["done"]) for job in jobs} >= {("replay", "done", 1)}


def test_nothing_is_put_back_while_processes_have_different_plans(log: MemoryLog) -> None:
    async def differ() -> str:
        return "worker one has version 2"

    with support_api(store(), replays=ReplayDesk(log, SETTINGS, PLAN, log), plans=differ) as http:
        answer = http.post("/v1/rejected/replay", json={"dry_run": False})

    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "version 2" in answer.json()["message"]


def test_a_paused_source_is_taken_again() -> None:
    sources = MemorySourceStore()
    asyncio.run(sources.write("web", Pause(paused=True, since=5.0, why="too much")))
    with support_api(store(), sources=sources) as http:
        assert http.post("/v1/sources/web/resume", json={"by": "kim"}).json()["why"] == "too much"
        assert http.post("/v1/sources/web/resume").status_code == 404
        assert http.post("/v1/sources/nonsense/resume").status_code == 404

    [state] = asyncio.run(sources.states()).values()
    assert (state.paused, state.by, state.passed) == (False, "kim", NOW)


def test_only_raw_events_are_narrowed() -> None:
    with support_api(store()) as http:
        assert http.get("/v1/live", params={"kind": "alert", "user": "ada"}).status_code == 400
