"""Revealing masked personal data of one customer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from console.access.scopes import Viewer
from console.api.error_answers import describe_errors
from console.api.guard import about, guarded, slow_down, viewer_of, wants
from console.api.profiles import Who, named
from console.services.ports import ApiDeps
from console.services.revealing import REVEALED, nameable, revealed
from console.views.document import Document

__all__ = ["reveal_router"]


class RevealOrder(BaseModel):
    """What is to be revealed, and what for."""

    model_config = ConfigDict(extra="forbid")

    fields: list[Annotated[str, Field(max_length=600)]] = Field(
        min_length=1,
        max_length=20,
        description="`label`, `identities.TYPE`, `traits.NAME`, `claims.NAME`.",
        examples=[["traits.email"]],
    )
    reason: str = Field("", max_length=500, description="What for; kept in the audit trail. No personal data.")


class RevealedView(Document):
    """Personal data of a customer, as they are."""

    id: str
    fields: dict[str, Any] = Field(description="By the name that was asked for; of identities all of the type.")


def reveal_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/profiles/{identity}/reveal."""
    router = APIRouter(route_class=guarded(deps), prefix="/profiles", tags=["profiles"])

    @router.post(
        "/{identity}/reveal",
        summary="Reveal masked personal data of a customer",
        description="Each field is one of the 60 an hour that a person has; what was revealed, by whom and what for is "
        "in the audit trail.",
        responses=describe_errors(404),
    )
    @wants("profiles:read", "pii:reveal", audit=REVEALED)
    async def reveal(identity: Who, order: RevealOrder, viewer: Annotated[Viewer, Depends(viewer_of)]) -> RevealedView:
        profile, _ = await named(deps, identity)
        found = revealed(profile, await deps.now(), deps.plan, order.fields)
        about(profile.id, *nameable(found), reason=order.reason)
        if len(found) > 1:  # the first is counted already
            await slow_down(deps.limiter, viewer, REVEALED, cost=len(found) - 1)
        return RevealedView(id=profile.id, fields=found)

    return router
