"""The HTTP roles: collector, support API, or both on one port, served by uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI, Request
from pydantic import SecretStr

from console.access.limiting import Limiter
from console.access.users_file import with_users_file
from console.access.ways import ways_of
from console.api.app import create_api
from console.api.entrance.callers import Callers
from console.api.error_answers import ApiError, handle_errors
from console.api.operations import operations_router
from console.api.reference.docs import add_docs, describe_collector
from console.embeds.setup import embeds_of
from console.http.credentials import require_credentials
from console.http.operators_port import add_operations, listen
from console.http.over_https import OverHttps
from console.http.protocol import BoundedHttp
from console.http.reach_of_others import require_own_keys
from console.pages.site import add_pages
from console.services.advice import Adviser
from console.services.models import ModelDesk
from console.services.ports import ApiDeps, Check, Paused, Plans
from console.views.analysing.analysis_desk import AnalysisDesk
from console.webhooks.endpoint import mappings_of, reread, webhook_route
from plan import Plan
from plan.agreement import agree
from plan.fingerprint import fingerprint
from profiles.errors import Misconfigured
from profiles.stores import open_stores
from profiles.stores.setup import is_rebuilding, plans_in_use
from profiles.units import PlanSign
from streams.archive.status import status_aside
from streams.audit.trail import AuditTrail
from streams.collector.app import Collector, collector_routes
from streams.commands import CommandSender
from streams.dead_letters.newest import RejectedTail
from streams.dead_letters.replays import ReplayDesk
from streams.identity.desk import open_desk
from streams.kafka.admission import Unreachable, admit
from streams.kafka.client import Unavailable
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.kafka.producer import KafkaProducer
from streams.kafka.topics import topic_name
from streams.live import LiveFeed
from streams.metrics import CollectorMetrics
from streams.settings import Settings, engine_of
from streams.sinks.desk import DeliveryDesk
from streams.watching.raw_feed import RawFeed
from streams.watching.sdks import SdkWatch

__all__ = ["create_http", "serve"]

_FILLED = 60.0  # seconds after which what is read when it is first asked for has been
_LOOKS = 10_000, 20, 20  # objects that are new, and looks at younger ones, between two looks for cycles
_NOT_STARTED = 3
"""Status of a process that could not begin to serve, as uvicorn has it."""


def create_http(
    settings: Settings, plan: Plan, *, collect: bool, api: bool, operations: socket.socket | None = None
) -> FastAPI:
    """The application of an HTTP role.

    Args:
        settings: where Kafka and Redis are, and what is open.
        plan: that is in use.
        collect: whether it takes events.
        api: whether it is the support API.
        operations: where metrics and readiness are shown to whoever reaches it.
    """
    producer = KafkaProducer(settings)

    async def kafka_answers() -> None:
        if not producer.ready:
            raise Unavailable("Kafka does not answer")

    checks: dict[str, Check] = {"kafka": kafka_answers}
    paused: Paused = _none_paused
    plans: Plans = _no_plans
    if api:
        deps, app = _with_api(settings, plan, checks, alone=not collect)
        paused, plans = deps.paused, deps.plans
    else:
        shown = _everybody if settings.open_operations else _nobody
        life = contextlib.asynccontextmanager(_nothing)
        app = FastAPI(title="Rapport collector", openapi_url=None, redirect_slashes=False, lifespan=life)
        app.include_router(operations_router(checks, paused, plans, shown))
        add_docs(app, shown)
        handle_errors(app)
    if api:
        _add_mcp(app, settings, deps)
    if collect:
        collector = Collector(
            plan=plan,
            producer=producer,
            metrics=CollectorMetrics(),
            rate_limit=settings.rate_limit,
            rename=lambda base: topic_name(settings, base),
        )
        app.router.routes.extend(collector_routes(collector))
        app.router.routes.append(webhook_route(collector, mappings_of(plan, settings.plan.parent)))
        describe_collector(app)
    _add_life(app, producer)
    if operations is not None:
        add_operations(app, operations, operations_router(checks, paused, plans, _everybody))
    return app


def serve(settings: Settings, plan: Plan, *, collect: bool, api: bool, listener: socket.socket | None = None) -> None:
    """Serve until a signal comes, on a socket that listens already if there is one.

    Raises:
        WrongUse: nobody could come in to the support API, a write key is not for others to reach, or a port is taken.
        Misconfigured: Kafka does not let us in, or Redis, which knows who may come in, does not answer.
    """
    if collect:
        require_own_keys(settings.host, plan, trial=api)  # both on one port are a `rapport up`
    if api:
        require_credentials(settings)
    operations = listen(settings.host, settings.operations_port) if settings.operations_port else None
    with contextlib.suppress(Unreachable):  # waited for while we serve, and told
        asyncio.run(admit(settings))
    _allow_connections()
    server = uvicorn.Server(
        uvicorn.Config(
            create_http(settings, plan, collect=collect, api=api, operations=operations),
            host=settings.host,
            port=settings.port,
            log_level=settings.log_level,
            access_log=False,
            log_config=None,  # to our own handler, which masks personal data
            timeout_graceful_shutdown=5,
            http=BoundedHttp,
            loop="asyncio",  # not uvloop: docs/architecture.md
            ws="none",
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=None if listener is None else [listener])
    if not server.started:
        sys.exit(_NOT_STARTED)


def _allow_connections() -> None:
    """As many open files as the system lets us have: by default slow clients could take them all."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says "unlimited" and means less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _with_api(settings: Settings, plan: Plan, checks: dict[str, Check], *, alone: bool) -> tuple[ApiDeps, FastAPI]:
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
    reader = stores.reader

    async def somebody_works() -> None:
        if not await reader.workers():
            raise Misconfigured("no worker has shown a sign of life; start `rapport work`")

    own = PlanSign(plan=fingerprint(plan), version=plan.version, began=0, seen=0, decides=False)

    async def plans() -> str:
        found = await plans_in_use(stores.client)
        agreement = agree(found._replace(signs=found.signs | {"this console": own}))
        return agreement.in_words() if agreement.differ else ""

    checks["redis"] = reader.ping
    checks["workers"] = somebody_works
    producer = BatchProducer(settings)
    commands = CommandSender(producer, settings)
    desk = open_desk(settings, plan, stores, commands)
    feed, log = LiveFeed(settings), KafkaLog(settings)
    trail_producer = BatchProducer(settings)
    trail = AuditTrail(trail_producer, log, settings)
    replays = ReplayDesk(log, settings, plan, reread=reread(plan, settings.plan.parent))
    deps = ApiDeps(
        reader=reader,
        plan=plan,
        token=settings.api_token or SecretStr(""),
        commands=commands,
        feed=feed,
        rejected=RejectedTail(log, settings, plan),
        desk=desk,
        adviser=Adviser(stores.learner, plan.churn, plan.currency),
        models=ModelDesk(stores.learner, commands, plan.churn, plan.currency),
        findings=stores.census.findings,
        checks=checks,
        paused=stores.sources.paused,
        plans=plans,
        clocks=stores.clock,
        sources=stores.sources,
        raw=RawFeed(log, settings, plan),
        sdks=SdkWatch(log, settings, plan),
        replays=replays,
        deliveries=DeliveryDesk(log, producer, settings),
        rebuilding=lambda: is_rebuilding(stores.client),
        archive=lambda: status_aside(settings),
        analyses=AnalysisDesk(settings.archive, plan, engine=engine_of(settings)),
        access=with_users_file(stores.access, settings.users_file),
        ways=ways_of(settings),
        embeds=embeds_of(settings),
        audit=trail,
        open_operations=settings.open_operations,
        open_docs=alone,
        transparency=settings.transparency,
        limiter=Limiter(settings.reveals_per_hour),
        collects=not alone,
    )
    app = create_api(deps)
    add_pages(app, deps)
    if deps.ways.public_url.startswith("https:"):
        app.add_middleware(OverHttps)

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        feed.start()
        try:
            yield
        finally:
            deps.analyses.close()
            await feed.stop()
            await trail.stop()
            await trail_producer.stop()
            await replays.stop()
            await producer.stop()
            await stores.close()

    app.router.lifespan_context = life
    return deps, app


