"""Identities: how a customer came to be one, which links were refused, and taking a wrong one back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.errors import ApiError, describe_errors
from console.api.paths import parse_identity
from console.api.profiles import Who, named
from console.services.ports import ApiDeps
from console.views.documents import Page
from console.views.identity import (
    IdentityLinks,
    LinkedIdentity,
    LinkView,
    RefusalView,
    SplitState,
    SplitView,
    ThinIdentity,
)
from profiles.identity.links import Link, Linked, PendingSplit, Refusal
from profiles.times import rfc3339
from profiles.types import Identity, Profile, profile_id
from streams.identity.desk import Desk
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


def identities_router(deps: ApiDeps, desk: Desk) -> APIRouter:
    """The routes on who is who."""
    router = APIRouter(tags=["identities"])

    @router.get(
        "/profiles/{identity}/links",
        summary="How a customer came to be one",
        description="Every identity of the customer, with the events that linked it, what it is kept apart from, and "
        "the links with it that were refused lately.",
        responses=describe_errors(400, 401, 404),
    )
    async def links(identity: Who) -> IdentityLinks:
        profile, _ = await named(deps, identity)
        return await _links(profile)

    @router.post(
        "/profiles/{identity}/split",
        summary="Take a wrongly linked identity out of a customer",
        description="All links of the identity with what it is kept apart from are undone. Both profiles become what "
        "they would be had the links never been, computed from the history of events; later events included. 202 if it "
        "takes longer than five seconds; the workers carry it out all the same, and `GET /v1/splits` lists what is not "
        "finished yet.",
        responses={202: {"model": SplitState, "description": "Accepted"}, **describe_errors(400, 401, 404, 409)},
    )
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

    @router.get("/splits/{split}", summary="What became of a split", responses=describe_errors(401, 404, 409))
    async def one_split(split: str) -> SplitState:
        return await _state(split, await desk.links.split_state(split))

    @router.get("/splits", summary="Splits that are not finished", responses=describe_errors(401))
    async def splits() -> Page[SplitView]:
        pending = await desk.links.splitting()
        return Page(data=[_split_view(split) for split in pending.values()], next=None)

    @router.get(
        "/refusals",
        summary="Links that were refused lately",
        description="The latest 1,000: a limit of the tracking plan was reached, or a split keeps them apart.",
        responses=describe_errors(400, 401),
    )
    async def refusals(
        limit: Annotated[int, Query(ge=1, le=1000, description="Most of them, the newest first.")] = 50,
    ) -> Page[RefusalView]:
        held = list((await desk.links.refusals()).values())[:limit]
        return Page(data=[_refusal(refusal) for refusal in held], next=None)

    async def _state(id_: str, state: str | None) -> SplitState:
        if state is not None and state not in ("splitting", "done"):
            incomplete = state.startswith(HISTORY_INCOMPLETE)
            raise ApiError(409, "history_incomplete" if incomplete else "not_split", state)
        pending = (await desk.links.splitting()).get(id_)
        return SplitState(id=id_, state=state or "asked", split=_split_view(pending) if pending else None)

    async def _links(profile: Profile) -> IdentityLinks:
        linked = (await desk.links.linked_to([profile.id])).get(profile.id)
        own = [(kind, value) for kind, values in profile.identities.items() for value in values]
        held, links = linked or Linked(own, {})
        apart = await desk.links.apart()
        ours = set(held)
        refused = [one for one in (await desk.links.refusals()).values() if ours & set(one.identities)]
        return IdentityLinks(
            profile=profile.id,
            being_split=profile.splitting is not None and not profile.splitting.done,
            identities=[
                LinkedIdentity(
                    **_thin(identity),
                    home=_home(identity, profile),
                    links=[_link(link) for link in links.get(identity, ())],
                    apart_from=[ThinIdentity(**_thin(other)) for other in apart.get(identity, ())],
                )
                for identity in sorted(held, key=_strength)
            ],
            refused=[_refusal(refusal) for refusal in refused],
        )

    def _home(identity: Identity, profile: Profile) -> str:
        return profile_id(deps.namespace, identity) if deps.namespace else profile.id

    def _strength(identity: Identity) -> tuple[int, Identity]:
        rules = deps.plan.identities if deps.plan else []
        return next((rule.priority for rule in rules if rule.type == identity[0]), len(rules) + 1), identity

    def _thin(identity: Identity) -> dict[str, str | bool]:
        hashed = any(rule.type == identity[0] and rule.hashed for rule in (deps.plan.identities if deps.plan else ()))
        return {"type": identity[0], "value": identity[1], "hashed": hashed}

    def _link(link: Link) -> LinkView:
        return LinkView(
            source=link.source,
            event=link.event,
            time=rfc3339(link.time),
            decided=rfc3339(link.decided),
            identities=[ThinIdentity(**_thin(identity)) for identity in link.identities],
        )

    def _refusal(refusal: Refusal) -> RefusalView:
        return RefusalView(
            source=refusal.source,
            event=refusal.event,
            time=rfc3339(refusal.time),
            decided=rfc3339(refusal.decided),
            identities=[ThinIdentity(**_thin(identity)) for identity in refusal.identities],
            refused=[ThinIdentity(**_thin(identity)) for identity in refusal.refused],
            reason=refusal.reason,
        )

    def _split_view(split: PendingSplit) -> SplitView:
        return SplitView(
            id=split.id,
            profile=split.profile,
            identity=ThinIdentity(**_thin(split.identity)),
            apart_from=[ThinIdentity(**_thin(identity)) for identity in split.apart],
            profiles=sorted(set(split.winners.values())),
            at=rfc3339(split.at),
            by=split.by,
        )

    return router
