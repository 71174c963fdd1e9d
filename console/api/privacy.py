"""Privacy: erasing a customer or a company, its receipt, lifting an erasure, and handing over all that is known."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.companies import Company, documents_of, known_company
from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.api.paths import PROFILE_ID, parse_identity
from console.api.profiles import Who, named
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.privacy import CompanyExport, ErasureReceipt, Export, LiftedView, company_export_view, export_view
from profiles.identity.links import Lifted
from profiles.types import is_company
from streams.background import aside
from streams.identity.erasure import NotErased

__all__ = ["privacy_router"]


_OF_EXPORTS = 10
"""Times the patience: they read the archive, and a customer has a right to them."""


class LiftOrder(BaseModel):
    """Who may come back, and why."""

    model_config = ConfigDict(extra="forbid")

    identity: str = Field(max_length=600, description="TYPE:VALUE; each identity by itself.", examples=["user_id:42"])
    reason: str = Field(min_length=1, max_length=500, description="Why; kept for good. No personal data.")
    by: str = Field(default="", max_length=200, description="Who decided it.")


class CompanyLiftOrder(BaseModel):
    """Why a company may come back."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, description="Why; kept for good. No personal data.")
    by: str = Field(default="", max_length=200, description="Who decided it.")


def privacy_router(deps: ApiDeps) -> APIRouter:
    """The routes on erasure and export."""
    router, desk = APIRouter(route_class=guarded(deps), tags=["privacy"]), deps.desk

    @router.delete(
        "/profiles/{identity}",
        summary="Erase a customer",
        description="Profile, identities, links, timers, indexes, alerts and pending examples go; what still arrives, "
        "is replayed or rebuilt is dropped from now on. Answers a receipt: what is gone, and what remains where, until "
        "when. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": ErasureReceipt, "description": "Accepted"}, **describe_errors(404)},
    )
    @wants("privacy:erase", audit="profile.erase")
    async def erase(
        identity: Who,
        response: Response,
        by: Annotated[str, Query(max_length=200, description="Who decided it.")] = "",
    ) -> ErasureReceipt:
        profile, known_as = await named(deps, identity)
        receipt = await desk.eraser.erase(profile, known_as, deps.clock(), by, deps.wait)
        if receipt.state != "done":
            response.status_code = 202
        return ErasureReceipt.of(receipt)

    @router.delete(
        "/companies/{company}",
        summary="Erase a company as such",
        description="Its document, traits, timeline, alerts, segments and links with other companies go, and its "
        "people, who stay, forget it; an event that names it later, is replayed or rebuilt says nothing of it. Answers "
        "a receipt. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": ErasureReceipt, "description": "Accepted"}, **describe_errors(404)},
    )
    @wants("privacy:erase", audit="company.erase")
    async def erase_company(
        company: Company,
        response: Response,
        by: Annotated[str, Query(max_length=200, description="Who decided it.")] = "",
    ) -> ErasureReceipt:
        found = await known_company(deps, company)
        about(found.id)
        receipt = await desk.eraser.erase_company(found, deps.clock(), by, deps.wait)
        if receipt.state != "done":
            response.status_code = 202
        return ErasureReceipt.of(receipt)

    @router.post(
        "/companies/{company}/lift",
        summary="Let an erased company come back",
        description="What names it from now on counts again; what was erased does not come back. Kept for good, with "
        "the reason. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": LiftedView, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("privacy:erase", audit="erasure.lift")
    async def lift_company(company: Company, order: CompanyLiftOrder, response: Response) -> LiftedView:
        if not deps.plan.group:
            raise ApiError(404, "unknown_company", "the plan has no companies")
        id_ = name if is_company(name := unquote(company)) else deps.plan.company(name)
        return await answer(desk.eraser.lift_company(id_, order.by, order.reason, deps.wait), response)

    @router.get("/erasures/{erasure}", summary="The receipt of an erasure", responses=describe_errors(404))
    @wants("privacy:erase")
    async def receipt(erasure: str) -> ErasureReceipt:
        found = await desk.eraser.receipt(erasure)
        if found is None:
            raise ApiError(404, "unknown_erasure", "there is no receipt by this id")
        return ErasureReceipt.of(found)

    @router.post(
        "/lifts",
        summary="Let an erased identity come back",
        description="What happens from now on counts again; what was erased does not come back. Kept for good, with "
        "the reason. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": LiftedView, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("privacy:erase", audit="erasure.lift")
    async def lift(order: LiftOrder, response: Response) -> LiftedView:
        identity = parse_identity(order.identity, deps.plan)
        if identity[0] == PROFILE_ID:
            raise ApiError(400, "invalid_identity", "name an identity, such as user_id:42")
        return await answer(desk.eraser.lift(identity, order.by, order.reason, deps.wait), response)

    async def answer(lifting: Awaitable[tuple[Lifted, bool]], response: Response) -> LiftedView:
        try:
            lifted, done = await lifting
        except NotErased as error:
            raise ApiError(409, "not_erased", str(error)) from error
        if not done:
            response.status_code = 202
        about(lifted.id)
        return LiftedView.of(lifted)

    @router.get("/lifts", summary="Erasures that were lifted", description="All there ever were, the latest first.")
    @wants("privacy:erase")
    async def lifts() -> Page[LiftedView]:
        return Page(data=[LiftedView.of(one) for one in await desk.eraser.lifted()], next=None)

    exports = APIRouter(route_class=guarded(deps, times=_OF_EXPORTS))

    @exports.get(
        "/profiles/{identity}/export",
        summary="All that is known about a customer",
        description="For the customer: the profile, every trait and event with what it was collected for and who "
        "answers for it. Events come from the archive and from Kafka.",
        responses=describe_errors(404),
    )
    @wants("privacy:export", "pii:read", one=True, audit="profile.export")
    async def export(identity: Who) -> Export:
        profile, _ = await named(deps, identity)
        events, missing = await desk.exporter.events(profile)
        return await aside(export_view, profile, events, missing, await deps.now(), deps.plan)

    @exports.get(
        "/companies/{company}/export",
        summary="All that is known about a company as such",
        description="Its document with risk and health, every trait with what it is for and who answers for it, who "
        "belongs to it since when, and what adds up. What its people are and did is theirs: export them.",
        responses=describe_errors(404),
    )
    @wants("privacy:export", "pii:read", one=True, audit="company.export")
    async def export_company(company: Company) -> CompanyExport:
        found = await known_company(deps, company)
        about(found.id)
        return await aside(company_export_view, found, await documents_of(deps, found), await deps.now(), deps.plan)

    router.include_router(exports)
    return router
