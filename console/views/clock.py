"""The clock of all customers as people and tools read it: where it stands and why, the loads, what came late."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from console.views.document import Document, Time
from profiles.clock import ClockState, ClockStore, Late, Load, Phase

__all__ = ["STANDS", "ClockView", "LateView", "LoadView", "read_clock"]

STANDS = 60.0
"""Seconds after which a clock that is not live and was not moved stands still, and a load without a sign is silent."""


class LoadView(Document):
    """A load of history."""

    id: str
    name: str = Field(description="Of what is loaded.")
    state: Literal["running", "silent", "done", "given_up"] = Field(
        description="`silent`: no sign of life for a minute; after ten the clock goes on without it (`given_up`)."
    )
    since: Time = Field(description="Time of its first event.")
    until: Time = Field(description="Of its last.")
    sent: Time | None = Field(description="All of its events up to here are in Kafka; null once all are.")
    events: int = Field(description="That it will send.")
    done: int = Field(description="That it has sent.")
    begun: Time
    seen: Time = Field(description="Its last sign of life.")
    ended: Time | None


class LateView(Document):
    """Events of one source that came behind the watermark, by more than the plan's lateness."""

    source: str
    count: int
    oldest: Time = Field(description="Time of the oldest.")
    last: Time = Field(description="When the last came.")


class ClockView(Document):
    """Where the clock stands."""

    phase: Phase
    watermark: Time | None = Field(description="Up to here everybody was looked at; null before the first event.")
    behind: float = Field(description="Seconds that this is behind the wall clock.")
    gate: Time | None = Field(description="Events up to here are let in; null if all are, or none.")
    moved: Time | None = Field(description="When it was last moved; live, a sign of life.")
    by: str = Field(description="The worker that moved it.")
    stands: bool = Field(description="It is not live, and was not moved for a minute.")
    waits_for: str = Field(description="What keeps it from being moved, in words, once that is so for a while.")
    loads: list[LoadView] = Field(description="The latest first; those that ended too.")
    late: list[LateView] = Field(
        description="By source. `rapport rebuild --from archive` makes everything as if it had come in order."
    )


async def read_clock(clocks: ClockStore, now: float) -> ClockView:
    """All that is known of it.

    Raises:
        Misconfigured: what is stored is damaged.
    """
    return _view(await clocks.state(), await clocks.loads(), await clocks.late(), now)


def _view(state: ClockState, loads: Mapping[str, Load], late: Mapping[str, Late], now: float) -> ClockView:
    watermark = now if state.phase == "live" else state.watermark
    in_steps = state.phase in ("filling", "firing", "arriving")
    waits = bool(state.waits_for) or in_steps
    return ClockView(
        phase=state.phase,
        watermark=watermark or None,
        behind=max(now - watermark, 0.0) if watermark else 0.0,
        gate=state.gate if in_steps else None,
        moved=state.moved or None,
        by=state.by,
        stands=state.phase != "live" and waits and now - state.moved > STANDS,
        waits_for=state.waits_for,
        loads=[_load(load, now) for load in sorted(loads.values(), key=lambda load: -load.begun)],
        late=[
            LateView(source=source, count=one.count, oldest=one.oldest, last=one.last)
            for source, one in sorted(late.items())
        ],
    )


def _load(load: Load, now: float) -> LoadView:
    whole = math.isinf(load.sent)
    if load.ended:
        return LoadView.of(
            load, state="done" if whole else "given_up", sent=None if whole else load.sent, ended=load.ended
        )
    state = "silent" if now - load.seen > STANDS else "running"
    return LoadView.of(load, state=state, sent=None if whole else load.sent, ended=None)
