"""The circuit breaker before ingest: pauses a source, on all workers, when `rule.py` says so.

The source is resumed by itself once its newest events pass (`probe.py`), by a worker with another plan whose
first batch passes, or by a person (`rapport source resume`). What was already rejected stays in `events.rejected`; what
waits stays on the source's topic, unacknowledged.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from plan.fingerprint import fingerprint
from plan.model import BreakerSpec
from profiles.units import Pause, SourceStore
from streams.clock import WALL, Clock
from streams.metrics import WorkerMetrics
from streams.records.loads import LOAD, load_of
from streams.records.rejected import IGNORE, Rejection
from streams.records.sender import FROM
from streams.refreshed import Refreshed
from streams.retry import retrying
from streams.steps.intake import Intake, kind_of
from streams.worker.breaker.rule import BreakerRule, Outcome, Reason

__all__ = ["CircuitBreaker", "outcomes"]

log = logging.getLogger(__name__)

_SHOWN = 5  # reasons
_KEY = "key "  # before the key of a record without an address
_LONGEST = 300.0  # seconds between two tries, unless the plan's first pause is longer


def outcomes(plan: Plan, batch: Intake, records: Iterable[ConsumerRecord]) -> Iterator[Outcome]:
    """What becomes of records of a batch, and who sent them, in their order.

    Of a public source a record without an address has only its key, which anybody can make up: who never sent anything
    that was accepted is nobody. What the plan ignores is neither accepted nor wrong.
    """
    refused = {(rejection.partition, rejection.offset): rejection for rejection in batch.rejected}
    kinds = {(item.record.partition, item.record.offset): kind_of(item) for item in batch.items}
    public = plan.sources[batch.source].public
    for record in records:
        place = (record.partition, record.offset)
        rejection = refused.get(place)
        if rejection is not None and rejection.step == IGNORE:
            continue
        sender = _sender(record)
        kind = rejection.event if rejection is not None else kinds.get(place, "")
        yield Outcome(sender, kind, rejection is not None, not public or not sender.startswith(_KEY))


def _tallied(plan: Plan, batch: Intake, records: Iterable[ConsumerRecord], since: float) -> dict[Outcome, int]:
    """How many records there are of each outcome, but for those that Kafka had by then, in ms, and those of a load."""
    public = plan.sources[batch.source].public
    counts: dict[Any, int] = {}  # a tuple is as good a key as an Outcome, and is made in a fraction of the time
    for item in batch.items:
        record = item.record
        if record.timestamp > since and (sender := _sender(record)):
            key = (sender, kind_of(item), False, not public or not sender.startswith(_KEY))
            counts[key] = counts.get(key, 0) + 1
    if batch.rejected:
        places = {(rejection.partition, rejection.offset) for rejection in batch.rejected}
        refused = [record for record in records if (record.partition, record.offset) in places]
        live = [record for record in refused if record.timestamp > since and _sender(record)]
        for outcome in outcomes(plan, batch, live):
            counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def _sender(record: ConsumerRecord) -> str:
    """Who sent a record; "" for a load of history, of which it was us."""
    for name, value in record.headers:
        if name == FROM:
            return str(value or b"", errors="replace")
        if name == LOAD:
            return ""
    return _KEY + (record.key or b"").decode(errors="replace")


class CircuitBreaker:
    """Which sources are paused, as one worker knows it.

    Args:
        plan: has the thresholds.
        store: of the sources' states, which all workers read.
        metrics: show whether a source is paused.
        worker: name of this worker.
        clock: a person's decision is made on it, whatever timers run on.
    """

    def __init__(
        self, plan: Plan, store: SourceStore, metrics: WorkerMetrics, worker: str, clock: Clock = WALL
    ) -> None:
        self._policy = plan.file.breaker if plan.file.breaker != "off" else None
        self._rules = {source: BreakerRule(self._policy) for source in plan.sources}
        self._plan = plan
        self._fingerprint = fingerprint(plan)
        self._store = store
        self._metrics = metrics
        self._worker = worker
        self._clock = clock
        self._held: set[str] = set()  # sources of which something was held back here
        none: dict[str, Pause] = {}
        self._states = Refreshed(
            none, retrying(store.states), _as_it_is, lambda states: f"{len(states)} sources' states stay as they were"
        )

    def shut(self, source: str) -> bool:
        """Whether a source is paused by a worker with the same plan: then its events need not even be looked at."""
        state = self._states().get(source)
        if state is None or not state.paused or state.plan != self._fingerprint:
            return False
        self._held.add(source)
        return True

    async def admit(self, batch: Intake, records: Sequence[ConsumerRecord]) -> bool:
        """Whether what came of a batch may be produced; if not, nothing of it may be, and the source is paused.

        Records of a load of history say nothing about the live source, so they neither count nor open it. Where it is
        paused they wait with all others; a worker with another plan asks them only if a batch has nothing else, because
        what stands behind them would wait for ever.
        """
        source = batch.source
        state = self._states().get(source)
        if state is not None and state.paused:
            if self._fails(batch, records):
                self._held.add(source)
                return False
            await self._write(source, msgspec.structs.replace(self._resumed(state), tries=0))
            log.warning("source %s is resumed: the plan, version %d, accepts its events", source, self._plan.version)
            return True
        counted = _tallied(self._plan, batch, records, state.passed * 1000 if state else 0.0)
        reason = self._rules[source].judge(counted, self._clock.now())
        if reason is None:
            return True
        await self._pause(
            batch.source, reason, [each for each in batch.rejected if not each.load and each.step != IGNORE], state
        )
        self._held.add(source)
        return False

    def _fails(self, batch: Intake, records: Sequence[ConsumerRecord]) -> bool:
        """Whether more of a paused source's senders would be rejected than may be, of however few."""
        if self._policy is None:
            return False
        live = [record for record in records if not load_of(record)]
        return BreakerRule(self._policy).fails(outcomes(self._plan, batch, live or records), 1) is not None

    async def refresh(self) -> list[str]:
        """Read what other workers and people have decided; answer the sources whose events may come again."""
        await self._states.refresh()
        for source in self._rules:
            self._metrics.paused(source, paused=self.is_paused(source))
        resumed = [source for source in self._held if not self.is_paused(source)]
        for source in resumed:
            self._held.discard(source)
            if source in self._rules:
                self._rules[source].begin_again()
            state = self._states().get(source)
            if state is None or not state.by.startswith(self._worker):  # else it was told already
                log.warning("source %s is resumed", source)
        return resumed

    def is_paused(self, source: str) -> bool:
        """Whether a source is paused, by whatever plan."""
        state = self._states().get(source)
        return state is not None and state.paused

    async def to_try(self) -> dict[str, Pause]:
        """The sources that are paused and are to be tried now."""
        await self._states.refresh()  # a person may just have resumed one
        now = self._clock.now()
        return {
            source: state
            for source, state in self._states().items()
            if source in self._rules and state.paused and state.retry <= now
        }

    async def try_later(self, source: str, state: Pause) -> None:
        """Let no worker try a source before its next turn."""
        retry = self._clock.now() + self._patience(state.tries + 1)
        await self._write(source, msgspec.structs.replace(state, tries=state.tries + 1, retry=retry))

    async def let_go(self, source: str, why: str) -> None:
        """Resume a source: what waits goes through, and counts no more."""
        await self._states.refresh()
        state = self._states().get(source)
        if state is not None and state.paused:
            await self._write(source, msgspec.structs.replace(self._resumed(state), passed=self._clock.now()))
            log.warning("source %s is resumed: %s. What waits goes through", source, why)

    def _resumed(self, state: Pause) -> Pause:
        by = f"{self._worker}, plan {self._plan.version}"
        return msgspec.structs.replace(state, paused=False, since=self._clock.now(), by=by)

    def _patience(self, tries: int) -> float:
        """Seconds until a paused source is tried again."""
        policy = self._policy or BreakerSpec()
        return float(min(policy.retry * 2.0 ** min(tries, 20), max(_LONGEST, policy.retry)))

    async def _pause(self, source: str, reason: Reason, rejected: Sequence[Rejection], before: Pause | None) -> None:
        assert self._policy is not None
        now = self._clock.now()
        reasons = Counter(rejection.reason for rejection in rejected)
        soon = before is not None and now - before.since < self._policy.over
        tries = before.tries if before is not None and soon else 0
        pause = Pause(
            paused=True,
            since=now,
            why=reason.why,
            reasons=dict(reasons.most_common(_SHOWN)),
            example=rejected[0].message if rejected else "",
            plan=self._fingerprint,
            version=self._plan.version,
            by=self._worker,
            passed=before.passed if before is not None else 0.0,
            kind=reason.kind,
            retry=now + self._patience(tries),
            tries=tries,
        )
        await self._write(source, pause)
        log.error(
            "SOURCE %s IS PAUSED: %s (%s; for example: %s). Its events wait in Kafka, the other sources go on. Mend "
            "the sender or the plan and restart the workers with it; or let what waits through with `rapport source "
            "resume %s`. Its newest events are tried in %.0f s",
            source,
            reason.why,
            ", ".join(f"{reason}: {count}" for reason, count in pause.reasons.items()),
            pause.example,
            source,
            pause.retry - now,
        )

    async def _write(self, source: str, state: Pause) -> None:
        await retrying(self._store.write)(source, state)
        self._states()[source] = state
        self._metrics.paused(source, paused=state.paused)


async def _as_it_is(states: dict[str, Pause]) -> dict[str, Pause]:
    return dict(states)
