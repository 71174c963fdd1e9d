"""What is under way beside the events, or was: loads, replays, rebuilds, splits, erasures; and the archive."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field

from console.services.ports import ApiDeps
from console.views.clock import read_clock
from console.views.document import Document, Time
from profiles.errors import RapportError
from profiles.times import parse_time
from streams.dead_letters.replays import ReplayJob

__all__ = ["JobView", "JobsView", "ReplayView", "read_jobs", "replay_view"]


class JobView(Document):
    """One piece of work."""

    kind: Literal["load", "replay", "rebuild", "split", "erasure"]
    id: str
    name: str = Field(description="What it is about, without personal data.")
    state: Literal["running", "waiting", "silent", "done", "given_up", "failed"]
    by: str
    began: Time | None
    ended: Time | None
    done: int | None = Field(description="Of `total`; null where nobody counts.")
    total: int | None
    text: str = Field(description="What came of it, or what it waits for.")


class ArchiveView(Document):
    """The archive, as `rapport archive status` says it."""

    archive: str
    last_flush: Time | None
    lag: int | None = Field(description="Records that are not in it yet; null while Kafka does not answer.")
    events: int
    files: int
    bytes: int
    gaps: int = Field(description="Stretches that Kafka had deleted before they were archived.")


class JobsView(Document):
    """All of it."""

    jobs: list[JobView] = Field(description="What is under way first, then the latest.")
    archive: ArchiveView | None = Field(description="null where this console is told of none (RAPPORT_ARCHIVE).")
    missing: list[str] = Field(description="What cannot be told now, and why.")


class CountView(Document):
    """Events of one kind."""

    source: str
    what: str = Field(description="The event, of those that pass; the reason, of those that do not.")
    events: int


class ReplayView(Document):
    """A replay of rejected events."""

    id: str
    state: Literal["running", "done", "failed"]
    dry_run: bool
    by: str
    problem: str = Field(description="Why it failed.")
    selected: int
    put_back: int
    put_back_before: int
    truncated: int = Field(description="Of which not all bytes are kept.")
    passing: list[CountView] = Field(description="Put back, or would be.")
    failing: list[CountView] = Field(description="Still not accepted, and left where they are.")


async def read_jobs(deps: ApiDeps) -> JobsView:
    """All that is known of them."""
    missing: list[str] = []
    found = [*await _loads(deps), *await _rebuilds(deps), *await _links(deps)]
    own = [job for job in deps.replays.jobs() if not job.dry_run and job.state != "done"]  # those leave notes
    found += map(_own, own)
    try:
        running = any(job.state == "running" for job in own)
        found += [job for job in await _replays(deps) if job.state == "done" or not running]
    except RapportError as error:
        missing.append(f"replays: {error}")
    archive = None
    try:
        status = await deps.archive()
        archive = None if status is None else _archive(status)
    except (RapportError, OSError) as error:
        missing.append(f"archive: {error}")
    found.sort(key=lambda job: (job.ended is not None, -(job.ended or job.began or math.inf)))
    return JobsView(jobs=found, archive=archive, missing=missing)


def replay_view(job: ReplayJob) -> ReplayView:
    """A replay that was asked for here."""
    result = job.result
    return ReplayView(
        id=job.id,
        state=job.state,
        dry_run=job.dry_run,
        by=job.by,
        problem=job.problem,
        selected=result.read if result else 0,
        put_back=result.replayed if result else 0,
        put_back_before=result.before if result else 0,
        truncated=result.truncated if result else 0,
        passing=_counts(dict(result.passing) if result else {}),
        failing=_counts(dict(result.failing) if result else {}),
    )


def _counts(counted: dict[tuple[str, str], int]) -> list[CountView]:
    rows = sorted(counted.items(), key=lambda row: -row[1])
    return [CountView(source=source, what=what, events=events) for (source, what), events in rows]


async def _loads(deps: ApiDeps) -> list[JobView]:
    return [
        JobView(
            kind="load", id=load.id, name=load.name, state=load.state, by="", began=load.begun, ended=load.ended,
            done=load.done, total=load.events, text="",
        )
        for load in (await read_clock(deps.clocks, deps.clock())).loads
    ]  # fmt: skip


async def _rebuilds(deps: ApiDeps) -> list[JobView]:
    if not await deps.rebuilding():
        return []
    text = "it is under way, or was broken off: `rapport rebuild --replace` begins anew"
    return [_job("rebuild", "rebuild", "Redis anew", "running", "", None, text)]


async def _links(deps: ApiDeps) -> list[JobView]:
    links = deps.desk.links
    whole, waits = "profiles are being made whole", "it waits for a split to end"
    splits = [
        _job("split", one.id, one.profile, "running", one.by, one.at, whole)
        for one in (await links.splitting()).values()
    ]
    erasures = [_job("erasure", one.id, one.profile, "waiting", "", one.time, waits) for one in await links.deferred()]
    return [*splits, *erasures]


async def _replays(deps: ApiDeps) -> list[JobView]:
    """Those that have left notes, wherever they were asked for."""
    return [
        _job(
            "replay", run.run, "rejected events", "done" if run.finished else "running", "", parse_time(run.began),
            "" if run.finished else "or it was killed: run again, it goes on where it was",
            ended=parse_time(run.latest) if run.finished else None, done=run.put_back,
        )
        for run in await deps.rejected.replays()
    ]  # fmt: skip


def _own(job: ReplayJob) -> JobView:
    wanted = job.wanted
    about = [part for part in (wanted.source, wanted.reason, wanted.name) if part]
    text = job.problem or (f"{job.result.replayed} events put back" if job.result else job.doing)
    return _job(
        "replay", job.id, " · ".join(about) or "rejected events", job.state, job.by, job.began, text,
        ended=job.ended or None, done=job.done, total=job.of,
    )  # fmt: skip


def _job(
    kind: Any,
    id_: str,
    name: str,
    state: Any,
    by: str,
    began: float | None,
    text: str,
    *,
    ended: float | None = None,
    done: int | None = None,
    total: int | None = None,
) -> JobView:
    return JobView(
        kind=kind, id=id_, name=name, state=state, by=by, began=began, ended=ended, done=done, total=total, text=text
    )


def _archive(status: dict[str, Any]) -> ArchiveView:
    return ArchiveView(**{**status, "gaps": len(status["gaps"])})
