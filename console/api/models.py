"""The models: how good each is and which is the champion, what moves it, what was kept; and a person's decisions about
them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.api.profiles import named
from console.services.ports import ApiDeps
from console.views.churn import may_be_scored
from console.views.models import (
    DecisionView,
    ExplanationView,
    HistoryView,
    ModelDetail,
    ModelsView,
    explanation_view,
    history_view,
    model_detail,
    models_view,
)
from models.churn.panel import MODELS
from models.labels.outcomes import held
from plan import Plan
from streams.background import aside

__all__ = ["Action", "decide_on_models", "known_churn", "models_router"]


Action = Literal["promote", "rollback", "release"]

Churn = Annotated[
    str, Query(max_length=64, description="By which further definition of churn; the plan's own without it.")
]


class Release(BaseModel):
    """Who decides."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="", max_length=200, description="Who.")
    churn: str = Field(default="", max_length=64, description="By which further definition of churn.")


class Promotion(Release):
    """Which model shall be the champion."""

    model: str = Field(max_length=40, examples=["direct"])


class RollBack(Release):
    """Which checkpoint to go back to."""

    version: int = Field(ge=1, description="Of a kept checkpoint; /v1/models/history lists them.")


def models_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/models."""
    router, desk = APIRouter(route_class=guarded(deps), prefix="/models", tags=["models"]), deps.models

    def known(churn: str) -> str:
        return known_churn(deps.plan, churn)

    decided = {202: {"model": DecisionView, "description": "Accepted"}, **describe_errors(404, 409)}

    @router.get("", summary="Every model, how good it is, and which is the champion", responses=describe_errors(404))
    @wants("models:read")
    async def models(churn: Churn = "") -> ModelsView:
        return models_view(await desk.report(known(churn)), deps.plan.churn.hold_out)

    @router.get(
        "/history", summary="Kept checkpoints, and which model was the champion when", responses=describe_errors(404)
    )
    @wants("models:read")
    async def history(churn: Churn = "") -> HistoryView:
        return history_view(await desk.report(known(churn)), await desk.kept(churn))

    @router.get(
        "/explain",
        summary="A customer's risk, taken apart",
        description="Every contribution of the champion, as of the time of the customer's score. With the "
        "baseline they sum to the log-odds of the risk. If the model has learned since, its answer differs from the "
        "score by what it has learned.",
        responses=describe_errors(404, 409),
    )
    @wants("models:read", one=True, audit="profile.explain")
    async def explain(
        identity: Annotated[str, Query(max_length=600, description="TYPE:VALUE, such as user_id:42.")],
        churn: Churn = "",
    ) -> ExplanationView:
        profile, _ = await named(deps, identity)
        score = held(profile, deps.plan.churn.of(known(churn))).score
        if score is None or not may_be_scored(profile, deps.plan):
            raise ApiError(409, "no_score", "this customer has no score: nothing ordered yet, or profiling not allowed")
        report = await desk.report(churn)
        scores = await aside(desk.explain, report, profile, score.at, churn)
        expected = None if churn else await aside(desk.outlook, report, profile, score.at)  # it is of orders
        return explanation_view(profile, score, report.panel.champion.id, scores, expected)

    @router.get("/{name}", summary="One model: its weights and quality", responses=describe_errors(404))
    @wants("models:read")
    async def model(name: str, churn: Churn = "") -> ModelDetail:
        if name not in MODELS:
            raise ApiError(404, "unknown_model", f"there is no model {name!r}; there are {', '.join(MODELS)}")
        return model_detail(await desk.report(known(churn)), name)

    @router.post(
        "/promote",
        summary="Make a model the champion",
        description="It stays it until it is released. 200 once it is carried out, 202 if that takes longer than five "
        "seconds; the decision is safe in both cases. 409 says why it cannot be.",
        responses=decided,
    )
    @wants("models:write", audit="model.promote")
    async def promote(order: Promotion, response: Response) -> DecisionView:
        return await decide("promote", order.model, order, response)

    @router.post(
        "/rollback",
        summary="Set what was learned back to a kept checkpoint",
        description="Learning goes on from there; what was learned since is lost. Answers as promote does.",
        responses=decided,
    )
    @wants("models:write", audit="model.rollback")
    async def rollback(order: RollBack, response: Response) -> DecisionView:
        return await decide("rollback", str(order.version), order, response)

    @router.post(
        "/release",
        summary="Let the promotion rule choose again",
        description="Undoes promote: the model that the rule had chosen is champion again. Answers as promote does.",
        responses=decided,
    )
    @wants("models:write", audit="model.release")
    async def release(response: Response, order: Release | None = None) -> DecisionView:
        return await decide("release", "", order or Release(), response)

    async def decide(action: Action, target: str, order: Release, response: Response) -> DecisionView:
        about(target or "champion")
        view = await decide_on_models(deps, action, target, order.by, order.churn)
        if view.done is None:
            response.status_code = 202
        return view

    return router


def known_churn(plan: Plan, churn: str) -> str:
    """A definition of churn that there is; "" is the plan's own.

    Raises:
        ApiError: 404, there is no such definition.
    """
    names = [definition.name for definition in plan.churn.definitions]
    if churn and churn not in names:
        there = ", ".join(names) or "none"
        raise ApiError(404, "unknown_churn", f"there is no definition of churn {churn!r}; there are {there}")
    return churn


async def decide_on_models(deps: ApiDeps, action: Action, target: str, by: str, churn: str) -> DecisionView:
    """Hand a person's decision over, and tell what became of it so far.

    Raises:
        ApiError: 404, there is no such definition of churn; 409, it cannot be.
    """
    now = await deps.now()
    id_, outcome = await deps.models.decide(action, target, now, by, deps.wait, known_churn(deps.plan, churn))
    if outcome is None:
        text = "on its way; /v1/models shows what became of it"
        return DecisionView(id=id_, action=action, target=target, at=now, by=by, done=None, text=text)
    if not outcome.done:
        raise ApiError(409, "refused", outcome.text)
    return DecisionView.of(outcome, at=outcome.time)
