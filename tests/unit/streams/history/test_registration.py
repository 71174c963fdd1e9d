"""A load in the clock's store: alive while it runs, taken up where it was, and never taken back."""

from __future__ import annotations

import asyncio
import math

from msgspec.structs import replace

from profiles.clock import Load
from profiles.stores.memory import MemoryClockStore
from streams.clock import SteppedClock
from streams.history.registration import Registration

LOAD = Load(id="shop-1", name="shop.jsonl", since=100.0, until=900.0, sent=99.0, step=60.0, events=9)


def told(store: MemoryClockStore) -> Load:
    """The load as the store has it."""
    return asyncio.run(store.loads())["shop-1"]


def test_it_says_that_it_is_alive_while_nothing_else_happens() -> None:
    """Its sending may wait for Kafka, or its sorting take long."""
    clock, heard = SteppedClock(5000.0), asyncio.Event()

    class Hearing(MemoryClockStore):
        async def write_load(self, load: Load) -> None:
            await super().write_load(load)
            if load.seen == 5700.0:
                heard.set()

    store = Hearing()

    async def life() -> None:
        async with Registration(store, LOAD, clock, beat=0.001), asyncio.timeout(60):
            assert (await store.loads())["shop-1"].begun == 5000.0
            clock.advance(700)
            await heard.wait()

    asyncio.run(life())
    assert (told(store).sent, told(store).ended) == (99.0, 0.0)


def test_left_without_an_end_it_still_runs_and_is_taken_up_where_it_was() -> None:
    """Also if it was given up meanwhile; it began when it first began."""
    store, clock = MemoryClockStore(), SteppedClock(5000.0)

    async def life() -> None:
        async with Registration(store, LOAD, clock) as registration:
            await registration.advance(500.0, 5)
        await store.write_load(replace((await store.loads())["shop-1"], ended=5600.0))
        clock.advance(1000)
        async with Registration(store, LOAD, clock) as registration:
            now = (await store.loads())["shop-1"]
            assert (now.sent, now.begun, now.seen, now.ended) == (500.0, 5000.0, 6000.0, 0.0)
            await registration.advance(400.0, 5)
            assert (await store.loads())["shop-1"].sent == 500.0
            await registration.finish(9)

    asyncio.run(life())
    assert (told(store).sent, told(store).done, told(store).ended) == (math.inf, 9, 6000.0)


def test_loaded_anew_it_begins_at_its_beginning() -> None:
    """What was all sent once is not what is sent now."""
    store = MemoryClockStore()

    async def life() -> None:
        async with Registration(store, LOAD, SteppedClock(5000.0)) as registration:
            await registration.finish(9)
        async with Registration(store, LOAD, SteppedClock(8000.0)):
            pass

    asyncio.run(life())
    assert (told(store).sent, told(store).begun, told(store).ended) == (99.0, 8000.0, 0.0)
