"""What the linker does beside deciding: `tests/properties/test_protocols.py` has its decisions."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.identity.links import Claim, Erasure, Refusal
from profiles.store import Output
from profiles.stores.memory import MemoryLinkStore
from profiles.units import LinkChanges
from streams.clock import SteppedClock
from streams.identity.history import History
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.metrics import WorkerMetrics
from streams.records.links import EraseRequest
from streams.settings import Settings
from streams.worker.linker import Linker
from tests import REPOSITORY
from tests.build import record

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
SETTINGS = Settings(partitions=1)
LEFT = Output("profile.events", b"p", b"merge", "identity.links/0/0", 0)


async def at_once() -> None:
    """Nobody is waited for."""


def linker_of(store: MemoryLinkStore, log: MemoryLog) -> Linker:
    """Who decides by the shipped plan, and waits for nobody."""
    metrics, history = WorkerMetrics(CollectorRegistry()), History(log, SETTINGS)
    return Linker(store, Outbox(log, SETTINGS), history, PLAN, SETTINGS, metrics, SteppedClock(0.0), at_once, lambda: 1)


def test_what_a_killed_linker_has_committed_is_delivered_without_another_request() -> None:
    async def story() -> None:
        log, store = MemoryLog({"profile.events": 1}), MemoryLinkStore()
        await store.commit(LinkChanges(0, 0, outputs=[LEFT]))
        linker = linker_of(store, log)

        async def delivered() -> int:
            await linker.tick()
            return (await log.extents("profile.events"))[0].end

        assert await delivered() == 0
        linker.assigned(mine=True)
        assert await delivered() == 1
        assert await delivered() == 1
        assert await store.outbox() == []

    asyncio.run(story())


@pytest.mark.parametrize("named", [True, False])
def test_an_erased_customer_is_left_in_nothing_of_others(named: bool) -> None:
    """Who claims others' addresses, or is kept apart from them; whether erased by an identity or by the profile."""
    ada, cat, address, hers = ("user_id", "ada"), ("user_id", "cat"), ("email", "shared"), ("email", "hers")
    home = PLAN.home(ada)

    async def story() -> dict[tuple[str, str], list[Claim]]:
        log, store = MemoryLog({"profile.events": 1, "identity.changes": 1}), MemoryLinkStore()
        claims = {address: [Claim(ada, 1.0, 1.0), Claim(cat, 2.0, 2.0)], hers: [Claim(ada, 1.0, 1.0)]}
        linked = {address: PLAN.home(cat), hers: home} if named else {address: PLAN.home(cat)}
        graph = {PLAN.home(cat): [address, cat], **({home: [hers, ada]} if named else {})}
        refused = {"0": Refusal([cat, ada], [ada], "", 1.0, "purchase", "m", 0, 1.0)}
        changes = LinkChanges(0, 0, mapping=dict(linked), graph=dict(graph), claims=dict(claims), refused=refused)
        changes.apart = {ada: [cat], cat: [ada]}
        await store.commit(changes)
        request = EraseRequest(Erasure("e", home, hers if named else None, 9.0))
        await linker_of(store, log).handle([record(1, msgspec.msgpack.encode(request), topic="identity.links")], 1)
        told = [at.value async for batch in log.read(await log.extents("identity.changes")) for at in batch.records]
        assert not any(b"ada" in value for value in told if value)
        assert (await store.apart(), await store.refusals()) == ({}, {})
        return await store.claims_about(lambda _: True)

    assert asyncio.run(story()) == {address: [Claim(cat, 2.0, 2.0)]}
