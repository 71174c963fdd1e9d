"""The coordinator: where the clock begins, and what it says when it stands."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import pytest
from faust.types import TP

from models.labels.examples import Border
from plan import load_plan
from profiles.clock import ClockState, Head, Load
from profiles.store import Output
from profiles.stores import Stores, open_stores
from streams.clock import SteppedClock
from streams.settings import Settings
from streams.worker.census import CensusMerger
from streams.worker.clock import coordinator
from streams.worker.clock.coordinator import Coordinator, places_of
from streams.worker.clock.follower import ClockFollower
from tests import REPOSITORY

NOW, DAY = 1_800_000_000.0, 86400.0
PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
SETTINGS = Settings(topic_prefix="", partitions=1)
PURCHASES, TRAINING = TP("events.purchase", 0), TP("training.examples", 0)


class Installation:
    """A coordinator on stores in memory, and topics of which only the ends are known."""

    def __init__(self, state: ClockState, ends: dict[TP, int]) -> None:
        self.stores: Stores = open_stores("memory://", PLAN.namespace, 1)
        self.ends = ends
        self.wall = SteppedClock(NOW)
        self._state = state
        stores = self.stores
        census = CensusMerger(stores.census, 1, 60.0, [], "EUR", _nothing)
        follower = ClockFollower(stores.clock, self.wall)
        self.coordinator = Coordinator(
            stores.clock, stores.profiles, stores.links, stores.learner, places_of(SETTINGS, PLAN), self._ends,
            self._deliver, census, follower, lambda now: True, "w1",
        )  # fmt: skip
        self.told: list[Border] = []  # to the learner

    async def _ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        return {tp: self.ends.get(tp, 0) for tp in partitions}

    async def _deliver(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self.told.append(msgspec.msgpack.decode(output.value, type=Border))
            self.ends[TRAINING] = self.ends.get(TRAINING, 0) + 1

    async def learn(self) -> None:
        """The learner takes all that there is."""
        await self.stores.learner.commit(0, self.ends[TRAINING] - 1, b"{}", {}, [], [], 0)

    async def begin(self) -> None:
        await self.stores.clock.commit(self._state)


async def _nothing(_: Iterable[Output] | Any) -> None:
    return None


def in_steps(**more: Any) -> ClockState:
    return ClockState(phase="filling", watermark=NOW - 9 * DAY, gate=NOW - 8 * DAY, step=DAY, **more)


def test_it_says_what_it_waits_for_and_warns_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A partition of a source that nobody goes on with; then it goes on, and nothing is said any more."""

    async def story() -> None:
        here = Installation(in_steps(), {PURCHASES: 7})
        await here.begin()
        await here.stores.clock.report({"events.purchase/0": Head(3, NOW - 8.5 * DAY, NOW)})
        for _ in range(3):
            assert not await here.coordinator.step()
        assert (await here.stores.clock.state()).waits_for == ""
        monkeypatch.setattr(coordinator, "STANDS", -1.0)
        monkeypatch.setattr(coordinator, "_ALIVE", -1.0)
        for _ in range(3):
            assert not await here.coordinator.step()
        state = await here.stores.clock.state()
        assert state.waits_for == "ingest has done events.purchase/0 up to offset 3 of 7"
        assert (state.version, state.moved) == (2, 0.0)
        warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warned) == 1
        assert "offset 3 of 7" in warned[0]
        await here.stores.clock.report({"events.purchase/0": Head(7)})
        assert not await here.coordinator.step()
        assert "learner" in (await here.stores.clock.state()).waits_for
        await here.learn()
        assert await here.coordinator.step()
        assert (await here.stores.clock.state()).waits_for == ""

    asyncio.run(story())


