"""The HTTP roles: collector, support API, or both on one port, served by uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI

from console.api.app import create_api
from console.api.docs import add_docs
from console.api.error_answers import handle_errors
from console.api.operations import operations_router
from console.http.protocol import BoundedHttp
from console.services.advice import Adviser
from console.services.models import ModelDesk
from console.services.ports import ApiDeps, Check
from plan import Plan
from plan.agreement import agree
from plan.fingerprint import fingerprint
from profiles.errors import Misconfigured, WrongUse
from profiles.stores import open_stores
from profiles.stores.setup import plans_in_use
from profiles.units import PlanSign
from streams.collector.app import Collector, collector_routes
from streams.commands import CommandSender
from streams.dead_letters.newest import RejectedTail
from streams.identity.desk import open_desk
from streams.kafka.admission import Unreachable, admit
from streams.kafka.client import Unavailable
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer
from streams.kafka.producer import KafkaProducer
from streams.kafka.topics import topic_name
from streams.live import LiveFeed
from streams.metrics import CollectorMetrics
from streams.settings import Settings

__all__ = ["create_http", "serve"]


def create_http(settings: Settings, plan: Plan, *, collect: bool, api: bool) -> FastAPI:
    """The application of an HTTP role.

    Raises:
        Misconfigured: the support API has no token.
    """
    producer = KafkaProducer(settings)

    async def kafka_answers() -> None:
        if not producer.ready:
            raise Unavailable("Kafka does not answer")

    checks: dict[str, Check] = {"kafka": kafka_answers}
    if api:
        app = _with_api(settings, plan, checks)
    else:
        life = contextlib.asynccontextmanager(_nothing)
        app = FastAPI(title="Rapport collector", docs_url=None, redoc_url=None, lifespan=life)
        app.include_router(operations_router(checks, _none_paused, _no_plans))
        add_docs(app)
        handle_errors(app)
    if collect:
        collector = Collector(
            plan=plan,
            producer=producer,
            metrics=CollectorMetrics(),
            rate_limit=settings.rate_limit,
            rename=lambda base: topic_name(settings, base),
        )
        app.router.routes.extend(collector_routes(collector))
    _add_life(app, producer)
    return app


def serve(settings: Settings, plan: Plan, *, collect: bool, api: bool) -> None:
    """Serve until a signal comes.

    Raises:
        Misconfigured: the support API has no token, or Kafka does not let us in.
    """
    with contextlib.suppress(Unreachable):  # waited for while we serve, and told
        asyncio.run(admit(settings))
    _allow_connections()
    uvicorn.run(
        create_http(settings, plan, collect=collect, api=api),
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


def _allow_connections() -> None:
    """As many open files as the system lets us have: by default slow clients could take them all."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says "unlimited" and means less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _with_api(settings: Settings, plan: Plan, checks: dict[str, Check]) -> FastAPI:
    if settings.api_token is None:
        raise WrongUse("the support API needs a token; set RAPPORT_API_TOKEN, or use `rapport up`, which makes one")
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
    feed = LiveFeed(settings)
    app = create_api(
        ApiDeps(
            reader=reader,
            plan=plan,
            token=settings.api_token,
            commands=commands,
            feed=feed,
            rejected=RejectedTail(KafkaLog(settings), settings, plan),
            desk=desk,
            adviser=Adviser(stores.learner, plan.churn, plan.currency),
            models=ModelDesk(stores.learner, commands, plan.churn, plan.currency),
            findings=stores.census.findings,
            checks=checks,
            paused=stores.sources.paused,
            plans=plans,
            clocks=stores.clock,
        )
    )

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        feed.start()
        try:
            yield
        finally:
            await feed.stop()
            await producer.stop()
            await stores.close()

    app.router.lifespan_context = life
    return app


def _add_life(app: FastAPI, producer: KafkaProducer) -> None:
    inner = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def life(owner: FastAPI) -> AsyncIterator[None]:
        await producer.start()
        try:
            async with inner(owner):
                yield
        finally:
            await producer.stop()

    app.router.lifespan_context = life


async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


async def _none_paused() -> dict[str, str]:
    """The collector does not ask: a source that is paused takes events all the same."""
    return {}


async def _no_plans() -> str:
    """Nor does it ask what others make of them."""
    return ""
