"""What became of the cases that ended lately. Each is read once, when it is first seen to have ended."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from console.services.models import ModelDesk
from models.conditions.rules import Grain
from models.labels.acting import Acting
from profiles.cases.joining import OVER
from profiles.store import Reader
from profiles.types import Profile

__all__ = ["DAYS", "WEEK", "Ended", "Outcomes"]

DAYS = 7
WEEK = DAYS * 86400.0
"""How far back is looked, in seconds."""

_MINUTE = 60.0
_AT_ONCE = 200  # customers read at once: others get their turn between


class Ended(NamedTuple):
    """The end of a case."""

    at: float
    outcome: str  # as somebody resolved it; "cleared": it ended by itself
    kind: str
    value: int  # minor units that were at risk
    grain: Grain = "customer"


class Outcomes:
    """Reads how cases ended, for everybody who asks."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, float], Ended | None] = {}  # by customer and the time at which they are listed
        self._reading = asyncio.Lock()
        self._acting: tuple[float, Acting] | None = None  # and when it was read

    async def of_the_week(self, reader: Reader, now: float) -> list[Ended]:
        """The ends of the last seven days, of each customer's latest case; one that stands again has not ended."""
        async with self._reading:
            listed = await reader.cases_ended(now - WEEK)
            new = [row for row in listed if row not in self._known]
            read: dict[str, Profile] = {}
            for begin in range(0, len(new), _AT_ONCE):
                read |= await reader.profiles([id_ for id_, _ in new[begin : begin + _AT_ONCE]])
            self._known = {row: self._known[row] if row in self._known else _end(read.get(row[0])) for row in listed}
            return [one for one in self._known.values() if one is not None and one.at >= now - WEEK]

    async def acting(self, desk: ModelDesk) -> Acting:
        """What acting on alerts is worth, as of the last minute: it moves with labels, and is dear to read."""
        async with self._reading:
            if self._acting is None or time.monotonic() - self._acting[0] > _MINUTE:
                self._acting = time.monotonic(), (await desk.report()).figures.acting
            return self._acting[1]


def _end(profile: Profile | None) -> Ended | None:
    """How a customer's case ended; a note of later is no end."""
    case = profile.case if profile is not None else None
    if case is None or case.state not in OVER:
        return None
    at = max((entry.at for entry in case.history if entry.action == case.state), default=case.changed)
    grain: Grain = "customer" if profile is None or profile.company is None else "company"
    return Ended(at, case.outcome or case.state, case.kind, case.value or 0, grain)
