"""Privacy: erasing a customer, its receipt, and handing over all that is known."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from console.api.errors import ApiError, describe_errors
from console.api.profiles import Who, named
from console.services.ports import ApiDeps
from console.views.documents import EventView, ProfileView
from console.views.privacy import ErasureReceipt, Export, ExportedEvent, ExportedTrait
from console.views.profile import event_view, profile_view
from profiles.timeline import latest_events
from streams.identity.desk import Desk
from streams.identity.erasure import Receipt

__all__ = ["privacy_router"]

_MAX_TIMELINE = 500


def privacy_router(deps: ApiDeps, desk: Desk) -> APIRouter:
    """The routes on erasure and export."""
    router = APIRouter(tags=["privacy"])

    @router.delete(
        "/profiles/{identity}",
        summary="Erase a customer",
        description="Profile, identities, links, timers, indexes, alerts and pending examples go; what still arrives, "
        "is replayed or rebuilt is dropped from now on. Answers a receipt: what is gone, and what remains where, until "
        "when. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": ErasureReceipt, "description": "Accepted"}, **describe_errors(400, 401, 404)},
    )
    async def erase(
        identity: Who,
        response: Response,
        by: Annotated[str, Query(max_length=200, description="Who decided it.")] = "",
    ) -> ErasureReceipt:
        profile, known_as = await named(deps, identity)
        receipt = await desk.eraser.erase(profile, known_as, await deps.now(), by, deps.wait)
        if receipt.state != "done":
            response.status_code = 202
        return _document(receipt)

    @router.get("/erasures/{erasure}", summary="The receipt of an erasure", responses=describe_errors(401, 404))
    async def receipt(erasure: str) -> ErasureReceipt:
        found = await desk.eraser.receipt(erasure)
        if found is None:
            raise ApiError(404, "unknown_erasure", "there is no receipt by this id")
        return _document(found)

    @router.get(
        "/profiles/{identity}/export",
        summary="All that is known about a customer",
        description="For the customer: the profile, every trait and event with what it was collected for and who "
        "answers for it. Events come from the archive and from Kafka.",
        responses=describe_errors(400, 401, 404),
    )
    async def export(identity: Who) -> Export:
        profile, _ = await named(deps, identity)
        events, missing = await desk.exporter.events(profile)
        latest: list[EventView] = []
        if missing:
            latest = [event_view(entry, deps.plan) for entry in latest_events(profile, _MAX_TIMELINE)]
        view: ProfileView = profile_view(profile, await deps.now(), deps.plan)
        return Export(
            profile=view,
            traits=[ExportedTrait(**trait) for trait in desk.exporter.traits(profile)],
            events=[ExportedEvent(**event) for event in events],
            missing=missing,
            latest_events=latest,
        )

    return router


def _document(receipt: Receipt) -> ErasureReceipt:
    fields: dict[str, Any] = msgspec.to_builtins(receipt)
    return ErasureReceipt.model_validate(fields)
