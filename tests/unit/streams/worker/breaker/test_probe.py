"""Half-open: what becomes of a paused source when its newest events are tried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson
from prometheus_client import CollectorRegistry

from plan import load_plan
from plan.fingerprint import fingerprint
from profiles.stores.memory import MemorySourceStore
from profiles.times import rfc3339
from profiles.units import Pause
from streams.clock import SteppedClock
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.metrics import WorkerMetrics
from streams.settings import Settings
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from streams.worker.breaker.probe import BreakerProbe
from tests import REPOSITORY
from tests.build import T0

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
USERS = [f"user-{n}" for n in range(30)]


class Paused:
    """A source that is paused, and its topic of four partitions."""

    def __init__(self) -> None:
        self.clock = SteppedClock(T0)
        self.log = MemoryLog({"events.support": 4}, self.clock)
        self.store = MemorySourceStore()
        self.breaker = CircuitBreaker(PLAN, self.store, WorkerMetrics(CollectorRegistry()), "w", self.clock)
        self.probe = BreakerProbe(self.breaker, self.log, PLAN, Settings(partitions=4), self.clock)
        pause = Pause(paused=True, since=T0, why="bad", plan=fingerprint(PLAN), retry=T0 + 30)
        asyncio.run(self.store.write("support", pause))
        asyncio.run(self.breaker.refresh())

    def send(self, name: str, users: Iterable[str], times: int = 1) -> None:
        """Events of customers, a second later than those before."""
        self.clock.advance(1)
        events = [
            {"type": "track", "event": name, "userId": user, "messageId": f"{user}-{n}-{self.clock.now()}",
             "timestamp": rfc3339(self.clock.now()), "properties": {"ticket_id": f"t{n}"}}
            for n in range(times) for user in users
        ]  # fmt: skip
        rows = [Row("events.support", None, event["userId"].encode(), orjson.dumps(event)) for event in events]
        asyncio.run(self.log.produce(rows))

    def step(self, at: float) -> Pause:
        """Try it at a time; what it is then."""
        self.clock.advance(at - self.clock.now())
        asyncio.run(self.probe.step())
        return asyncio.run(self.store.states())["support"]


def test_it_is_resumed_by_itself_once_its_senders_are_mended() -> None:
    """Whatever waits before their newest events; and what waits does not open it again."""
    source = Paused()
    source.send("Nobody Planned It", USERS, times=40)
    assert source.step(T0 + 20).paused
    assert source.step(T0 + 20).tries == 0  # it is not its turn

    state = source.step(T0 + 30)
    assert (state.paused, state.tries, state.retry) == (True, 1, T0 + 90)
    source.send("Ticket Opened", USERS)
    assert source.step(T0 + 80).paused
    state = source.step(T0 + 90)

    assert not state.paused
    assert state.passed == T0 + 90


def test_an_outsider_does_not_keep_it_paused() -> None:
    """Though nobody else can be seen before him."""
    source = Paused()
    source.send("Nobody Planned It", ["outsider"], times=5000)

    assert not source.step(T0 + 30).paused


def test_a_log_that_does_not_answer_changes_nothing() -> None:
    """It is tried again."""
    source = Paused()
    source.log = MemoryLog({}, source.clock)
    source.probe = BreakerProbe(source.breaker, source.log, PLAN, Settings(partitions=4), source.clock)

    assert source.step(T0 + 30).paused
    assert source.step(T0 + 90).tries == 2
