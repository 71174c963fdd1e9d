"""The support API over a store in memory, for tests of what it and the commands show."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
from pydantic import SecretStr

from console.api import ApiDeps, create_api
from console.services.advice import Adviser
from console.services.finder import Finder
from console.services.models import ModelDesk
from console.views.analysing.analysis_desk import AnalysisDesk
from models.labels.examples import ModelCommand
from plan import Plan, load_plan
from profiles.store import Reader
from profiles.stores import open_stores
from profiles.stores.memory import MemoryAccessStore, MemoryClockStore, MemoryLinkStore, MemorySourceStore, MemoryStore
from profiles.types import AlertCommand
from profiles.units import LearnerPosition
from streams.audit.trail import AuditRow, AuditTrail
from streams.commands import CommandSender
from streams.dead_letters.grouping import Group
from streams.dead_letters.newest import ReplayRun
from streams.dead_letters.replays import ReplayDesk
from streams.identity.desk import Desk, open_desk
from streams.kafka.memory import MemoryLog
from streams.kafka.output import BatchProducer
from streams.kafka.topics import topics
from streams.live import LiveEvent
from streams.settings import Settings
from streams.sinks.desk import DeliveryDesk
from streams.watching.raw_feed import RawFeed
from streams.watching.sdks import SdkWatch
from tests import REPOSITORY
from tests.console.people import NOW
from tests.console.serving import serving

__all__ = [
    "PLAN", "PLAN_FILE", "TOKEN", "Noted", "Nothing", "api_deps", "memory_log", "quiet_desk", "support_api", "where",
]  # fmt: skip

PLAN_FILE = REPOSITORY / "tracking_plan.yaml"
PLAN = load_plan(PLAN_FILE, {})
TOKEN = "correct-horse"


def api_deps(held: Reader, **parts: Any) -> ApiDeps:
    """All that the support API needs: a store, what is under test, and of the rest parts to which nothing happens.

    Routes on links, splits, erasures and exports have the real parts behind them, over a Redis and a Kafka that are
    not there.
    """
    nothing = Nothing()
    plan: Plan = parts.get("plan", PLAN)
    nowhere = Settings(kafka="127.0.0.1:9", redis=SecretStr("redis://127.0.0.1:9/0"))
    stores = open_stores(nowhere.redis.get_secret_value(), plan.namespace, nowhere.partitions, retrying=False)
    log = memory_log(plan, nowhere)
    given = {
        "plan": plan,
        "token": SecretStr(TOKEN),
        "commands": nothing,
        "feed": nothing,
        "rejected": nothing,
        "desk": open_desk(nowhere, plan, stores, CommandSender(BatchProducer(nowhere), nowhere)),
        "adviser": Adviser(nothing, plan.churn, plan.currency),
        "models": ModelDesk(nothing, nothing, plan.churn, plan.currency),
        "findings": nothing.panel,
        "checks": {},
        "paused": nothing.paused,
        "plans": nothing.differ,
        "clocks": MemoryClockStore(),
        "sources": MemorySourceStore(),
        "raw": RawFeed(log, nowhere, plan),
        "sdks": SdkWatch(log, nowhere, plan),
        "replays": ReplayDesk(log, nowhere, plan, log),
        "deliveries": DeliveryDesk(log, log, nowhere),
        "rebuilding": nothing.rebuilding,
        "archive": nothing.archive,
        "analyses": AnalysisDesk("", plan),
        "access": MemoryAccessStore(),
        "audit": AuditTrail(log, log, nowhere),
        "clock": lambda: NOW,
        "finder": Finder(patience=60.0),  # on a machine that is busy with other tests
    }
    return ApiDeps(reader=held, **given | parts)


def memory_log(plan: Plan, settings: Settings) -> MemoryLog:
    """Every topic of a plan, empty."""
    return MemoryLog({topic.name: topic.partitions for topic in topics(settings, plan)})


def quiet_desk() -> Desk:
    """A desk with links in memory, of which none was ever asked to be taken back."""
    return replace(api_deps(MemoryStore(PLAN.namespace, 1)).desk, links=MemoryLinkStore())


@contextlib.contextmanager
def support_api(held: MemoryStore, **parts: Any) -> Iterator[httpx.Client]:
    """Serve a store, and what else the routes under test need (`ApiDeps`); answers a client that has the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(create_api(api_deps(held, **parts))) as url,
        httpx.Client(base_url=url, headers=headers, timeout=20, verify=False) as http,
    ):
        yield http


def where(http: httpx.Client) -> list[str]:
    """The options by which a command finds the API of this client."""
    return ["--url", str(http.base_url), "--token", TOKEN]


class Noted:
    """An audit trail in a list."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []

    def note(self, row: AuditRow) -> None:
        """Take a row."""
        self.rows.append(row)


class Nothing:
    """No decision is carried out, nothing happens, nothing was rejected, learned or counted, no source is paused."""

    async def send(self, command: AlertCommand) -> None:
        """Of decisions on alerts."""

    async def decide(self, command: ModelCommand) -> None:
        """Of decisions on models."""

    async def subscribe(self) -> AsyncIterator[LiveEvent]:
        """Of the live feed."""
        return
        yield

    @contextlib.contextmanager
    def watch(self, kinds: Sequence[str], about: str = "") -> Iterator[asyncio.Event]:
        """Of the live feed."""
        yield asyncio.Event()

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """Of rejected events."""
        return []

    async def groups(self, source: str | None = None) -> list[Group]:
        """Of rejected events."""
        return []

    async def replays(self) -> list[ReplayRun]:
        """Of rejected events."""
        return []

    async def rebuilding(self) -> bool:
        """Of the store."""
        return False

    async def archive(self) -> dict[str, Any] | None:
        """There is none."""
        return None

    async def position(self) -> LearnerPosition:
        """Of the learner: it has not begun."""
        return LearnerPosition(0, -1, "")

    async def panel(self) -> bytes | None:
        """Of the models: the rules are the champion. Of a census: there was none."""
        return None

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Of the learner's checkpoint."""
        return {}

    async def part_names(self) -> list[str]:
        """Of the learner's checkpoint."""
        return []

    async def paused(self) -> Mapping[str, str]:
        """Of the sources."""
        return {}

    async def differ(self) -> str:
        """Of the plans."""
        return ""
