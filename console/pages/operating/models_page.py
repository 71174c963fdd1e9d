"""The models: which speaks and why, how good each is, what moves it, and a person's decisions about them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.api.models import Action, decide_on_models, known_churn
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.pages.live.streaming import stream
from console.services.ports import ApiDeps
from console.views.models import HistoryView, history_view, model_detail, models_view
from models.churn.panel import MODELS

__all__ = ["models_page_router"]

Measure = Literal["log_loss", "auc", "ece", "brier"]
Horizon = Literal["full", "short"]

_EVERY = 2.0  # seconds between two states
_WORDS = {"log_loss": "log loss", "auc": "AUC", "ece": "ECE", "brier": "Brier"}


def models_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /models, its stream, and decisions."""
    router = APIRouter(include_in_schema=False)
    reads, writes = Depends(entry.may("models:read")), Depends(entry.may("models:write"))

    @router.get("/models")
    async def models(
        request: Request,
        churn: Annotated[str, Query(max_length=64)] = "",
        model: Annotated[str, Query(max_length=40)] = "",
        measure: Measure = "log_loss",
        horizon: Horizon = "full",
        viewer: Viewer = reads,
    ) -> Response:
        shown = await told(churn, model)
        chart = _course(shown["history"], measure, horizon)
        return await frame.page(
            request, viewer, "models", **shown, chart=chart, measure=measure, horizon=horizon, measures=_WORDS
        )

    @router.get("/live/models")
    async def live(
        request: Request,
        churn: Annotated[str, Query(max_length=64)] = "",
        viewer: Viewer = reads,
    ) -> Response:
        language = language_of(request)

        async def render() -> dict[str, str]:
            shared = {**await frame.shared(request, viewer), **await told(churn, "")}
            return await frame.fragments(language, "models", ("speaks", "standings", "news"), shared)

        still = entry.still(request, viewer)
        return stream(frame.boards, request, viewer, render, still, kinds=("alert",), every=_EVERY, by_name=False)

    @router.post("/models/{action}")
    async def decide(
        request: Request,
        action: Action,
        target: Annotated[str, Form(max_length=40)] = "",
        churn: Annotated[str, Form(max_length=64)] = "",
        viewer: Viewer = writes,
    ) -> Response:
        decision, refused = None, ""
        try:
            decision = await decide_on_models(deps, action, target, viewer.name, churn)
        except ApiError as error:
            refused = error.message
        entry.note(request, viewer, f"model.{action}", target or "champion", result="409" if refused else "ok")
        return await frame.part(request, viewer, "models", "decided", decision=decision, refused=refused)

    async def told(churn: str, model: str) -> dict[str, Any]:
        report = await deps.models.report(known_churn(deps.plan, churn))
        view = models_view(report, deps.plan.churn.hold_out)
        name = model or view.champion
        if name not in MODELS:
            raise ApiError(404, "unknown_model", f"there is no model {name!r}; there are {', '.join(MODELS)}")
        return {
            "view": view,
            "detail": model_detail(report, name),
            "history": history_view(report, await deps.models.kept(churn)),
            "churn": churn,
            "definitions": deps.plan.churn.definitions,
        }

    return router


def _course(history: HistoryView, measure: Measure, horizon: Horizon) -> dict[str, Any]:
    """A figure of every model at the kept checkpoints, the oldest first: for the chart, and the table beside it."""
    kept = history.checkpoints[::-1]
    figures = [one.figures.get(horizon, {}) for one in kept]
    names = sorted({name for each in figures for name in each})
    values = [[getattr(each[name], measure) if name in each else None for each in figures] for name in names]
    return {"at": [one.at for one in kept], "models": names, "values": values}
