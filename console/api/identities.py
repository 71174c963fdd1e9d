"""Identities: how a customer came to be one, which links were refused, and taking a wrong one back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import guarded, wants
from console.api.paths import parse_identity
from console.api.profiles import Who, named
from console.services.links import links_of
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.identity import (
    IdentityLinks,
    JoinState,
    RefusalView,
    SplitState,
    SplitView,
    refusal_view,
    split_view,
)
from streams.identity.history import HISTORY_INCOMPLETE

__all__ = ["identities_router"]


class SplitOrder(BaseModel):
    """Which link was wrong, and who says so."""

    model_config = ConfigDict(extra="forbid")

    apart_from: list[Annotated[str, Field(max_length=600)]] = Field(
        default=[],
        max_length=100,
        description="Identities of the same customer, TYPE:VALUE, that it must never be together with again. Without "
        "any: the strongest of the others.",
        examples=[["user_id:42"]],
    )
    by: str = Field(default="", max_length=200, description="Who decided it.")


class JoinOrder(BaseModel):
    """Who is the same customer, and who says so."""

    model_config = ConfigDict(extra="forbid")

    other: str = Field(max_length=600, description="An identity of the other, TYPE:VALUE.", examples=["user_id:43"])
    by: str = Field(default="", max_length=200, description="Who decided it.")


def identities_router(deps: ApiDeps) -> APIRouter:
    """The routes on who is who."""
    router, desk = APIRouter(route_class=guarded(deps), tags=["identities"]), deps.desk

    @router.get(
        "/profiles/{identity}/links",
        summary="How a customer came to be one",
        description="Every identity of the customer, with the events that linked it, what it is kept apart from, and "
        "the links with it that were refused lately.",
        responses=describe_errors(404),
    )
    @wants("profiles:read", one=True, audit="profile.links")
    async def links(identity: Who) -> IdentityLinks:
        profile, _ = await named(deps, identity)
        return await links_of(profile, desk.links, deps.plan)

    @router.post(
        "/profiles/{identity}/split",
        summary="Take a wrongly linked identity out of a customer",
        description="All links of the identity with what it is kept apart from are undone. Both profiles become what "
        "they would be had the links never been, computed from the history of events; later events included. 202 if it "
        "takes longer than five seconds; the workers carry it out all the same, and `GET /v1/splits` lists what is not "
        "finished yet.",
        responses={202: {"model": SplitState, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("identity:split", audit="profile.split")
    async def split(identity: Who, response: Response, order: SplitOrder | None = None) -> SplitState:
        profile, known_as = await named(deps, identity)
        order = order or SplitOrder()
        if known_as is None:
            raise ApiError(400, "invalid_identity", "name the identity to take out, such as email:ada@example.com")
        apart = [parse_identity(text, deps.plan) for text in order.apart_from]
        linked = (await desk.links.linked_to([profile.id])).get(profile.id)
        held = linked.identities if linked else []
        if strangers := [f"{kind}:{value}" for kind, value in apart if (kind, value) not in held]:
            raise ApiError(409, "not_linked", f"{', '.join(strangers)} is not of the same customer")
        if len(held) < 2:
            raise ApiError(409, "not_linked", "this identity is linked with no other")
        id_, state = await desk.splits.ask(known_as, apart, await deps.now(), order.by, deps.wait)
        if state != "done":
            response.status_code = 202
        return await _state(id_, state)

    @router.post(
        "/profiles/{identity}/join",
        summary="Make one customer of two",
        description="On a person's word: limits of the plan and earlier splits do not count. The link is kept with who "
        "said so, and a split takes it back. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": JoinState, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("identity:split", audit="profile.join")
    async def join(identity: Who, order: JoinOrder, response: Response) -> JoinState:
        both = [(await named(deps, one))[1] for one in (identity, order.other)]
        one, other = both
        if one is None or other is None:
            raise ApiError(400, "invalid_identity", "name an identity of each, such as user_id:42")
        id_, state = await desk.splits.join([one, other], await deps.now(), order.by, deps.wait)
        if state not in (None, "done"):
            raise ApiError(409, "not_joined", state)
        if state is None:
            response.status_code = 202
        return JoinState(id=id_, state=state or "asked")

    @router.get("/splits/{split}", summary="What became of a split", responses=describe_errors(409))
    @wants("identity:split")
    async def one_split(split: str) -> SplitState:
        return await _state(split, await desk.links.split_state(split))

    @router.get("/splits", summary="Splits that are not finished")
    @wants("profiles:read")
    async def splits() -> Page[SplitView]:
        pending = await desk.links.splitting()
        return Page(data=[split_view(split, deps.plan) for split in pending.values()], next=None)

    @router.get(
        "/refusals",
        summary="Links that were refused lately",
        description="The latest 1,000: a limit of the tracking plan was reached, a split keeps them apart, or only a "
        "public source says that two people are one.",
    )
    @wants("profiles:read")
    async def refusals(
        limit: Annotated[int, Query(ge=1, le=1000, description="Most of them, the newest first.")] = 50,
    ) -> Page[RefusalView]:
        held = list((await desk.links.refusals()).values())[:limit]
        return Page(data=[refusal_view(refusal, deps.plan) for refusal in held], next=None)

    async def _state(id_: str, state: str | None) -> SplitState:
        if state is not None and state not in ("splitting", "done"):
            incomplete = state.startswith(HISTORY_INCOMPLETE)
            raise ApiError(409, "history_incomplete" if incomplete else "not_split", state)
        pending = (await desk.links.splitting()).get(id_)
        return SplitState(id=id_, state=state or "asked", split=split_view(pending, deps.plan) if pending else None)

    return router
