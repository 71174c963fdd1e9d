"""The routes /v1/deliveries: what sinks were told, putting back what they were not, telling one again."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.services.ports import ApiDeps
from console.views.document import Document
from console.views.operating.deliveries import DeliveriesView, deliveries_view
from profiles.errors import NotFound
from streams.sinks.desk import Asked

__all__ = ["deliveries_router", "enable", "reconcile", "replay"]

State = Literal["due", "trying", "again", "delivered", "dead", "dropped"]


class PutBack(BaseModel):
    """Which dead messages shall be put back; without an id all of the sink."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(None, max_length=300)
    by: str = Field("", max_length=200, description="Who asks.")


class Enabling(BaseModel):
    """Who lets a sink be told again."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field("", max_length=200, description="Who asks.")


class Comparing(BaseModel):
    """What a sink knows of segments shall be compared with the store."""

    model_config = ConfigDict(extra="forbid")

    everybody: bool = Field(False, description="Tell it of those, too, who were members before the sink began.")
    by: str = Field("", max_length=200, description="Who asks.")


class AskedView(Document):
    """It will be compared."""

    sink: str
    request: str = Field(description="Id of the request.")


class PutBackView(Document):
    """What was put back."""

    sink: str
    replayed: list[str] = Field(description="Ids of the messages.")


class EnabledView(Document):
    """A sink that is told again."""

    sink: str


def deliveries_router(deps: ApiDeps) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=guarded(deps), tags=["operations"])

    @router.get("/deliveries", summary="What sinks were and are to be told, with each attempt; and how the sinks are")
    @wants("pipeline:read")
    async def deliveries(
        sink: Annotated[str | None, Query(max_length=64, description="Only to this sink.")] = None,
        state: Annotated[State | None, Query(description="Only those in this state.")] = None,
        id: Annotated[str | None, Query(max_length=300, description="Only the message of this id.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> DeliveriesView:
        found = await deps.deliveries.look(Asked(sink, state, id), limit, sinks=list(deps.plan.file.sinks))
        return deliveries_view(found, deps.plan)

    @router.post(
        "/deliveries/{sink}/replay",
        summary="Put back messages that are dead, under the same ids",
        responses=describe_errors(404),
    )
    @wants("sinks:write", audit="deliveries.replay")
    async def put_back(sink: str, asked: PutBack | None = None) -> PutBackView:
        about(sink)
        asked = asked or PutBack()
        return PutBackView(sink=sink, replayed=await replay(deps, sink, asked.id, asked.by))

    @router.post(
        "/deliveries/{sink}/enable", summary="Tell a sink again that is told nothing any more",
        responses=describe_errors(404),
    )  # fmt: skip
    @wants("sinks:write", audit="deliveries.enable")
    async def tell_again(sink: str, asked: Enabling | None = None) -> EnabledView:
        about(sink)
        await enable(deps, sink, (asked or Enabling()).by)
        return EnabledView(sink=sink)

    @router.post(
        "/deliveries/{sink}/reconcile",
        summary="Compare what a sink knows of segments with the store, and tell it what differs",
        status_code=202,
        responses=describe_errors(404, 409),
    )
    @wants("sinks:write", audit="deliveries.reconcile")
    async def compare(sink: str, asked: Comparing | None = None) -> AskedView:
        about(sink)
        asked = asked or Comparing()
        return AskedView(sink=sink, request=await reconcile(deps, sink, asked.by, everybody=asked.everybody))

    return router


async def reconcile(deps: ApiDeps, sink: str, by: str, *, everybody: bool = False) -> str:
    """Have a sink compared with the store; answers the id of the request.

    Raises:
        ApiError: 404, the plan has no such sink; 409, it is told of no segments.
    """
    spec = deps.plan.file.sinks.get(sink)
    if spec is None:
        raise ApiError(404, "not_found", f"the plan has no sink '{sink}'")
    if not spec.keeps_audiences:
        raise ApiError(409, "not_compared", f"sink '{sink}' is not told who enters and leaves segments")
    return await deps.deliveries.reconcile(sink, by, everybody=everybody)


async def replay(deps: ApiDeps, sink: str, id_: str | None, by: str) -> list[str]:
    """Put back what is dead.

    Raises:
        ApiError: 404, nothing is.
    """
    try:
        return await deps.deliveries.replay(Asked(sink, id=id_), by)
    except NotFound as error:
        raise ApiError(404, "not_found", str(error)) from None


async def enable(deps: ApiDeps, sink: str, by: str) -> None:
    """Let a sink be told again.

    Raises:
        ApiError: 404, the plan has no such sink.
    """
    if sink not in deps.plan.file.sinks:
        raise ApiError(404, "not_found", f"the plan has no sink '{sink}'")
    await deps.deliveries.enable(sink, by)
