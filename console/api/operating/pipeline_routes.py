"""The routes /v1/pipeline, /v1/jobs, and what may be done about what was rejected or is paused."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.operating.jobs import JobsView, ReplayView, read_jobs, replay_view
from console.views.operating.pipeline import (
    PausedView,
    PipelineView,
    RejectedGroup,
    read_pipeline,
    rejected_groups,
    resume,
)
from profiles.errors import NotFound
from profiles.times import parse_time
from streams.dead_letters.rejections import Wanted

__all__ = ["ReplayRequest", "pipeline_router", "replay"]


class ReplayRequest(BaseModel):
    """Which rejected events shall be put back; what is left out narrows nothing."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field("", max_length=200)
    reason: str = Field("", max_length=200, examples=["plan_violation"])
    step: str = Field("", max_length=200)
    event: str = Field("", max_length=500, description="As its sender named it.")
    since: str = Field("", max_length=40, description="RFC 3339, by when it was rejected.")
    until: str = Field("", max_length=40)
    dry_run: bool = Field(True, description="Only say what would happen.")
    by: str = Field("", max_length=200, description="Who asks.")

    def wanted(self) -> Wanted:
        """As the log is asked.

        Raises:
            ApiError: 400, a time cannot be read.
        """
        return Wanted(self.source, self.reason, self.step, self.event, _time(self.since), _time(self.until))


class Resumption(BaseModel):
    """Who resumes a source."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field("", max_length=200, description="Who asks.")


def pipeline_router(deps: ApiDeps) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=guarded(deps), tags=["operations"])

    @router.get("/pipeline", summary="What comes in: rates, rejections, lag, latency, pauses, workers, the clock")
    @wants("pipeline:read")
    async def pipeline() -> PipelineView:
        return await read_pipeline(deps)

    @router.get("/jobs", summary="Loads, replays, rebuilds, splits and erasures; the archive")
    @wants("pipeline:read")
    async def jobs() -> JobsView:
        return await read_jobs(deps)

    @router.get("/rejected/groups", summary="Rejected events by what is wrong with them, those of most events first")
    @wants("pipeline:read")
    async def groups(
        source: Annotated[str | None, Query(description="Only of this source.")] = None,
    ) -> Page[RejectedGroup]:
        return Page(data=await rejected_groups(deps, source), next=None)

    @router.post(
        "/rejected/replay",
        summary="Put back rejected events that the plan accepts now, each once",
        description="As `rapport rejected replay`. Without `dry_run: false` it only says what would happen. 202 if it "
        "takes longer than five seconds; /v1/jobs shows how far it is. 409 says why it cannot be.",
        responses={202: {"model": ReplayView, "description": "Under way"}, **describe_errors(409)},
    )
    @wants("pipeline:replay", audit="rejected.replay")
    async def put_back(asked: ReplayRequest, response: Response) -> ReplayView:
        done = await replay(deps, asked)
        about(done.id)
        if done.state == "running":
            response.status_code = 202
        return done

    @router.post(
        "/sources/{source}/resume", summary="Take a source again that is paused", responses=describe_errors(404)
    )
    @wants("pipeline:replay", audit="source.resume")
    async def take_again(source: str, asked: Resumption | None = None) -> PausedView:
        about(source)
        try:
            return await resume(deps, source, (asked or Resumption()).by)
        except NotFound as error:
            raise ApiError(404, "not_found", str(error)) from None

    return router


async def replay(deps: ApiDeps, asked: ReplayRequest) -> ReplayView:
    """Put back what is asked for, or say what would happen.

    Raises:
        ApiError: 409, it cannot be.
    """
    wanted = asked.wanted()
    if not asked.dry_run and (differ := await deps.plans()):
        raise ApiError(409, "refused", f"what this console would put back, a worker may reject again: {differ}")
    job = await deps.replays.ask(wanted, asked.by, dry_run=asked.dry_run, wait=deps.wait)
    if job.state == "failed":
        raise ApiError(409, "refused", job.problem)
    return replay_view(job)


def _time(text: str) -> float | None:
    try:
        return parse_time(text) if text else None
    except ValueError:
        raise ApiError(400, "invalid_request", f"{text!r} is no time; write 2026-01-30T12:00:00Z") from None
