"""Windows and ranks on real servers: entered and left exactly once, by events, by timers and by newer population
snapshots."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from models.durations import DAY, WEEK
from models.population.snapshot import PopulationSnapshot
from profiles.documents import decode_profile
from profiles.times import rfc3339
from profiles.types import Event, Profile, profile_id
from streams.settings import Settings
from tests.integration.ingest.test_kills import applied, history, settle
from tests.integration.learning.test_silence import START, Stepped, bought
from tests.integration.rapport import PLAN, Rapport, running

PERCENTILES = [float(i) for i in range(1, 100)]


class Held:
    """The newest population snapshot."""

    now = PopulationSnapshot.empty()

    def __call__(self) -> PopulationSnapshot:
        return self.now


def ticket(stepped: Stepped, user: str, number: int, time: float) -> Event:
    """A ticket is opened."""
    id_ = profile_id(stepped.plan.namespace, ("user_id", user))
    return Event(
        id_, f"{user}-ticket-{number}", "support", "track", "Ticket Opened", "ticket_opened", time, time,
        [("user_id", user)], subject=f"T{number}",
    )  # fmt: skip


def counted_as_told(rapport: Rapport, told: Iterable[dict[str, Any]]) -> None:
    """The days of the store say how many changes there are, of which each is here once."""
    days: Counter[tuple[str, str, str]] = Counter((one["at"][:10], one["segment"], one["change"]) for one in told)
    last = max(datetime.fromisoformat(day).replace(tzinfo=UTC) for day, _, _ in days).timestamp() // DAY
    asked = [int(last) - back for back in range(30)]
    found: Counter[tuple[str, str, str]] = Counter()
    moves = rapport.read(lambda reader: reader.segment_moves(asked))
    for segment, each in moves.items():
        for day, (entered, left) in zip(asked, each, strict=True):
            date = rfc3339(day * DAY)[:10]
            found += Counter({(date, segment, "entered"): entered, (date, segment, "exited"): left})
    since = rfc3339(asked[-1] * DAY)[:10]
    assert found == {change: number for change, number in days.items() if change[0] >= since}


def test_segments_of_windows_and_ranks_are_told_once(make_settings: Callable[..., Settings], tmp_path: Any) -> None:
    """Twelve orders and three tickets, then silence: every change once, those of ranks with their population."""
    settings = make_settings(plan=PLAN)
    rapport = Rapport(settings, tmp_path)  # topics
    held = Held()
    edges = {"net": PERCENTILES, "recency": PERCENTILES, "orders": [i / 10 for i in PERCENTILES]}

    async def story() -> list[Profile]:
        stepped = Stepped(settings, population=held)
        seen = []

        async def look() -> None:
            seen.append(await stepped.profile(profile_id(stepped.plan.namespace, ("user_id", "eve"))))

        await stepped.apply(*(bought(stepped, "eve", n, START - (12 - n) * WEEK) for n in range(12)))
        await look()  # nobody is ranked yet
        held.now = PopulationSnapshot(version=1, edges=edges)
        await stepped.apply(*(ticket(stepped, "eve", n, START - (2 - n) * DAY) for n in range(3)))
        await look()
        for version in range(2, 29):
            held.now = PopulationSnapshot(version=version, edges=edges)
            await stepped.wait(DAY)
        await look()  # 29 days after the first ticket; the last order was 34 days ago
        await stepped.wait(DAY)
        await look()
        await stepped.wait(9 * WEEK)
        await look()
        held.now = msgspec.structs.replace(held.now, version=99, edges={**edges, "net": [e * 20 for e in PERCENTILES]})
        await stepped.wait(WEEK)
        await look()
        await stepped.close()
        return seen

    unranked, ranked, faded, out, lapsed, poorer = [set(profile.segments) for profile in asyncio.run(story())]
    rapport.stop()

    new = {"champions", "loyal_customers", "lapsing_loyal", "top_value", "frequent_trouble"}
    assert [group & new for group in (unranked, ranked, faded, out, lapsed, poorer)] == [
        set(),
        {"champions", "top_value", "frequent_trouble"},
        {"loyal_customers", "top_value", "frequent_trouble"},
        {"loyal_customers", "top_value"},
        {"lapsing_loyal", "top_value"},
        {"lapsing_loyal"},
    ]
    told = [json.loads(record.value) for record in rapport.topic("segment.changes")]
    assert len({change["id"] for change in told}) == len(told)
    changes = [(change["segment"], change["change"]) for change in told if change["segment"] in new]
    assert changes == [
        ("champions", "entered"),
        ("frequent_trouble", "entered"),
        ("top_value", "entered"),
        ("loyal_customers", "entered"),
        ("champions", "exited"),
        ("frequent_trouble", "exited"),
        ("lapsing_loyal", "entered"),
        ("loyal_customers", "exited"),
        ("top_value", "exited"),
    ]
    counted_as_told(rapport, told)
    assert {change.get("population") for change in told if change["segment"] == "frequent_trouble"} == {None}
    assert [change["population"] for change in told if change["segment"] == "top_value"] == [1, 99]


def test_killed_and_rebalanced_under_new_taxonomies_every_change_is_told_once(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Two workers, a census every two seconds, SIGKILLs: what was told leads from nobody to who is in what."""
    events = history(6000, seed=5)
    with running(make_settings(plan=PLAN, batch=50, census_every=2.0), tmp_path, workers=2) as rapport:
        for part in range(3):
            rapport.send("purchase", events[part * 2000 : (part + 1) * 2000])
            rapport.until(applied(1000 + part * 1500), "the workers to be in mid-stream", timeout=120)
            rapport.kill(part)
            rapport.start()
            time.sleep(10)  # the other takes its partitions over, and a census ends
        rapport.send("purchase", events[6000:])
        settle(rapport, events)
        time.sleep(5)  # another census or two
        rapport.stop_workers()

        told = {record["id"]: record for record in (json.loads(r.value) for r in rapport.topic("segment.changes"))}
        inside: set[tuple[str, str]] = set()
        for change in told.values():
            member = change["profile"], change["segment"]
            assert (member in inside) == (change["change"] == "exited"), change
            (inside.remove if change["change"] == "exited" else inside.add)(member)
        profiles = [decode_profile(id_, document) for id_, document in rapport.documents().items()]
        assert inside == {(profile.id, segment) for profile in profiles for segment in profile.segments}
        counted_as_told(rapport, told.values())
        assert len({change.get("population") for change in told.values()}) > 2
