"""What the breaker makes of a batch: the live source opens it, a load of history never does."""

from __future__ import annotations

import asyncio

from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.errors import Unacceptable
from profiles.stores.memory import MemorySourceStore
from profiles.units import Pause
from streams.metrics import WorkerMetrics
from streams.records.loads import LOAD
from streams.steps.intake import Intake
from streams.worker.circuit_breaker import CircuitBreaker
from tests import REPOSITORY
from tests.build import T0, record

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
HISTORY = [(LOAD, b"shop-1")]


class Sourced:
    """A breaker, the store that all workers share, and one source's log."""

    def __init__(self) -> None:
        self.store = MemorySourceStore()
        self.breaker = self.worker()
        self._offset = 0

    def worker(self) -> CircuitBreaker:
        """A worker's breaker, as it starts."""
        breaker = CircuitBreaker(PLAN, self.store, WorkerMetrics(CollectorRegistry()), "w")
        asyncio.run(breaker.refresh())
        return breaker

    def admit(self, *parts: tuple[int, bool, bool]) -> bool:
        """Whether a batch may pass. Each part: how many records, whether rejected, whether they are history."""
        records: list[ConsumerRecord] = []
        bad: set[int] = set()
        for count, rejected, history in parts:
            for _ in range(count):
                records.append(record(self._offset, at=T0, headers=HISTORY if history else ()))
                bad |= {self._offset} if rejected else set()
                self._offset += 1
        batch = Intake("web", records, T0)
        for item in batch.items:
            if item.record.offset in bad:
                batch.reject(item, "check", Unacceptable("unplanned", "nobody planned it"))
        return asyncio.run(self.breaker.admit(batch, records))

    def paused(self) -> bool:
        """Whether the source is."""
        return "web" in asyncio.run(self.store.paused())

    def pause(self) -> None:
        """By a worker with another plan, which has left."""
        asyncio.run(self.store.write("web", Pause(paused=True, since=T0, why="bad", plan="another")))
        self.breaker = self.worker()


def test_a_load_whose_every_event_is_rejected_opens_nothing() -> None:
    """Though as many live ones do; and no trace of them is left in the source's window."""
    source = Sourced()

    assert source.admit((5000, True, True))
    assert source.admit((150, True, False), (5000, True, True))
    assert not source.paused()
    assert not source.admit((150, True, False))
    assert source.paused()


def test_a_good_load_hides_no_bad_source() -> None:
    """A thousand good events of years ago between bad ones of today are no reason to go on."""
    source = Sourced()

    assert not source.admit((200, True, False), (5000, False, True))


def test_rejections_say_which_load_they_are_of() -> None:
    """The header of the record is on the rejection."""
    batch = Intake("web", [record(1, headers=HISTORY), record(2)], T0)
    for item in batch.items:
        batch.reject(item, "check", Unacceptable("unplanned", "nobody planned it"))

    assert [rejection.load for rejection in batch.rejected] == ["shop-1", ""]


def test_in_a_paused_source_a_load_waits_with_all_others() -> None:
    """Live events decide whether it is resumed, however good or bad the history beside them is."""
    source = Sourced()
    source.pause()

    assert not source.admit((10, True, False), (5000, False, True))
    assert source.paused()
    assert source.admit((10, False, False), (5000, True, True))
    assert not source.paused()


def test_a_batch_of_nothing_but_history_is_asked_as_it_is() -> None:
    """Else what stands behind it would wait for ever for a mended plan; but it leaves no trace."""
    source = Sourced()
    source.pause()

    assert not source.admit((10, True, True))
    assert source.admit((1000, False, True))
    assert not source.paused()
    assert not source.admit((200, True, False))
