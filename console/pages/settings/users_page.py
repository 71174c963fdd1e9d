"""People who may sign in, for admins: adding them, roles, links that sign in once, letting out, removing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, Response

from console.access.people import People
from console.access.scopes import ROLES, SCOPES, Viewer
from console.access.sessions import LINK
from console.api.entrance.managing import managed
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.tables.csv_tables import at, table
from console.services.ports import ApiDeps
from console.views.operating.entrants import UserView
from profiles.stores.access import Role

__all__ = ["users_page_router"]

Deed = Literal["add", "role", "disable", "enable", "remove", "link"]

_NOTED: dict[Deed, str] = {
    "add": "user.add", "role": "user.change", "disable": "user.change", "enable": "user.change",
    "remove": "user.remove", "link": "user.link",
}  # fmt: skip
_FIELDS: dict[Deed, tuple[str, ...]] = {"disable": ("disabled",), "enable": ("enabled",)}


def users_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /settings/users, its table as CSV, and what is done there."""
    router = APIRouter(include_in_schema=False)
    manages = Depends(entry.may("admin"))

    @router.get("/settings/users")
    async def users(request: Request, viewer: Viewer = manages) -> Response:
        return await frame.page(request, viewer, "settings_users", **await values())

    @router.get("/settings/users.csv")
    async def as_file(request: Request, viewer: Viewer = manages) -> Response:
        columns = {
            "name": lambda user: user.name, "role": lambda user: user.role, "signs in": lambda user: user.signs_in,
            "password": lambda user: user.password, "created": lambda user: at(user.created),
        }  # fmt: skip
        return table(request, entry, frame, viewer, "users", (await values())["users"], columns)

    @router.post("/settings/users/{deed}")
    async def act(
        request: Request,
        deed: Deed,
        name: Annotated[str, Form(max_length=200)] = "",
        role: Annotated[Role, Form()] = "agent",
        viewer: Viewer = manages,
    ) -> Response:
        people, name, told = People(deps.access, viewer), name.strip(), {"done": deed, "name": name}
        known, result = "", "ok"
        try:
            with managed():
                known = "" if deed == "add" else (await people.known(name)).name
                told["link"] = await _do(
                    people, deed, name, role, partial(deps.ways.link, asked_at=str(request.base_url))
                )
                known = name
        except ApiError as error:
            told |= {"problem": error.message, "done": ""}
            result = str(error.status)
        fields = (role,) if deed in ("add", "role") else _FIELDS.get(deed, ())
        entry.note(request, viewer, _NOTED[deed], known, fields=fields if known else (), result=result)
        return await frame.part(request, viewer, "settings_users", "people", **await values() | told)

    async def values() -> dict[str, Any]:
        found = [UserView.of_account(account) for account in await People(deps.access).everybody()]
        scopes = {role: [SCOPES[scope] for scope in SCOPES if scope in held] for role, held in ROLES.items()}
        empty = {"done": "", "problem": "", "link": "", "name": ""}
        return {"users": found, "roles": scopes, "minutes": round(LINK / 60), **empty}

    return router


async def _do(people: People, deed: Deed, name: str, role: Role, link: Callable[[str], str]) -> str:
    """Answers the link that was made, which is shown once; "" where none was."""
    match deed:
        case "add":
            await people.add(name, role)
        case "role":
            await people.give_role(name, role)
        case "disable":
            await people.disable(name)
        case "enable":
            await people.enable(name)
        case "remove":
            await people.remove(name)
    return link(await people.link(name)) if deed in ("add", "link") else ""
