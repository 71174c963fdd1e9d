"""What becomes of documents as weeks go by: the pipeline of profiles over a history, looked at once a week."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from models.churn.panel import Panel
from models.durations import WEEK
from models.population.snapshot import PopulationSnapshot
from plan import Plan
from profiles.store import Loaded
from profiles.types import Profile, Record, is_company
from streams.kafka.topics import PROFILE_EVENTS
from streams.pipeline import profile_pipeline
from streams.records.happened import read_record
from streams.settings import Settings
from streams.steps.work import Work

__all__ = ["lived_through"]


def lived_through(
    records: Iterable[Record],
    plan: Plan,
    start: float,
    weeks: int,
) -> tuple[dict[str, Profile], set[str], set[str]]:
    """All documents after so many weeks, and every segment and alert that a company ever had.

    Args:
        records: in order of time.
        plan: of the business.
        start: when the first week begins.
        weeks: how many; every week companies are looked at, and those of whom something has happened.
    """
    held: dict[str, Profile] = {}
    segments: set[str] = set()
    alerts: set[str] = set()
    look = profile_pipeline(plan, Settings(), lambda: Panel.cold(plan.churn), PopulationSnapshot.empty)
    offset = 0

    def work_on(now: float, waiting: list[Record], due: Sequence[Profile] = ()) -> None:
        nonlocal offset
        while waiting or due:
            for one in waiting:
                offset += 1
                one.origin = (PROFILE_EVENTS, 0, offset << 16)
            work = Work(0, Loaded(profiles=held), 1)
            work.begin(now, waiting, due)
            asyncio.run(look.run(work))
            waiting = [read_record(output.value) for output in work.outputs if output.topic == PROFILE_EVENTS]
            due = ()

    coming = iter(records)
    ahead = next(coming, None)
    for week in range(weeks):
        now = start + (week + 1) * WEEK
        happened: list[Record] = []
        while ahead is not None and ahead.time < now:
            happened.append(ahead)
            ahead = next(coming, None)
        work_on(now, happened, [one for one in held.values() if is_company(one.id)])
        for one in held.values():
            if is_company(one.id):
                segments |= set(one.segments)
                alerts |= {name for name, alert in one.alerts.items() if alert.state == "open"}
    return held, segments, alerts
