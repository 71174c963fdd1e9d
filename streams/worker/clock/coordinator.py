"""The coordinator: moves the clock of all workers. It runs where `identity.links` is read, so there is one.

Not live, it goes from gate to gate. A gate is *filled* when everything of a time up to it has been applied: running
loads have sent so much; ingest has passed on what each source partition holds of it; linker and profiles have applied
all that came of that, and nothing is left in an outbox. This is asked in the order in which an event travels, so what a
later question did not find cannot still be on its way from an earlier place (only events of a later time wait there).
Then timers fire; and when none up to the gate is left, the gate is the watermark.

It becomes live when no load runs and the gate is within a step of the wall clock.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from faust.types import TP

from models.labels.examples import Border
from models.labels.outages import gathered
from plan import Plan
from profiles.clock import ClockState, ClockStore, Head, Load, turns_back
from profiles.errors import Fenced
from profiles.store import ArrivalRate, Output, Standing, Store
from profiles.times import rfc3339
from profiles.units import LearnerStore, LinkStore
from streams.kafka.ends import Ends
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.retry import retrying
from streams.settings import Settings
from streams.worker.census import CensusMerger
from streams.worker.clock.follower import FRESH, OUTAGE, ClockFollower

__all__ = ["STANDS", "Coordinator", "Ends", "Places", "places_of", "waiting_in"]

log = logging.getLogger(__name__)

STEPS = ((28 * 86400.0, 86400.0), (2 * 86400.0, 6 * 3600.0), (0.0, 3600.0))
"""(seconds behind the wall clock, seconds from gate to gate) unless a load says otherwise: the nearer, the finer."""

GIVEN_UP = 600.0
"""Seconds without a sign of life after which a load is given up: live customers wait for it."""

STANDS = 60.0
"""Seconds after which a clock that is not live and does not move is told of."""

_KNOWN = 3 * FRESH  # seconds after which every worker that acts knows of a move
_ALIVE = 10.0  # seconds between two signs of life while live, and until a clock that stands says what it waits for

_encode = msgspec.msgpack.Encoder().encode


class Places(NamedTuple):
    """The partitions that an event comes through."""

    sources: Sequence[TP]  # of the sources' topics
    links: TP  # of `identity.links`
    profiles: Sequence[TP]  # of `profile.events`, by number
    training: TP  # of `training.examples`


def places_of(settings: Settings, plan: Plan) -> Places:
    """The partitions of an installation."""
    numbers = range(settings.partitions)
    topics = [topic_name(settings, source.topic) for source in plan.sources.values()]
    return Places(
        [TP(topic, number) for topic in topics for number in numbers],
        TP(topic_name(settings, IDENTITY_LINKS), 0),
        [TP(topic_name(settings, PROFILE_EVENTS), number) for number in numbers],
        TP(topic_name(settings, TRAINING_EXAMPLES), 0),
    )


class Coordinator:
    """Moves the clock.

    Args:
        clocks: where it is kept.
        profiles, links, learner: what has to come to rest.
        places: where events come through.
        ends: of partitions.
        deliver: produces an output.
        census: taken at some borders.
        clock: as this worker follows it; it is told at once.
        trusts: whether the wall clock is right, as far as Redis's tells.
        by: name of this worker.
        outage: the least silence of everybody in a history that may be an outage, seconds; None: none is.
    """

    def __init__(
        self,
        clocks: ClockStore,
        profiles: Store,
        links: LinkStore,
        learner: LearnerStore,
        places: Places,
        ends: Ends,
        deliver: Callable[[Iterable[Output]], Awaitable[None]],
        census: CensusMerger,
        clock: ClockFollower,
        trusts: Callable[[float], bool],
        by: str,
        outage: float | None = None,
    ) -> None:
        self._clocks = clocks
        self._profiles = profiles
        self._links = links
        self._learner = learner
        self._places = places
        self._ends = ends
        self._deliver = deliver
        self._census = census
        self._clock = clock
        self._trusts = trusts
        self._by = by
        self._outage = outage
        self._seen: dict[TP, int] = {}  # how far ingest had come in each source partition when that was asked last
        self._moved = (-1, "")  # version and nonce of the clock as it was left here
        self._bordered = 0.0  # the border that the learner was told last
        self._to_learn: int | None = None  # end of `training.examples` then
        self._loads: list[Load] = []
        self._why = ""  # it could not be moved when it was last tried
        self._stands: tuple[str, float] = ("", 0.0)  # phase and gate at which that is
        self._since = self._noted = 0.0  # monotonic: when it came there, and when it was last written why
        self._warned = False

    async def step(self) -> bool:
        """Move the clock if it can be moved; whether it was."""
        try:
            return await self._step()
        except Fenced:
            return False  # somebody else is the coordinator now

    @retrying
    async def _step(self) -> bool:
        now = self._clock.wall()
        if not self._trusts(now):
            return False
        state = await self._clocks.state()
        if (state.version, state.nonce) != self._moved:  # by another worker, or the store was set back
            self._bordered, self._to_learn = 0.0, None
            self._moved = (state.version, state.nonce)
        loads = await self._running(now)
        self._why = ""
        if state.phase == "live":
            after = await self._leave_live(state, loads, now)
        elif state.phase == "new":
            after = await self._begin(state, loads, now)
        elif state.phase == "filling":
            after = await self._fill(state, loads, now)
        else:
            after = await self._fire(state, loads, now)
        if after is None:
            return await self._stand(state)
        if after.phase == "filling" and state.phase in ("live", "new"):
            await self._tell(Border(after.watermark, begins=True))
        await self._commit(msgspec.structs.replace(after, version=state.version, moved=now, waits_for=""))
        if after.phase != state.phase:
            log.info("the clock is %s, at %s", after.phase, _at(after))
        return True

    async def _commit(self, state: ClockState) -> None:
        committed = await self._clocks.commit(msgspec.structs.replace(state, by=self._by))
        self._moved = (committed.version, committed.nonce)
        await self._clock.take(committed)

    async def _stand(self, state: ClockState) -> bool:
        """Say what keeps the clock where it is, once it has been there for a while: people may have to act."""
        now = time.monotonic()
        if (state.phase, state.gate) != self._stands:
            self._stands, self._since, self._noted, self._warned = (state.phase, state.gate), now, now, False
        if not self._why:
            return False
        if now - self._since > STANDS and not self._warned:
            self._warned = True
            log.warning(
                "the clock has been %s at %s for a minute: %s; see `rapport doctor`", state.phase, _at(state), self._why
            )
        if now - self._noted > _ALIVE and self._why != state.waits_for:
            self._noted = now
            await self._commit(msgspec.structs.replace(state, waits_for=self._why))
        return False

    def _waits(self, why: str) -> ClockState | None:
        """Note why the clock cannot be moved now."""
        self._why = why
        return None

    async def _running(self, now: float) -> list[Load]:
        """The loads that run. One that is silent for too long is given up."""
        running = []
        self._loads = list((await self._clocks.loads()).values())
        for load in self._loads:
            if load.ended:
                continue
            if now - load.seen > GIVEN_UP:
                log.error(
                    "load %s (%s) has stopped at %s and gives no sign of life: the clock goes on without it. What it "
                    "sends later comes late; run `rapport load` with the same files again to finish it",
                    load.id, load.name, rfc3339(load.sent),
                )  # fmt: skip
                await self._clocks.write_load(msgspec.structs.replace(load, ended=now))
            else:
                running.append(load)
        return running

    # Live

    async def _leave_live(self, state: ClockState, loads: Sequence[Load], now: float) -> ClockState | None:
        if now - state.moved > OUTAGE:  # nobody was there: what has come in meanwhile is looked at in its own time
            return msgspec.structs.replace(state, phase="new")
        before = [load for load in loads if load.since < state.watermark - OUTAGE]
        if before and turns_back(state, (await self._clocks.loads()).values(), now):
            return self._start(state, min(load.since for load in before), whole=True)
        if now - state.moved > _ALIVE and await self._is_read():
            return msgspec.structs.replace(state, watermark=max(now, state.watermark))
        return None

    async def _is_read(self) -> bool:
        """Whether the sources are read: else nobody looks at what comes in, though we are there, as in an outage."""
        heads, before = await self._clocks.heads(), self._seen
        waiting = waiting_in(heads, await self._ends(self._places.sources))
        self._seen = {tp: head.done for tp in waiting if (head := heads.get(_name(tp))) is not None}
        return all(not records or self._seen.get(tp, 0) > before.get(tp, 0) for tp, records in waiting.items())

    # From new

    async def _begin(self, state: ClockState, loads: Sequence[Load], now: float) -> ClockState | None:
        """Begin at the first event that was ever sent, or where the clock stood when it was last live."""
        if loads and turns_back(state, (await self._clocks.loads()).values(), now):
            return self._start(state, min(load.since for load in loads), whole=True)
        heads = await self._clocks.heads()
        ends = await self._ends(self._places.sources)
        waiting = []
        for tp, end in ends.items():
            head = heads.get(_name(tp))
            if head is not None and head.time:
                waiting.append(head)
            elif end and (head is None or (head.done < end and not head.paused)):
                return self._waits(f"no worker has looked at {_name(tp)} yet")
        if not waiting:
            # Live at once if it was live before; a new installation waits for what its first event says.
            return self._go_live(state, now) if state.watermark and heads else None
        if all(
            head.received >= now - OUTAGE and (head.time >= now - OUTAGE or head.time <= state.watermark)
            for head in waiting
        ):
            return self._go_live(state, now)
        since = max(state.watermark, min(head.time for head in waiting))
        return self._start(state, since, whole=not state.live_since)

    def _start(self, state: ClockState, since: float, *, whole: bool) -> ClockState:
        step = self._step_at(since)
        watermark = math.ceil(since / step - 1) * step  # the last border before it
        # At first nothing is let in, until every worker knows that it is not live any more: see `_open`.
        return msgspec.structs.replace(
            state, phase="filling", watermark=watermark, gate=watermark, step=step, whole=whole, arrivals={}
        )

    def _open(self, state: ClockState, now: float) -> ClockState | None:
        """The first gate, once nobody looks at customers as if it were live."""
        if state.live_since and 0 <= now - state.moved < _KNOWN:
            return self._waits("not all workers may know yet that history is gone through")
        return msgspec.structs.replace(state, gate=min(state.watermark + state.step, now))

    def _go_live(self, state: ClockState, now: float) -> ClockState:
        return msgspec.structs.replace(
            state,
            phase="live",
            watermark=max(now, state.watermark),
            live_since=state.live_since or now,
            whole=False,
            arrivals={},
        )

    # In steps

    async def _fill(self, state: ClockState, loads: Sequence[Load], now: float) -> ClockState | None:
        if state.gate == state.watermark:
            return self._open(state, now)
        if (load := min(loads, key=lambda load: load.sent, default=None)) and load.sent < state.gate:
            return self._waits(f"load {load.id} ({load.name}) has sent its events up to {rfc3339(load.sent)}")
        if not await self._is_filled(state.gate):
            return None
        if not await self._has_learned(state.watermark):
            return self._waits("the learner has not taken all training records yet")
        is_last = not loads and state.gate + state.step > now
        arrivals = await self._arrivals(state)
        return msgspec.structs.replace(state, phase="arriving" if is_last else "firing", arrivals=arrivals)

    async def _arrivals(self, state: ClockState) -> dict[str, ArrivalRate]:
        """How busy all partitions together are up to the gate. After an outage each knows better by itself."""
        if not state.whole:
            return {}
        parts = [one.arrival_rates for one in (await self._standing()).values()]
        return gathered(state.arrivals, parts, self._outage)

    async def _is_filled(self, gate: float) -> bool:
        """Whether all events up to the gate, and what they caused, are applied."""
        heads = await self._clocks.heads()
        ends = await self._ends(self._places.sources)
        for tp, end in ends.items():
            if not _has_passed(head := heads.get(_name(tp)), end, gate):
                done = head.done if head is not None else 0
                self._waits(f"ingest has done {_name(tp)} up to offset {done} of {end}")
                return False
        links, waiting = await self._links.state(), await self._links.outbox()
        standing = await self._standing()
        ends = await self._ends([self._places.links, *self._places.profiles])
        if waiting or links.applied + 1 < ends[self._places.links]:
            self._waits("the linker has not decided all requests yet, or not told")
            return False
        for tp in self._places.profiles:
            one = standing[tp.partition]
            if one.waiting or one.applied + 1 < ends[tp]:
                self._waits(f"{_name(tp)} is applied up to offset {one.applied} of {ends[tp] - 1}, or not delivered")
                return False
        return True

    async def _has_learned(self, watermark: float) -> bool:
        """Whether the learner has taken the border before: customers are scored by what is known as of then.

        Who takes the clock over does not know whether records of a step wait for a border that will not come: a Redis
        that came back older has forgotten how far the clock was. So the steps begin anew, for the learner too.
        """
        if self._to_learn is None:
            await self._tell(Border(watermark, begins=True))
        return (await self._learner.position())[1] + 1 >= (self._to_learn or 0)

    async def _fire(self, state: ClockState, loads: Sequence[Load], now: float) -> ClockState | None:
        standing = await self._standing()
        for number, one in standing.items():
            if one.waiting or 0 < one.next_due <= state.gate:
                return self._waits(f"partition {number} has timers to fire, or to deliver what they caused")
            if state.phase == "arriving" and one.watermark < state.gate:
                return self._waits(f"partition {number} has not arrived")
        if self._bordered != state.gate:
            await self._tell(Border(state.gate, begins=self._to_learn is None))  # see `_has_learned`
            self._bordered = state.gate
        if await self._census.open_at(state.gate, now) and not await self._census.close_if_counted(now):
            return self._waits("the census counts")
        if state.phase == "arriving":
            return self._go_live(state, now)
        return await self._next(state, loads, standing)

    async def _tell(self, border: Border) -> None:
        await self._deliver([Output(TRAINING_EXAMPLES, b"@border", _encode(border), border.key, partition=0)])
        self._to_learn = (await self._ends([self._places.training]))[self._places.training]

    async def _next(self, state: ClockState, loads: Sequence[Load], standing: Mapping[int, Standing]) -> ClockState:
        """The next gate: the first border at which there is anything to do, and not later than now.

        Were it later, what comes in live would never come to rest; so it waits there for a moment.
        """
        heads = await self._clocks.heads()
        times = [head.time for head in heads.values() if head.time]
        times += [one.next_due for one in standing.values() if one.next_due]
        times += [load.sent for load in loads]
        now = self._clock.wall()
        step = self._step_at(state.gate)
        earliest = min(max(min(times, default=now), state.gate), now)
        gate = min((earliest // step + 1) * step, now)
        return msgspec.structs.replace(state, phase="filling", watermark=state.gate, gate=gate, step=step)

    def _step_at(self, time: float) -> float:
        """Seconds to the next gate. Where a load says, also when it is done: it must not matter how fast it was."""
        said = [load.step for load in self._loads if load.since <= time < load.until]
        behind = self._clock.wall() - time
        return max(said, default=0.0) or next(step for least, step in STEPS if behind > least or not least)

    async def _standing(self) -> dict[int, Standing]:
        return await self._profiles.standing(range(len(self._places.profiles)))


def _has_passed(head: Head | None, end: int, gate: float) -> bool:
    """Whether ingest has passed on all of a partition that is of a time up to the gate."""
    if head is None:
        return not end
    return head.paused or head.done >= end or head.time > gate


def waiting_in(heads: Mapping[str, Head], ends: Mapping[TP, int]) -> dict[TP, int]:
    """How many records of each source partition ingest has not passed on; none of a source that is paused."""
    return {
        tp: 0 if head.paused else max(end - head.done, 0)
        for tp, end in ends.items()
        for head in [heads.get(_name(tp)) or Head(0)]
    }


def _name(tp: TP) -> str:
    return f"{tp.topic}/{tp.partition}"


def _at(state: ClockState) -> str:
    return rfc3339(state.watermark if state.phase == "live" else state.gate)
