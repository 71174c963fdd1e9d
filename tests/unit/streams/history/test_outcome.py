"""What became of a load, by the log: when it is applied, and what of it was rejected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson
from msgspec.structs import replace

from profiles.clock import ClockState, Head
from profiles.stores.memory import MemoryClockStore
from streams.history.outcome import Waiting, applied, await_applied, rejections_of
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.records.rejected import NOTE, Rejection

BEGAN = {"events.web": {"0": 5, "1": 5}}
ENDED = {"events.web": {"0": 9, "1": 5}}


def rejection(id_: str, load: str = "shop-1", offset: int | None = 1, reason: str = "unplanned") -> Row:
    """One that was not accepted."""
    payload = orjson.dumps({"messageId": id_}) if id_ else b"nonsense"
    value = Rejection("2026-01-01T00:00:00Z", "check", reason, f"why {id_}", "web", "events.web", 0, offset, payload,
                      load=load).encode()  # fmt: skip
    return Row("events.rejected", 0, None, value)


def count(rows: Iterable[Row], before: Iterable[Row] = ()) -> dict[tuple[str, str], int]:
    """What is counted of rows, when others were there before."""

    async def read() -> dict[tuple[str, str], int]:
        log = MemoryLog({"events.rejected": 2})
        await log.produce(before)
        began = {str(each.partition): each.end for each in await log.extents("events.rejected")}
        await log.produce(rows)
        counts, examples = await rejections_of(log, "events.rejected", began, "shop-1")
        assert counts.keys() == examples.keys()
        return dict(counts)

    return asyncio.run(read())


def test_only_those_of_the_load_since_it_began_are_counted() -> None:
    """Not a live source's, nor another load's, nor the notes of a replay."""
    note = Row("events.rejected", 1, None, b"{}", [(NOTE, b"1")])
    rows = [rejection("a"), rejection("b", ""), rejection("c", "other"), note, rejection("d", reason="no_identity")]

    assert count(rows, [rejection("z")]) == {("web", "unplanned"): 1, ("web", "no_identity"): 1}


def test_an_event_that_was_rejected_twice_counts_once() -> None:
    """At another offset, since the load was killed and sent it again; or at the same, since a worker was."""
    assert count([rejection("a", offset=1), rejection("a", offset=7)]) == {("web", "unplanned"): 1}
    assert count([rejection("", offset=1), rejection("", offset=1), rejection("", offset=2)]) == {
        ("web", "unplanned"): 2
    }


def wait(store: MemoryClockStore) -> Waiting:
    """Wait for the load."""

    async def waiting() -> Waiting:
        async with asyncio.timeout(60):
            return await await_applied(store, BEGAN, ENDED, lambda _: None)

    return asyncio.run(waiting())


def test_it_is_applied_when_ingest_has_had_it_and_all_is_live() -> None:
    """Not before, wherever the clock was when it was last moved."""
    live = ClockState(phase="live", watermark=600.0)

    assert applied(Waiting(live, 0, frozenset()))
    assert not applied(Waiting(live, 1, frozenset()))
    assert not applied(Waiting(replace(live, phase="filling"), 0, frozenset()))
    assert not applied(Waiting(ClockState(), 0, frozenset()))


def test_it_is_waited_for_until_then() -> None:
    """The last partition's report is what it ends with."""
    store = MemoryClockStore()

    async def workers() -> Waiting:
        await store.commit(ClockState(phase="live", watermark=600.0))
        await store.report({"events.web/0": Head(8)})
        told: list[int] = []
        looked = asyncio.Event()

        def tell(waiting: Waiting) -> None:
            told.append(waiting.left)
            looked.set()

        async with asyncio.timeout(60):
            task = asyncio.create_task(await_applied(store, BEGAN, ENDED, tell))
            await looked.wait()
            await store.report({"events.web/0": Head(9)})
            waiting = await task
        assert told[0] == 1
        return waiting

    assert asyncio.run(workers()).left == 0


def test_nobody_waits_for_a_source_that_is_paused() -> None:
    """It is told which."""
    store = MemoryClockStore()
    asyncio.run(store.report({"events.web/0": Head(6, paused=True)}))

    found = wait(store)

    assert (found.left, found.paused) == (3, {"events.web"})
