"""The gate before ingest: holds back a source whose breaker has opened, on all workers, until it is let go.

It is let go by a person (`rapport source resume`), or by a worker with another plan whose first batch passes. What was
already rejected stays in `events.rejected`; what waits stays on the source's topic, unacknowledged.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.stores.sources import Hold, SourceStore
from streams.clock import WallClock
from streams.metrics import WorkerMetrics
from streams.retry import patient
from streams.steps.intake import Intake
from streams.worker.breaker import Breaker

__all__ = ["Gate", "fingerprint"]

log = logging.getLogger(__name__)

_SHOWN = 5  # reasons


def fingerprint(plan: Plan) -> str:
    """Stands for what a plan says."""
    return hashlib.sha256(plan.file.model_dump_json().encode()).hexdigest()[:16]


class Gate:
    """One worker's view of which sources are held.

    Args:
        plan: with the breaker's policy.
        store: where all workers look.
        metrics: tell whether a source is held.
        worker: name of this one.
    """

    def __init__(self, plan: Plan, store: SourceStore, metrics: WorkerMetrics, worker: str) -> None:
        self._policy = plan.file.breaker if plan.file.breaker != "off" else None
        self._breakers = {source: Breaker(self._policy) for source in plan.sources}
        self._plan = plan
        self._fingerprint = fingerprint(plan)
        self._store = store
        self._metrics = metrics
        self._worker = worker
        self._clock = WallClock()  # a person's decision is made on it, whatever timers run on
        self._states: dict[str, Hold] = {}

    def shut(self, source: str) -> bool:
        """Whether a source is held, and its events need not be looked at: this worker's plan would say the same."""
        state = self._states.get(source)
        return state is not None and state.held and state.plan == self._fingerprint

    async def admit(self, batch: Intake, records: Sequence[ConsumerRecord]) -> bool:
        """Whether what came of a batch may be produced; if not, nothing of it may be, and the source is held."""
        source = batch.source
        state = self._states.get(source)
        passed = state.passed if state else 0.0
        refused = {(rejection.partition, rejection.offset) for rejection in batch.rejected}
        counted = [record for record in records if record.timestamp > passed * 1000]
        held = state is not None and state.held
        why = self._breakers[source].judge(
            [(record.partition, record.offset) in refused for record in counted], probe=held
        )
        if why:
            if not held:
                await self._hold(batch, why, passed)
            return False
        if state is not None and state.held:
            await self._let_go(source, state)
        return True

    @patient
    async def refresh(self) -> list[str]:
        """Look what others have decided; answers the sources that were let go."""
        before, self._states = self._states, await self._store.states()
        for source in self._breakers:
            self._metrics.held(source, held=self._is_held(source))
        let_go = [source for source, state in before.items() if state.held and not self._is_held(source)]
        for source in let_go:
            if source in self._breakers:
                self._breakers[source] = Breaker(self._policy)
            log.warning("source %s is taken again", source)
        return let_go

    def _is_held(self, source: str) -> bool:
        state = self._states.get(source)
        return state is not None and state.held

    async def _hold(self, batch: Intake, why: str, passed: float) -> None:
        reasons = Counter(rejection.reason for rejection in batch.rejected)
        hold = Hold(
            held=True,
            since=self._clock.now(),
            why=why,
            reasons=dict(reasons.most_common(_SHOWN)),
            example=batch.rejected[0].message,
            plan=self._fingerprint,
            version=self._plan.version,
            by=self._worker,
            passed=passed,
        )
        await patient(self._store.write)(batch.source, hold)
        self._states[batch.source] = hold
        self._metrics.held(batch.source, held=True)
        log.error(
            "SOURCE %s IS HELD BACK: %s (%s; for example: %s). Its events wait in Kafka, the other sources go on. Mend "
            "the sender or the plan and restart the workers with it; or let what waits through with `rapport source "
            "resume %s`",
            batch.source,
            why,
            ", ".join(f"{reason}: {count}" for reason, count in hold.reasons.items()),
            hold.example,
            batch.source,
        )

    async def _let_go(self, source: str, state: Hold) -> None:
        """This worker's plan takes what another plan would have rejected."""
        now = self._clock.now()
        free = msgspec.structs.replace(state, held=False, since=now, by=f"{self._worker}, plan {self._plan.version}")
        await patient(self._store.write)(source, free)
        self._states[source] = free
        self._metrics.held(source, held=False)
        log.warning("source %s is taken again: the plan, version %d, accepts its events", source, self._plan.version)
