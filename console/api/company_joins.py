"""Companies that are one on a person's word: joining two by hand, and taking that back."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.companies import Company, company_named, known_company
from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.services.ports import ApiDeps
from console.views.companies import key_of
from console.views.document import Document
from profiles.types import Join, Profile, is_cell, is_company, is_joined

__all__ = ["company_joins_router"]

_LATER = 0.001  # seconds
_LOOK = 0.1  # seconds between looks at what has become of a person's word


class CompanyJoinOrder(BaseModel):
    """Which company is the same one, and who says so."""

    model_config = ConfigDict(extra="forbid")

    other: str = Field(
        max_length=600, description="The company that counts for this one from now on, as events name it."
    )
    by: str = Field(default="", max_length=200, description="Who decided it.")
    reason: str = Field(default="", max_length=1000, description="Why.")


class CompanyUnjoinOrder(BaseModel):
    """Who says that it is another company after all."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="", max_length=200, description="Who decided it.")
    reason: str = Field(default="", max_length=1000, description="Why.")


class JoinedState(Document):
    """What became of a person's word on companies."""

    company: str
    into: str | None = Field(description="The company that it counts for; null: for none.")
    state: Literal["done", "asked"]


def company_joins_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/companies that change which companies are one."""
    router = APIRouter(route_class=guarded(deps), prefix="/companies", tags=["companies"])

    @router.post(
        "/{company}/join",
        summary="Let another company count for this one",
        description="On a person's word: the other one stays as it is, and all that its members come to counts here. "
        "`unjoin` takes it back. 202 if it takes longer than five seconds; it is carried out all the same.",
        responses={202: {"model": JoinedState, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("identity:split", audit="company.join")
    async def join(company: Company, order: CompanyJoinOrder, response: Response) -> JoinedState:
        one, other = await known_company(deps, company), await company_named(deps, order.other)
        if one.id == other.id:
            raise ApiError(409, "not_joined", "this is the same company")
        for each in (one, other):
            if is_joined(each):
                raise ApiError(409, "not_joined", f"{key_of(each)} counts for another company already")
        shares = other.company.shares if other.company is not None else {}
        if any(is_company(id_) and not is_cell(id_) for id_ in shares):
            raise ApiError(409, "not_joined", f"other companies count for {key_of(other)}; join each of them")
        said = Join(other.id, key_of(other), one.id, key_of(one), await _time(deps, other), order.by, order.reason)
        return await _ask(deps, said, response)

    @router.post(
        "/{company}/unjoin",
        summary="Let a company that counts for another one be itself again",
        responses={202: {"model": JoinedState, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("identity:split", audit="company.unjoin")
    async def unjoin(company: Company, response: Response, order: CompanyUnjoinOrder | None = None) -> JoinedState:
        found, order = await known_company(deps, company), order or CompanyUnjoinOrder()
        if found.company is None or found.company.joined is None or not found.company.joined.target:
            raise ApiError(409, "not_joined", f"{key_of(found)} counts for no other company")
        return await _ask(
            deps, Join(found.id, key_of(found), "", "", await _time(deps, found), order.by, order.reason), response
        )

    return router


async def _time(deps: ApiDeps, company: Profile) -> float:
    """The time of what is said now, later than what was said before: the clock may stand while history is loaded."""
    joined = company.company.joined if company.company is not None else None
    return max(await deps.now(), joined.at + _LATER if joined is not None else 0.0)


async def _ask(deps: ApiDeps, said: Join, response: Response) -> JoinedState:
    about(said.profile)
    await deps.commands.send(said)
    until = time.monotonic() + deps.wait
    while True:
        found = await deps.reader.profile(said.profile)
        joined = found.company.joined if found is not None and found.company is not None else None
        if found is not None and joined is not None and joined.target == said.target:
            if said.target and not is_joined(found):
                raise ApiError(409, "not_joined", f"another company was joined to {said.key} a moment before")
            return JoinedState(company=said.key, into=said.into or None, state="done")
        if time.monotonic() > until:
            response.status_code = 202
            return JoinedState(company=said.key, into=said.into or None, state="asked")
        await asyncio.sleep(_LOOK)
