"""Tokens of the API: which there are, making and replacing one, ending one."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from console.access.api_tokens import LASTS, OVERLAP, Made, Tokens
from console.access.scopes import Scope, Viewer
from console.api.entrance.managing import managed
from console.api.error_answers import describe_errors
from console.api.guard import about, guarded, viewer_of, wants
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.operating.entrants import MadeTokenView, TokenView

__all__ = ["tokens_router"]

_MOST = 3650.0  # days

Name = Annotated[str, Path(max_length=200, description="What it is for; or the id of one.", examples=["crm"])]
Days = Annotated[float, Field(gt=0, le=_MOST, description="How long it can be used.")]


class TokenOrder(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200, description="What it is for.", examples=["crm"])
    scopes: list[Scope] = Field(min_length=1, description="What it may do.")
    owner: str = Field("", max_length=200, description="The account that answers for it, whose role bounds it.")
    days: Days = LASTS


class Rotation(BaseModel):
    """How one follows another."""

    model_config = ConfigDict(extra="forbid")

    days: Days = LASTS
    overlap: float = Field(OVERLAP, ge=0, le=_MOST, description="Days that the one before goes on.")


def tokens_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/tokens."""
    router = APIRouter(route_class=guarded(deps), prefix="/tokens", tags=["access"])

    @router.get("", summary="Which tokens there are, the expired ones too")
    @wants("admin")
    async def tokens() -> Page[TokenView]:
        now = time.time()
        held = await Tokens(deps.access).all()
        return Page(data=[TokenView.of_token(token, now, used) for token, used in held], next=None)

    @router.post("", status_code=201, summary="Make a token", responses=describe_errors(404, 409))
    @wants("admin", audit="token.add")
    async def add(order: TokenOrder, viewer: Annotated[Viewer, Depends(viewer_of)]) -> MadeTokenView:
        with managed():
            made = await Tokens(deps.access, by=viewer).add(
                order.name, order.scopes, owner=order.owner, days=order.days
            )
        about(made.token.id, *made.token.scopes)
        return _shown(made)

    @router.post(
        "/{name}/rotate",
        status_code=201,
        summary="Make the successor of a token",
        description="Of the same scopes. The one before goes on for a week, or for `overlap` days; older ones end.",
        responses=describe_errors(404, 409),
    )
    @wants("admin", audit="token.rotate")
    async def rotate(
        name: Name, viewer: Annotated[Viewer, Depends(viewer_of)], order: Rotation | None = None
    ) -> MadeTokenView:
        order = order or Rotation()
        with managed():
            made = await Tokens(deps.access, by=viewer).rotate(name, days=order.days, overlap=order.overlap)
        about(made.token.id, *made.token.scopes)
        return _shown(made)

    @router.delete("/{name}", summary="End all tokens of a name, or the one of an id", responses=describe_errors(404))
    @wants("admin", audit="token.revoke")
    async def revoke(name: Name) -> Page[TokenView]:
        with managed():
            ended = await Tokens(deps.access).revoke(name)
        for token in ended:
            about(token.id)
        return Page(data=[TokenView.of_token(token, time.time()) for token in ended], next=None)

    return router


def _shown(made: Made) -> MadeTokenView:
    plain = TokenView.of_token(made.token, time.time())
    return MadeTokenView(**{**dict(plain), "token": made.text})
