"""Telling a sink something to see whether it hears: one attempt, of which nothing is kept."""

from __future__ import annotations

import os
from typing import NamedTuple

from profiles.times import rfc3339
from streams.clock import WALL, Clock
from streams.sinks.environment import Outlet
from streams.sinks.http import Caller, NoAnswer, Refused, masked
from streams.sinks.kinds.kind import Told
from streams.sinks.messages import NoticeData, NoticeMessage

__all__ = ["Tried", "try_out"]


class Tried(NamedTuple):
    """What came of it."""

    sink: str
    type: str
    outcome: str  # delivered, again, refused, disabled; forbidden: its address must not be called
    status: int
    answer: str  # at most 500 characters, masked


async def try_out(outlet: Outlet, currency: str, clock: Clock = WALL, caller: Caller | None = None) -> Tried:
    """Send `sink.test` to a sink."""
    now = clock.now()
    text = "This is a test of Rapport: the sink can be told."
    body = NoticeMessage(type="sink.test", timestamp=rfc3339(now), data=NoticeData(text, outlet.name, {}))
    told = Told(f"test_{os.urandom(8).hex()}", [body], now, currency=currency, language=outlet.spec.language)
    async with caller or Caller(outlet.allowed) as made:
        try:
            verdict = await outlet.kind.send(told, made)
        except Refused as error:
            return Tried(outlet.name, outlet.spec.type, "forbidden", 0, str(error))
        except NoAnswer as error:
            return Tried(outlet.name, outlet.spec.type, "again", 0, masked(str(error), outlet.kind.hidden))
    answer = masked(verdict.answer, outlet.kind.hidden)
    return Tried(outlet.name, outlet.spec.type, verdict.outcome, verdict.status, answer)
