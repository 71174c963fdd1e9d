"""Half-open: a paused source's newest events are tried now and then, and if they pass it is resumed by itself.

The newest, not the next: what waits first is what went wrong, and stays wrong when its senders have long been mended.
Trying has no effect on anybody. Where too few senders can be seen to say, as when one floods the source, it is resumed
all the same: if it is still not well the breaker opens again, and waits twice as long.
"""

from __future__ import annotations

import asyncio
import logging

from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.errors import Misconfigured
from profiles.units import Pause
from streams.clock import WALL, Clock
from streams.judge import Judge
from streams.kafka.client import Unavailable
from streams.kafka.reader import Log
from streams.kafka.topics import topic_name
from streams.records.loads import load_of
from streams.settings import Settings
from streams.worker.breaker.circuit_breaker import CircuitBreaker, outcomes
from streams.worker.breaker.rule import BreakerRule, Outcome

__all__ = ["BreakerProbe"]

log = logging.getLogger(__name__)

_NEWEST = 50  # records of each partition
_LEAST = 4  # of the senders that open the breaker one in so many keeps it open


class BreakerProbe:
    """Tries paused sources.

    Args:
        breaker: knows them.
        log: has their events.
        plan: by which they are tried.
    """

    def __init__(self, breaker: CircuitBreaker, log: Log, plan: Plan, settings: Settings, clock: Clock = WALL) -> None:
        self._breaker = breaker
        self._log = log
        self._plan = plan
        self._settings = settings
        self._clock = clock

    async def step(self) -> None:
        """Try the sources whose turn it is."""
        for source, state in (await self._breaker.to_try()).items():
            await self._breaker.try_later(source, state)  # first: so others need not try it, too
            try:
                await self._try(source, state)
            except (Unavailable, Misconfigured) as error:
                log.warning("source %s could not be tried: %s", source, error)

    async def _try(self, source: str, state: Pause) -> None:
        policy = self._plan.file.breaker
        if policy == "off":
            await self._breaker.let_go(source, "the plan has switched the breaker off")
            return
        newest = await self._newest(source)
        least = max(1, policy.senders // _LEAST)
        reason = BreakerRule(policy).fails(newest, least, state.kind)
        if reason is not None:
            log.warning("source %s stays paused: %s", source, reason.why)
        else:
            await self._breaker.let_go(source, "its newest events pass, or are of too few senders to say")

    async def _newest(self, source: str) -> list[Outcome]:
        """What would become of the newest events, from the oldest on."""
        topic = topic_name(self._settings, self._plan.sources[source].topic)
        held = await self._log.extents(topic)
        newest = [extent._replace(start=max(extent.start, extent.end - _NEWEST)) for extent in held]
        records: list[ConsumerRecord] = [
            record
            async for batch in self._log.read(newest, accept_gaps=True)
            for record in batch.records
            if not load_of(record)
        ]
        records.sort(key=lambda record: record.timestamp)
        judge = Judge(self._plan, self._clock.now())
        found: list[Outcome] = []
        for start in range(0, len(records), _NEWEST):
            part = records[start : start + _NEWEST]
            found += outcomes(self._plan, await judge.intake(source, part), part)
            await asyncio.sleep(0)  # events of other sources need not wait for all of it
        return found