def _add_mcp(app: FastAPI, settings: Settings, deps: ApiDeps) -> None:
    """Give `/mcp` to an application where the extra is installed."""
    try:
        from console.mcp.server import add_mcp  # noqa: PLC0415
    except ModuleNotFoundError:
        return
    add_mcp(app, Callers(deps.access, deps.token, deps.ways.proxy), write=settings.mcp_write)


def _add_life(app: FastAPI, producer: KafkaProducer) -> None:
    inner = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def life(owner: FastAPI) -> AsyncIterator[None]:
        await producer.start()
        try:
            async with inner(owner):
                _leave_be()
                later = asyncio.get_running_loop().call_later(_FILLED, _leave_be)
                yield
                later.cancel()
        finally:
            await producer.stop()

    app.router.lifespan_context = life


def _leave_be() -> None:
    """Have Python look for cycles in what was made since alone: plans, templates, locales and models stay for good, and
    a look at all of them takes a tenth of a second, in which nobody is answered."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_LOOKS)


async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


async def _everybody(_: Request) -> None:
    """May see it."""


async def _nobody(request: Request) -> None:
    raise ApiError(404, "not_found", f"there is nothing at {request.url.path}")


async def _none_paused() -> dict[str, str]:
    """The collector does not ask: a source that is paused takes events all the same."""
    return {}


async def _no_plans() -> str:
    """Nor does it ask what others make of them."""
    return ""
