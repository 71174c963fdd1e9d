"""What the breaker makes of a batch: many live senders open it, a load of history never does."""

from __future__ import annotations

import asyncio

from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.errors import Unacceptable
from profiles.stores.memory import MemorySourceStore
from profiles.units import Pause
from streams.clock import SteppedClock
from streams.metrics import WorkerMetrics
from streams.records.loads import LOAD
from streams.records.sender import address_header
from streams.steps.intake import Intake
from streams.worker.breaker.circuit_breaker import CircuitBreaker
from tests import REPOSITORY
from tests.build import T0, record

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
HISTORY = [(LOAD, b"shop-1")]


class Sourced:
    """A breaker, the store that all workers share, and one source's log."""

    def __init__(self, source: str = "purchase") -> None:
        self.source = source
        self.store = MemorySourceStore()
        self.clock = SteppedClock(T0)
        self.breaker = self.worker()
        self._offset = 0

    def worker(self) -> CircuitBreaker:
        """A worker's breaker, as it starts."""
        breaker = CircuitBreaker(PLAN, self.store, WorkerMetrics(CollectorRegistry()), "w", self.clock)
        asyncio.run(breaker.refresh())
        return breaker

    def admit(self, *parts: tuple[int, bool, bool], address: str = "") -> bool:
        """Whether a batch may pass. Each part: how many records, whether rejected, whether they are history.

        Each record is of another customer, from one address or from none.
        """
        headers = [address_header(PLAN.pii_key, address)] if address else []
        records: list[ConsumerRecord] = []
        bad: set[int] = set()
        for count, rejected, history in parts:
            for _ in range(count):
                key = f"customer-{self._offset}".encode()
                records.append(
                    record(self._offset, at=self.clock.now(), key=key, headers=HISTORY if history else headers)
                )
                bad |= {self._offset} if rejected else set()
                self._offset += 1
        batch = Intake(self.source, records, T0)
        for item in batch.items:
            if item.record.offset in bad:
                batch.reject(item, "check", Unacceptable("unplanned", "nobody planned it"))
        batch.items = [item for item in batch.items if item.record.offset not in bad]
        return asyncio.run(self.breaker.admit(batch, records))

    def state(self) -> Pause:
        """Of the source, as all workers know it."""
        return asyncio.run(self.store.states())[self.source]

    def paused(self) -> bool:
        """Whether the source is."""
        return self.source in asyncio.run(self.store.paused())

    def pause(self) -> None:
        """By a worker with another plan, which has left."""
        asyncio.run(self.store.write(self.source, Pause(paused=True, since=T0, why="bad", plan="another")))
        self.breaker = self.worker()


def test_a_load_whose_every_event_is_rejected_opens_nothing() -> None:
    """Though as many live ones do; and no trace of them is left in the source's votes."""
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


def test_a_public_source_goes_on_whatever_an_outsider_sends() -> None:
    """A new customer with every event, from one address; or of unknown origin, where nobody speaks for who it is."""
    source = Sourced("web")

    assert source.admit((3, False, False), address="198.51.100.1")
    assert source.admit((5000, True, False), address="203.0.113.9")
    assert source.admit((5000, True, False))
    assert not source.paused()


def test_a_public_source_is_opened_by_many_addresses() -> None:
    """As a release of an app does that went wrong."""
    source = Sourced("app")

    admitted = [source.admit((10, True, False), address=f"203.0.113.{n}") for n in range(20)]

    assert admitted == [True] * 19 + [False]
    assert "100% of the latest 20 senders" in source.state().why


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


def test_each_time_it_opens_again_it_waits_twice_as_long_until_all_was_well_for_a_while() -> None:
    """Up to five minutes; then from the beginning."""
    source = Sourced()
    waited = []
    for _ in range(7):
        assert not source.admit((200, True, False))
        waited.append(source.state().retry - source.clock.now())
        source.clock.advance(waited[-1])
        [(_, state)] = asyncio.run(source.breaker.to_try()).items()
        asyncio.run(source.breaker.try_later("purchase", state))
        asyncio.run(source.breaker.let_go("purchase", "its newest events pass"))
        assert asyncio.run(source.breaker.refresh()) == ["purchase"]
        source.clock.advance(1)
    assert waited == [30, 60, 120, 240, 300, 300, 300]

    source.clock.advance(3600)
    assert not source.admit((200, True, False))
    assert source.state().retry - source.clock.now() == 30


def test_what_a_person_or_a_lost_store_has_decided_stands() -> None:
    """A try that is under way changes nothing of it; and a source that nobody knows to be paused is not."""
    source = Sourced()
    assert not source.admit((200, True, False))
    other = source.worker()
    passed = Pause(paused=False, since=T0, by="ada", passed=T0)
    asyncio.run(source.store.write("purchase", passed))
    source.clock.advance(60)

    assert asyncio.run(source.breaker.to_try()) == {}
    asyncio.run(other.let_go("purchase", "its newest events pass"))
    assert source.state() == passed
    source.store._states.clear()
    assert asyncio.run(source.breaker.refresh()) == ["purchase"]
