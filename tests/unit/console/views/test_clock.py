"""The clock as people read it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from console.views.clock import ClockView, read_clock
from profiles.clock import ClockState, Load
from profiles.stores.memory import MemoryClockStore

NOW, DAY = 1_800_000_000.0, 86400.0


def view(state: ClockState, *loads: Load) -> ClockView:
    async def read() -> ClockView:
        clocks = MemoryClockStore()
        await clocks.commit(state)
        for load in loads:
            await clocks.write_load(load)
        await clocks.note_late("web", [NOW - 9 * DAY, NOW - 8 * DAY], NOW - 5)
        return await read_clock(clocks, NOW)

    return asyncio.run(read())


def load(id_: str, **more: Any) -> Load:
    return Load(id=id_, name="x.csv", since=1.0, until=NOW, begun=NOW - DAY, **{"seen": NOW - 1, "sent": 5.0} | more)


def test_live_it_is_the_wall_clock() -> None:
    """A sign of life that is some seconds old is no stand."""
    found = view(ClockState(phase="live", watermark=NOW - 300, moved=NOW - 300, by="w1"))
    assert (found.watermark, found.behind, found.gate, found.stands) == (NOW, 0.0, None, False)
    assert [(late.source, late.count, late.oldest, late.last) for late in found.late] == [
        ("web", 2, NOW - 9 * DAY, NOW - 5)
    ]


def test_in_steps_it_is_behind_and_may_stand() -> None:
    """After a minute, with what it waits for."""
    steps = ClockState(phase="filling", watermark=NOW - 3 * DAY, gate=NOW - 2 * DAY, moved=NOW - 30)
    assert (view(steps).behind, view(steps).gate, view(steps).stands) == (3 * DAY, NOW - 2 * DAY, False)
    stuck = ClockState(phase="firing", watermark=NOW - 3 * DAY, gate=NOW, moved=NOW - 90, waits_for="the census counts")
    assert (view(stuck).stands, view(stuck).waits_for) == (True, "the census counts")


def test_a_new_installation_does_not_stand() -> None:
    """It waits for its first event; or, once there is something, for who looks at it."""
    found = view(ClockState())
    assert (found.watermark, found.moved, found.behind, found.stands) == (None, None, 0.0, False)
    assert view(ClockState(waits_for="no worker has looked at events.web/0 yet")).stands


def test_a_load_runs_or_is_silent_or_has_ended() -> None:
    """Well, or without having sent all."""
    found = view(
        ClockState(),
        load("a"),
        load("b", seen=NOW - 120),
        load("c", sent=math.inf, ended=NOW),
        load("d", ended=NOW),
    )
    assert {one.id: (one.state, one.sent) for one in found.loads} == {
        "a": ("running", 5.0), "b": ("silent", 5.0), "c": ("done", None), "d": ("given_up", 5.0),
    }  # fmt: skip
    assert '"sent":"1970-01-01T00:00:05.000000Z"' in found.model_dump_json()
