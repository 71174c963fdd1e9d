"""The plan watch: shows the plan that a worker has, and what it must hold while others have another one."""

from __future__ import annotations

import asyncio
import logging

from models.segments.held import Held
from plan import Plan
from plan.agreement import Agreement, agree
from plan.fingerprint import fingerprint, rules_of
from profiles.stores.connection import Client
from profiles.stores.setup import forget_plan, plans_in_use, show_plan
from profiles.times import rfc3339
from streams.metrics import WorkerMetrics
from streams.retry import redis_is_away, retrying

__all__ = ["PlanWatch"]

log = logging.getLogger(__name__)

_LEAVING = 1.0  # seconds


class PlanWatch:
    """What a worker holds; ask it by calling it (`models.segments.held.Holding`). Read again every second.

    Args:
        client: of Redis.
        plan: of this worker.
        name: of this worker.
        metrics: of this worker.
        decides: whether it moves customers into segments.
    """

    def __init__(self, client: Client, plan: Plan, name: str, metrics: WorkerMetrics, *, decides: bool) -> None:
        self._client = client
        self._plan = fingerprint(plan)
        self._rules = rules_of(plan)
        self._name = name
        self._metrics = metrics
        self._decides = decides
        self._began = 0.0
        self._seen = Agreement()
        self._held = Held()

    def __call__(self) -> Held:
        """The rules that this worker holds now."""
        return self._held

    @property
    def settling(self) -> bool:
        """Whether something is held that all workers will decide alike within a minute."""
        return self._seen.settling

    @retrying
    async def refresh(self) -> None:
        """Show a sign of life with our plan, and see which others there are."""
        self._began = await show_plan(
            self._client, self._name, self._plan, self._rules, decides=self._decides, began=self._began
        )
        before, now = self._seen, agree(await plans_in_use(self._client), self._seen)
        self._seen, self._held = now, now.held_by(self._plan)
        self._metrics.plan(self._plan, self._rules.version, now.lasts, sum(map(len, self._held)))
        if now.differ and not before.differ:
            log.warning("workers have different plans since %s: %s", rfc3339(now.since), now.in_words())
        if now.overdue and not before.overdue:
            log.error(
                "WORKERS STILL HAVE DIFFERENT PLANS, since %s: %s. Restart those with an old plan with the first one",
                rfc3339(now.since),
                now.in_words(),
            )
        if before.differ and not now.differ:
            log.warning("all workers have the same plan again: %s", now.in_words())

    async def leave(self) -> None:
        """This worker ends, so that nobody need wait for it; where Redis is away, they do until it counts as gone."""
        try:
            async with asyncio.timeout(_LEAVING):
                await forget_plan(self._client, self._name)
        except Exception as error:
            if not isinstance(error, TimeoutError) and not redis_is_away(error):
                raise
