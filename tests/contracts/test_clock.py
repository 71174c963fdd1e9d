"""What the store of the clock promises, in memory and in Redis."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import msgspec
import pytest

from profiles.clock import LOADS_KEPT, ClockState, Head, Late, Load
from profiles.errors import Fenced, Misconfigured
from profiles.stores import Stores
from profiles.stores.clock import with_clock
from profiles.stores.keys import CLOCK, CLOCK_LOADS
from profiles.stores.positions import Read, set_positions
from tests.contracts.fresh import Test, try_on

HISTORY = Load(id="a1", name="shop.jsonl", since=10.5, until=1_700_000_000.123457, sent=10.5, step=21_600.0)


def test_one_at_a_time_moves_the_clock(run: Callable[[Test], None]) -> None:
    """A state stands on the one that was read; whoever comes later is refused and changes nothing."""

    async def test(stores: Stores) -> None:
        new = await stores.clock.state()
        assert new == ClockState()
        filling = await stores.clock.commit(
            msgspec.structs.replace(new, phase="filling", watermark=1_700_000_000.123457, gate=math.inf, by="w1")
        )
        assert filling.version != new.version
        assert await stores.clock.state() == filling

        with pytest.raises(Fenced):
            await stores.clock.commit(msgspec.structs.replace(new, phase="live"))
        assert await stores.clock.state() == filling
        live = await stores.clock.commit(msgspec.structs.replace(filling, phase="live", gate=0.0))
        assert await stores.clock.state() == live

    run(test)


def test_of_many_who_move_the_clock_at_once_one_does(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        states = [ClockState(gate=float(number)) for number in range(8)]
        answers = await asyncio.gather(*map(stores.clock.commit, states), return_exceptions=True)
        moved = [answer for answer in answers if not isinstance(answer, Fenced)]

        assert moved == [await stores.clock.state()]

    run(test)


def test_a_report_from_behind_changes_nothing(run: Callable[[Test], None]) -> None:
    """Each partition by itself, in whatever order reports come; of the same offset the last one counts."""

    async def test(stores: Stores) -> None:
        assert await stores.clock.heads() == {}
        await stores.clock.report({})
        await stores.clock.report({"web/0": Head(9, 7.25, 8.0), "app/1": Head(3)})
        await stores.clock.report({"web/0": Head(8, 5.0, 6.0), "app/1": Head(3, 2.5, 2.75, True)})
        assert await stores.clock.heads() == {"web/0": Head(9, 7.25, 8.0), "app/1": Head(3, 2.5, 2.75, True)}

        late_offsets = [2**40 + number for number in (5, 1, 7, 3)]
        await asyncio.gather(*(stores.clock.report({"web/0": Head(done)}) for done in late_offsets))
        assert (await stores.clock.heads())["web/0"] == Head(2**40 + 7)

    run(test)


@pytest.mark.parametrize("kind", ["redis", "cluster"])
def test_positions_in_another_log_forget_the_reports_of_this_one(kind: str, request: pytest.FixtureRequest) -> None:
    """Else the offsets of a new Kafka would have to pass those of the one before."""

    async def test(stores: Stores) -> None:
        await stores.clock.report({"web/0": Head(900)})
        await set_positions(stores.client, Read())
        await stores.clock.report({"web/0": Head(3)})

        assert await stores.clock.heads() == {"web/0": Head(3)}

    fixture = request.getfixturevalue("redis_cluster" if kind == "cluster" else "redis_url")
    try_on(fixture.url if kind == "cluster" else fixture, test)


def test_a_load_is_known_as_it_was_told_last(run: Callable[[Test], None]) -> None:
    """To the bit, also when all of it has been sent, which is sent up to infinity."""

    async def test(stores: Stores) -> None:
        assert await stores.clock.loads() == {}
        await stores.clock.write_load(HISTORY)
        later = msgspec.structs.replace(HISTORY, sent=math.inf, done=360, seen=1_700_000_001.25)
        await stores.clock.write_load(later)
        other = msgspec.structs.replace(HISTORY, id="b2", ended=9.0)
        await stores.clock.write_load(other)

        assert await stores.clock.loads() == {"a1": later, "b2": other}

    run(test)


def test_the_oldest_loads_that_ended_are_forgotten(run: Callable[[Test], None]) -> None:
    """None that runs, however many there are."""

    async def test(stores: Stores) -> None:
        running = [msgspec.structs.replace(HISTORY, id=f"r{number}") for number in range(3)]
        ended = [
            msgspec.structs.replace(HISTORY, id=f"e{number}", ended=1_700_000_000.5 + number)
            for number in range(LOADS_KEPT + 2)
        ]
        for load in [*running, *reversed(ended)]:
            await stores.clock.write_load(load)

        assert await stores.clock.loads() == {load.id: load for load in [*running, *ended[2:]]}

    run(test)


def test_what_came_late_is_counted_by_source(run: Callable[[Test], None]) -> None:
    """Also by several workers at once."""

    async def test(stores: Stores) -> None:
        await stores.clock.note_late("web", [], 1.0)
        assert await stores.clock.late() == {}
        await stores.clock.note_late("app", [5.0], 1_700_000_000.123457)
        times = [1_600_000_000.123457 + number for number in range(20)]
        await asyncio.gather(*(stores.clock.note_late("web", [time, time + 100.0], time + 500.0) for time in times))

        assert await stores.clock.late() == {
            "app": Late(1, 5.0, 1_700_000_000.123457),
            "web": Late(40, times[0], times[-1] + 500.0),
        }

    run(test)


def test_what_is_damaged_says_what_to_do(redis_url: str) -> None:
    """And does as it says."""

    async def test(stores: Stores) -> None:
        await stores.clock.commit(ClockState(phase="live"))
        await stores.clock.write_load(HISTORY)
        await stores.client.hset(CLOCK.meta, "state", b"{}}")
        await stores.client.hset(CLOCK_LOADS, "b2", b"[]")
        with pytest.raises(Misconfigured, match="delete that"):
            await stores.clock.state()
        with pytest.raises(Misconfigured, match="delete what is wrong"):
            await stores.clock.loads()
        await stores.clock.write_load(msgspec.structs.replace(HISTORY, ended=3.0))
        await stores.client.hdel(CLOCK.meta, "state")
        await stores.client.hdel(CLOCK_LOADS, "b2")
        begun = await stores.clock.commit(await stores.clock.state())
        assert begun.phase == "new"

        assert list(await stores.clock.loads()) == ["a1"]

    try_on(redis_url, test)
    assert asyncio.run(with_clock(redis_url, lambda clock: clock.state())).phase == "new"
