"""The circuit breaker before ingest: pauses a source, on all workers, when `breaker_rule.py` says so.

The source is resumed by a person (`rapport source resume`), or by a worker with another plan whose first batch passes.
What was already rejected stays in `events.rejected`; what waits stays on the source's topic, unacknowledged.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from plan.fingerprint import fingerprint
from profiles.units import Pause, SourceStore
from streams.clock import WallClock
from streams.metrics import WorkerMetrics
from streams.records.loads import load_of
from streams.refreshed import Refreshed
from streams.retry import retrying
from streams.steps.intake import Intake
from streams.worker.breaker_rule import BreakerRule

__all__ = ["CircuitBreaker"]

log = logging.getLogger(__name__)

_SHOWN = 5  # reasons


class CircuitBreaker:
    """Which sources are paused, as one worker knows it.

    Args:
        plan: has the thresholds.
        store: of the sources' states, which all workers read.
        metrics: show whether a source is paused.
        worker: name of this worker.
    """

    def __init__(self, plan: Plan, store: SourceStore, metrics: WorkerMetrics, worker: str) -> None:
        self._policy = plan.file.breaker if plan.file.breaker != "off" else None
        self._rules = {source: BreakerRule(self._policy) for source in plan.sources}
        self._plan = plan
        self._fingerprint = fingerprint(plan)
        self._store = store
        self._metrics = metrics
        self._worker = worker
        self._clock = WallClock()  # a person's decision is made on it, whatever timers run on
        none: dict[str, Pause] = {}
        self._states = Refreshed(
            none, retrying(store.states), _as_it_is, lambda states: f"{len(states)} sources' states stay as they were"
        )

    def shut(self, source: str) -> bool:
        """Whether a source is paused by a worker with the same plan: then its events need not even be looked at."""
        state = self._states().get(source)
        return state is not None and state.paused and state.plan == self._fingerprint

    async def admit(self, batch: Intake, records: Sequence[ConsumerRecord]) -> bool:
        """Whether what came of a batch may be produced; if not, nothing of it may be, and the source is paused.

        Records of a load of history say nothing about the live source, so they neither count nor open it. Where it is
        paused they wait with all others; a worker with another plan asks them only if a batch has nothing else, because
        what stands behind them would wait for ever.
        """
        source = batch.source
        state = self._states().get(source)
        passed = state.passed if state else 0.0
        refused = {(rejection.partition, rejection.offset) for rejection in batch.rejected}
        paused = state is not None and state.paused
        rule = self._rules[source]
        counted = [record for record in records if not load_of(record)]
        if paused and not counted:
            rule, counted = BreakerRule(self._policy), list(records)  # these leave no trace in the source's own rule
        why = rule.judge(
            [(record.partition, record.offset) in refused for record in counted if record.timestamp > passed * 1000],
            probe=paused,
        )
        if why:
            if not paused:
                await self._pause(batch, why, passed)
            return False
        if state is not None and state.paused:
            await self._resume(source, state)
        return True

    async def refresh(self) -> list[str]:
        """Read what other workers and people have decided; answer the sources that were resumed."""
        before = self._states()
        if not await self._states.refresh():
            return []
        for source in self._rules:
            self._metrics.paused(source, paused=self.is_paused(source))
        resumed = [source for source, state in before.items() if state.paused and not self.is_paused(source)]
        for source in resumed:
            if source in self._rules:
                self._rules[source] = BreakerRule(self._policy)
            log.warning("source %s is resumed", source)
        return resumed

    def is_paused(self, source: str) -> bool:
        """Whether a source is paused, by whatever plan."""
        state = self._states().get(source)
        return state is not None and state.paused

    async def _pause(self, batch: Intake, why: str, passed: float) -> None:
        live = [rejection for rejection in batch.rejected if not rejection.load]
        reasons = Counter(rejection.reason for rejection in live)
        pause = Pause(
            paused=True,
            since=self._clock.now(),
            why=why,
            reasons=dict(reasons.most_common(_SHOWN)),
            example=live[0].message,
            plan=self._fingerprint,
            version=self._plan.version,
            by=self._worker,
            passed=passed,
        )
        await retrying(self._store.write)(batch.source, pause)
        self._states()[batch.source] = pause
        self._metrics.paused(batch.source, paused=True)
        log.error(
            "SOURCE %s IS PAUSED: %s (%s; for example: %s). Its events wait in Kafka, the other sources go on. Mend "
            "the sender or the plan and restart the workers with it; or let what waits through with `rapport source "
            "resume %s`",
            batch.source,
            why,
            ", ".join(f"{reason}: {count}" for reason, count in pause.reasons.items()),
            pause.example,
            batch.source,
        )

    async def _resume(self, source: str, state: Pause) -> None:
        """Resume a source whose events this worker's plan accepts, though another plan would have rejected them."""
        now = self._clock.now()
        free = msgspec.structs.replace(state, paused=False, since=now, by=f"{self._worker}, plan {self._plan.version}")
        await retrying(self._store.write)(source, free)
        self._states()[source] = free
        self._metrics.paused(source, paused=False)
        log.warning("source %s is resumed: the plan, version %d, accepts its events", source, self._plan.version)


async def _as_it_is(states: dict[str, Pause]) -> dict[str, Pause]:
    return dict(states)