def test_a_load_that_has_not_sent_enough_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the one that has come the least."""

    async def story() -> None:
        here = Installation(in_steps(), {})
        await here.begin()
        for id_, days in (("a", 8.2), ("b", 8.4)):
            sent = NOW - days * DAY
            await here.stores.clock.write_load(Load(id=id_, name="x.csv", since=0, until=NOW, sent=sent, seen=NOW))
        monkeypatch.setattr(coordinator, "_ALIVE", -1.0)
        for _ in range(2):
            await here.coordinator.step()
        assert (await here.stores.clock.state()).waits_for.startswith("load b (x.csv) has sent its events up to")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("watermark", "waiting", "phase"),
    [
        (NOW - DAY, NOW - 60, "live"),  # lately
        (NOW - DAY, NOW - 90 * DAY, "live"),  # long before it was last live: late, whatever is done
        (NOW - 90 * DAY, NOW - 80 * DAY, "filling"),  # of a load in whose middle Redis was lost
        (0.0, NOW - 80 * DAY, "filling"),  # a new installation
    ],
)
def test_where_it_begins(watermark: float, waiting: float, phase: str) -> None:
    """What waits was all received in the last minute; it tells by its own time what it is."""

    async def story() -> ClockState:
        here = Installation(ClockState(watermark=watermark), {PURCHASES: 1})
        await here.begin()
        await here.stores.clock.report({"events.purchase/0": Head(0, waiting, NOW - 60)})
        assert await here.coordinator.step()
        if phase == "filling":
            assert await here.coordinator.step()  # now that everybody knows, the first gate opens
        return await here.stores.clock.state()

    state = asyncio.run(story())
    assert state.phase == phase
    if phase == "filling":
        assert state.watermark < waiting <= state.gate


@pytest.mark.parametrize(("live_since", "gate"), [(0.0, NOW - 100 * DAY), (NOW - 400 * DAY, NOW - 2 * DAY)])
def test_a_load_turns_back_who_is_new_and_nobody_else(live_since: float, gate: float) -> None:
    """After an outage, too: an installation of a year goes on where it was."""

    async def story() -> ClockState:
        here = Installation(ClockState(watermark=NOW - 2 * DAY, live_since=live_since), {PURCHASES: 1})
        await here.begin()
        await here.stores.clock.report({"events.purchase/0": Head(0, NOW - 2 * DAY, NOW - 2 * DAY)})
        load = Load(id="a", name="x.csv", since=NOW - 100 * DAY, until=NOW, sent=math.inf, seen=NOW)
        await here.stores.clock.write_load(load)
        assert await here.coordinator.step()
        return await here.stores.clock.state()

    state = asyncio.run(story())
    assert state.phase == "filling"
    assert abs(state.gate - gate) <= DAY


def test_live_it_gives_no_sign_of_life_while_nobody_reads_the_sources() -> None:
    """Ingest may be away alone. What comes in meanwhile is an outage's, though the coordinator is there."""

    async def story() -> None:
        here = Installation(ClockState(phase="live", watermark=NOW, moved=NOW, live_since=NOW), {PURCHASES: 7})
        await here.begin()

        async def moves(head: Head | None) -> bool:
            if head is not None:
                await here.stores.clock.report({"events.purchase/0": head})
            here.wall.advance(20.0)
            return await here.coordinator.step()

        assert not await moves(None)
        assert await moves(Head(3))  # behind, but getting on
        assert not await moves(Head(3))
        assert await moves(Head(3, paused=True))
        assert not await moves(Head(3))
        assert await moves(Head(7))
        here.ends[PURCHASES] = 8
        assert not await moves(None)
        here.wall.advance(3600.0)
        assert await here.coordinator.step()
        assert (await here.stores.clock.state()).phase == "new"

    asyncio.run(story())


def test_who_takes_the_clock_over_begins_the_learners_steps_anew() -> None:
    """Records may wait for a border that a Redis which came back older has forgotten; so the learner is told where it
    is, and waited for. Also by who had the clock before, and lost it."""

    async def story() -> None:
        here = Installation(in_steps(), {TRAINING: 5})
        await here.begin()
        for borders in (1, 2):
            clock = here.stores.clock
            await clock.commit(await clock.state())  # by somebody else
            for _ in range(2):
                assert not await here.coordinator.step()
            assert here.told == [Border(NOW - 9 * DAY, begins=True)] * borders
        await here.learn()
        assert await here.coordinator.step()
        assert (await here.stores.clock.state()).phase == "firing"

    asyncio.run(story())


def test_who_takes_it_over_while_timers_fire_begins_the_learners_steps_anew_as_well() -> None:
    """What waits there may be of later steps, which a Redis that came back older has forgotten."""

    async def story() -> None:
        here = Installation(msgspec.structs.replace(in_steps(), phase="firing"), {})
        await here.begin()
        while (await here.stores.clock.state()).phase == "firing":
            await here.coordinator.step()
        assert here.told == [Border(NOW - 8 * DAY, begins=True)]

    asyncio.run(story())
