"""People who may sign in to the console: the accounts, their roles, links that sign in once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from console.access.people import People
from console.access.scopes import Viewer
from console.access.sessions import LINK
from console.api.entrance.managing import managed
from console.api.error_answers import describe_errors
from console.api.guard import about, guarded, viewer_of, wants
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.operating.entrants import LinkView, UserView
from profiles.stores.access import Role

__all__ = ["users_router"]

_WORDS = {True: "enabled", False: "disabled"}

Name = Annotated[str, Path(max_length=200, description="As they are called in the console.", examples=["kim"])]


class UserOrder(BaseModel):
    """Somebody to be added."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200, examples=["kim"])
    role: Role = "agent"


class UserChange(BaseModel):
    """What shall be otherwise."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = Field(None, description="Holds at once.")
    signs_in: bool | None = Field(None, description="false ends their sessions and tokens at once.")


def users_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/users."""
    router = APIRouter(route_class=guarded(deps), prefix="/users", tags=["access"])

    @router.get("", summary="Who may sign in")
    @wants("admin")
    async def users() -> Page[UserView]:
        return Page(data=[UserView.of_account(one) for one in await People(deps.access).everybody()], next=None)

    @router.post("", status_code=201, summary="Add somebody", responses=describe_errors(409))
    @wants("admin", audit="user.add")
    async def add(order: UserOrder, viewer: Annotated[Viewer, Depends(viewer_of)]) -> UserView:
        with managed():
            added = await People(deps.access, viewer).add(order.name, order.role)
        about(added.name, order.role)
        return UserView.of_account(added)

    @router.patch("/{name}", summary="Another role, or whether they sign in", responses=describe_errors(404, 409))
    @wants("admin", audit="user.change")
    async def change(name: Name, order: UserChange, viewer: Annotated[Viewer, Depends(viewer_of)]) -> UserView:
        people = People(deps.access, viewer)
        with managed():
            account = await people.known(name)
            about(account.name)
            if order.role is not None:
                account = await people.give_role(name, order.role)
                about(account.name, order.role)
            if order.signs_in is not None:
                account = await (people.enable(name) if order.signs_in else people.disable(name))
                about(account.name, _WORDS[order.signs_in])
        return UserView.of_account(account)

    @router.delete("/{name}", summary="Remove somebody, with their tokens", responses=describe_errors(404, 409))
    @wants("admin", audit="user.remove")
    async def remove(name: Name, viewer: Annotated[Viewer, Depends(viewer_of)]) -> UserView:
        people = People(deps.access, viewer)
        with managed():
            about((await people.known(name)).name)
            return UserView.of_account(await people.remove(name))

    @router.post(
        "/{name}/link",
        status_code=201,
        summary="A link that signs somebody in once",
        description="Within 15 minutes. Whoever has it is them: it is shown now and never again.",
        responses=describe_errors(404, 409),
    )
    @wants("admin", audit="user.link")
    async def link(request: Request, name: Name, viewer: Annotated[Viewer, Depends(viewer_of)]) -> LinkView:
        people = People(deps.access, viewer)
        with managed():
            about((await people.known(name)).name)
            secret = await people.link(name)
        return LinkView(name=name, url=deps.ways.link(secret, str(request.base_url)), seconds=LINK)

    return router
