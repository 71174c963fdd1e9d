"""What operators and their tools ask: rejected events, health, readiness, metrics."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import guarded, wants
from console.api.parameters import known_parameters
from console.api.profiles import Limit
from console.services.ports import ApiDeps, Check, Paused, Plans
from console.views.clock import ClockView, read_clock
from console.views.document import Health, Page, Readiness
from profiles.errors import RapportError
from profiles.stores import AWAY

__all__ = ["clock_router", "operations_router", "rejected_router"]

PATIENCE = 2.0
"""Seconds that a dependency has to answer."""

Answer = TypeVar("Answer")

_SILENT: tuple[type[Exception], ...] = (TimeoutError, RapportError, *AWAY)


def clock_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/clock."""
    router = APIRouter(route_class=guarded(deps), tags=["operations"])

    @router.get("/clock", summary="How far time has come for all customers: loads of history, outages, what came late")
    @wants("pipeline:read")
    async def clock() -> ClockView:
        return await read_clock(deps.clocks, deps.clock())

    return router


def rejected_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/rejected."""
    router = APIRouter(route_class=guarded(deps), tags=["operations"])

    @router.get(
        "/rejected",
        summary="Events that were not accepted, newest first, personal data masked",
    )
    @wants("pipeline:read")
    async def rejected(
        limit: Limit = 50,
        source: Annotated[str | None, Query(description="Only of this source.")] = None,
        reason: Annotated[str | None, Query(description="Only for this reason, e.g. unknown_event.")] = None,
    ) -> Page[dict[str, Any]]:
        return Page(data=await deps.rejected.tail(limit, source=source, reason=reason), next=None)

    return router


def operations_router(
    checks: Mapping[str, Check], paused: Paused, plans: Plans, let_in: Callable[[Request], Awaitable[object]]
) -> APIRouter:
    """/health, /ready and /metrics.

    Whether we live and are ready is for whoever reaches the port, as probes expect. Why we are not, and what was
    counted, is for those of whom `let_in` raises no `ApiError`.
    """
    router = APIRouter(tags=["operations"], dependencies=[Depends(known_parameters)], responses=describe_errors(400))

    @router.get("/health", summary="The process is up")
    async def health() -> Health:
        return Health(status="ok")

    @router.get(
        "/ready",
        summary="Everything it depends on answers",
        responses={503: {"model": Readiness, "description": "Something does not answer; it says what."}},
    )
    async def ready(request: Request, response: Response) -> Readiness:
        answers = await asyncio.gather(*(_ask(check) for check in checks.values()))
        found = dict(zip(checks, answers, strict=True))
        silent = [f"{name}: {answer}" for name, answer in found.items() if answer != "ok"]
        if silent:
            response.status_code = 503
        if not await _may_see(request):
            if silent:
                return Readiness(code="not_ready", message="something does not answer", checks={})
            return Readiness(code="ready", message="everything answers", checks={})
        if silent:
            return Readiness(code="not_ready", message="; ".join(silent), checks=found)
        nothing: Mapping[str, str] = {}
        sources, differ = await _told(paused, nothing), await _told(plans, "")
        parts = ["everything answers", *([f"paused: {', '.join(sources)}"] if sources else [])]
        parts += ["processes have different plans"] if differ else []
        return Readiness(code="ready", message="; ".join(parts), checks=found, paused=dict(sources), plans=differ)

    async def _may_see(request: Request) -> bool:
        try:
            await let_in(request)
        except ApiError:
            return False
        return True

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        await let_in(request)
        return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)

    return router


async def _told(question: Callable[[], Awaitable[Answer]], otherwise: Answer) -> Answer:
    """What is answered, or this if nobody can tell: what does not answer is told by its own check."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await question()
    except _SILENT:
        return otherwise


async def _ask(check: Check) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:
        return str(error) or type(error).__name__
    return "ok"


def _registry() -> CollectorRegistry:
    """This process's metrics, or those of all processes where prometheus_client's multi-process mode is on."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
