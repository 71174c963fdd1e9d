"""Senders put aside: what is kept of their rejected events, that none is lost sight of, and that memory is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.errors import Unacceptable
from profiles.stores.memory import MemorySourceStore
from streams.metrics import WorkerMetrics
from streams.records.loads import LOAD
from streams.records.position import replay_headers
from streams.records.rejected import Rejection
from streams.records.sender import FROM, address_header
from streams.steps.intake import Intake
from streams.worker.breaker.aside import PutAside
from tests import REPOSITORY
from tests.build import T0, record

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
OUTSIDER, OTHER = "203.0.113.9", "198.51.100.1"


def sent(address: str, offsets: range, source: str = "web") -> list[ConsumerRecord]:
    """Records from an address, each of another customer."""
    headers = [address_header(PLAN.pii_key, address)]
    topic = f"events.{source}"
    return [record(offset, b'{"n": 1}', topic=topic, key=b"%d" % offset, headers=headers) for offset in offsets]


def aside_of(store: MemorySourceStore, worker: str = "w") -> PutAside:
    """As a worker has it."""
    return PutAside(PLAN, store, WorkerMetrics(CollectorRegistry()), worker)


def sift(aside: PutAside, records: list[ConsumerRecord], now: float = T0, source: str = "web") -> Sequence[Rejection]:
    """What is kept of them, all rejected."""
    batch = Intake(source, records, now)
    for item in batch.items:
        batch.reject(item, "check", Unacceptable("unplanned", "nobody planned it"))
    return aside.sift(batch.rejected, records, now)


def test_beyond_its_limit_only_the_positions_of_a_senders_rejections_are_kept() -> None:
    """Each of them, whatever names it gives itself; another sender's have their bytes."""
    aside = aside_of(MemorySourceStore())

    kept = sift(aside, sent(OUTSIDER, range(600)) + sent(OTHER, range(600, 610)))

    whole, told = [each for each in kept if not each.aside], [each for each in kept if each.aside]
    assert [each.offset for each in whole] == [*range(200), *range(600, 610)]
    assert all(each.payload == b'{"n": 1}' for each in whole)
    assert len(told) == 1
    assert [told[0].offset, *told[0].also] == list(range(200, 600))
    assert (told[0].payload, told[0].truncated, told[0].reason) == (b"", True, "unplanned")
    assert told[0].sender == whole[0].sender != whole[-1].sender
    assert len(told[0].encode()) < 400 * 10


def test_an_hour_later_a_sender_is_one_as_others_again() -> None:
    """The limit is by the hour."""
    aside = aside_of(MemorySourceStore())
    assert any(each.aside for each in sift(aside, sent(OUTSIDER, range(300))))

    assert not any(each.aside for each in sift(aside, sent(OUTSIDER, range(300, 400)), T0 + 3600))


def test_who_is_no_outsider_has_no_limit() -> None:
    """Whoever has a secret key, loads history or puts something back."""
    aside = aside_of(MemorySourceStore())

    assert len(sift(aside, sent(OUTSIDER, range(900), "purchase"), source="purchase")) == 900
    load = [record(offset, headers=[(LOAD, b"shop-1")]) for offset in range(900)]
    assert len(sift(aside, load)) == 900
    again = [record(offset, headers=replay_headers(f"events.web-0-{offset - 900}", T0, "0:1")) for offset in range(900)]
    assert len(sift(aside, again)) == 900


def test_all_workers_together_tell_who_is_put_aside_and_for_how_long() -> None:
    """With the sums of what each has counted; the worst first."""

    async def run() -> None:
        store = MemorySourceStore()
        first, second = aside_of(store, "first"), aside_of(store, "second")
        sift(first, sent(OUTSIDER, range(300)))
        sift(second, sent(OUTSIDER, range(300, 800)) + sent(OTHER, range(800, 1001)), T0 + 60)
        sift(second, sent("192.0.2.1", range(2000, 2100)), T0 + 60)
        for aside in (first, second):
            await aside.report(T0 + 60)

        told = await store.asides(T0 + 60)
        assert [(each.source, each.rejected, each.kept, each.since) for each in told] == [
            ("web", 800, 400, T0),
            ("web", 201, 200, T0 + 60),
        ]
        assert await store.asides(T0 + 3660) == []

    asyncio.run(run())


def test_only_so_many_senders_are_remembered() -> None:
    """Those that came last, however many addresses there are."""
    aside = aside_of(MemorySourceStore())
    for start in range(0, 12_000, 1000):
        sift(aside, [record(n, headers=[(FROM, b"%022d" % n)]) for n in range(start, start + 1000)])

    assert len(aside._quotas["web"]) == 10_000
